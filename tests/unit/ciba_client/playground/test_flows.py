"""The bounds of the playground, and its command."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from ciba_client import Clock, NotificationReceiver, SystemClock
from ciba_client.cli import main
from ciba_client.flags import argument_parser
from ciba_client.playground.clients import PlaygroundClient, load_clients
from ciba_client.playground.command import run_playground
from ciba_client.playground.flows import Changes, Flows
from ciba_client.playground.order import Order, Unusable
from ciba_client.playground.record import Notified
from ciba_client.playground.views import FlowState
from tests.unit.ciba_client.playground.exchanges import asked
from tests.unit.ciba_client.playground.test_shown import client_file
from tests.unit.ciba_client.scripted_provider import (
    AUTH_REQ_ID,
    Answer,
    FakeClock,
    ScriptedProvider,
)


@pytest.fixture
def clients(tmp_path: Path, provider: ScriptedProvider) -> dict[str, PlaygroundClient]:
    """One client of the scripted provider, in ping mode, and one whose provider is gone."""
    called = {
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": "http://127.0.0.1:9/ciba",
    }
    paths = [
        client_file(tmp_path, issuer=provider.issuer, **called),
        client_file(tmp_path, issuer="http://127.0.0.1:9", client_id="lost"),
    ]
    return load_clients(paths, listen=None, warn=lambda _: None)


@pytest.fixture
async def flows(
    clients: dict[str, PlaygroundClient], clock: FakeClock, provider: ScriptedProvider
) -> AsyncIterator[Flows]:
    """Flows that nobody approves."""
    provider.script("/bc-authorize/events", Answer(b"{}", 404))
    all_flows = Flows(clients, receiver=NotificationReceiver(), clock=_Standing(clock))
    async with all_flows.running():
        yield all_flows


class _Standing:
    """The provider's clock, on which nobody's waiting ends."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - however long
        """For ever."""
        await asyncio.Event().wait()


async def become(flows: Flows, name: str, state: FlowState, changes: Changes) -> None:
    """Wait until a flow is in a state."""
    async with asyncio.timeout(10):
        while (flow := flows.find(name)) is not None and flow.state is not state:
            await changes.next()


async def test_the_oldest_that_is_over_makes_room(flows: Flows):
    """As long as there is one; else no more can be started."""
    with flows.following() as changes:
        over = flows.start(Order("lost", hint="alice"))
        await become(flows, over.id, FlowState.FAILED, changes)
        assert over.view().problem is not None
        waiting = [flows.start(Order("till", hint="alice")) for _ in range(23)]
        last = flows.start(Order("till", hint="alice"))
        assert flows.find(over.id) is None
        with pytest.raises(Unusable, match="too many"):
            flows.start(Order("till", hint="alice"))
        assert len(flows.names()) == 24
        await become(flows, waiting[0].id, FlowState.WAITING, changes)
        await become(flows, last.id, FlowState.WAITING, changes)


async def test_a_notification_may_come_before_its_flow_is_known(flows: Flows):
    """It is kept until the acknowledgement names the request; what is nobody's is dropped."""
    ping = replace(asked("/ciba", {}), request_body=f'{{"auth_req_id": "{AUTH_REQ_ID}"}}'.encode())
    for _ in range(20):
        flows.notified(Notified(replace(ping, request_body=b"nonsense"), None))
    flows.notified(Notified(ping, None))
    with flows.following() as changes:
        flow = flows.start(Order("till", hint="alice"))
        await become(flows, flow.id, FlowState.WAITING, changes)
        assert "Ping" in [step.label for step in flow.view().steps]
        while flow.view().ledger:
            await changes.next()
    flows.notified(Notified(ping, None))
    assert [step.label for step in flow.view().steps].count("Ping") == 2


async def test_a_program_that_is_misconfigured_fails_as_a_flow(
    clients: dict[str, PlaygroundClient], clock: FakeClock
):
    """A file that cannot be read is told on the page."""
    configuration = replace(clients["till"].configuration, ca_file=Path("/nowhere.pem"))
    broken = {"till": replace(clients["till"], configuration=configuration)}
    flows = Flows(broken, receiver=NotificationReceiver(), clock=clock)
    async with flows.running():
        with flows.following() as changes:
            flow = flows.start(Order("till", hint="alice"))
            await become(flows, flow.id, FlowState.FAILED, changes)
            assert await flow.cancel() == "There is nothing to cancel any more."
            assert await flow.use("userinfo") == "That cannot be done with this flow."
            assert flow.detail(1) is None


async def test_the_command_prints_where_the_page_is(tmp_path: Path):
    """With the secret in the fragment, which lets in; the page is told whom to ask at first."""
    screen = _Screen()
    arguments = ["playground", "--config", str(client_file(tmp_path)), "--port", "0"]
    options = argument_parser().parse_args([*arguments, "--login-hint", "carol@example.org"])
    running = asyncio.create_task(run_playground(options, SystemClock(), screen))
    async with asyncio.timeout(10):
        await screen.flushed.wait()
    found = re.search(r"playground: +(http://127\.0\.0\.1:\d+/)#([\w-]{43})\n", screen.getvalue())
    assert found is not None
    async with httpx2.AsyncClient(trust_env=False) as http:
        assert "CIBA playground" in (await http.get(found[1])).text
        headers = {"authorization": f"Bearer {found[2]}"}
        async with http.stream("GET", f"{found[1]}api/stream", headers=headers) as stream:
            told = [line async for line in _lines_until_data(stream)]
    assert json.loads(told[-1].removeprefix("data:"))["login_hint"] == "carol@example.org"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _lines_until_data(stream: httpx2.Response) -> AsyncIterator[str]:
    async for line in stream.aiter_lines():
        yield line
        if line.startswith("data:"):
            return


class _Screen(io.StringIO):
    """Tells when something is to be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = asyncio.Event()

    def flush(self) -> None:
        """Something is."""
        self.flushed.set()


def test_the_command_refuses_what_it_cannot_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A file that is not there, and a port that is none."""
    assert main(["playground", "--config", str(tmp_path / "none.toml")]) == 2
    assert "No such file" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["playground", "--config", "x", "--port", "65536"])
    assert "must be a port" in capsys.readouterr().err
