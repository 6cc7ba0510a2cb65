"""``authenticator-sim run --push``: a phone that is woken at a push service of its own."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from authenticator_sim.cli import main
from authenticator_sim.commands.run import AttendedBy, RunOptions, run
from authenticator_sim.errors import UsageError
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.services.simulated_phone import enrolled_state, surroundings
from tests.wire.client import WireClient


class Screen(io.StringIO):
    """What a phone said, line by line as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.changed = asyncio.Event()

    def write(self, text: str) -> int:
        """Take a line."""
        self.events += [json.loads(line) for line in text.splitlines()]
        self.changed.set()
        return len(text)

    async def until(self, name: str, number: int = 1) -> dict[str, Any]:
        """The event of a name, the ``number``-th of its kind, once it is there."""
        async with asyncio.timeout(10):
            while len(found := [each for each in self.events if each["event"] == name]) < number:
                self.changed.clear()
                await self.changed.wait()
        return found[number - 1]


@pytest.fixture
async def bank(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """A service that pushes to this machine."""
    sections = {
        "outbound": {"allow_loopback_http": True},
        "wake_up": {"web_push": True, "contact": "mailto:security@bank.example"},
    }
    async with run_service(clients=[till], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


def options(state: Path) -> RunOptions:
    """A phone that approves whatever it is woken for."""
    return RunOptions(
        attended_by=AttendedBy.APPROVE_ALL,
        automation_port=0,
        pin_file=None,
        state=state,
        ca_file=None,
        json=True,
        push_port=0,
    )


@asynccontextmanager
async def sleeping_phone(service: RunningService, directory: Path) -> AsyncIterator[Screen]:
    """A phone of alice that waits to be woken."""
    screen = Screen()
    state = await enrolled_state(service, directory)
    running = asyncio.create_task(run(options(state), surroundings(service, screen)))
    try:
        await screen.until("fetched")
        yield screen
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_a_simulated_phone_is_woken_and_approves(bank: RunningService, tmp_path: Path):
    """It opens the push, fetches, verifies, approves with the PIN, and sleeps again."""
    async with sleeping_phone(bank, tmp_path / "phone") as screen:
        auth_req_id = await bank.till.started()
        await bank.telemetry.seen("wake_up_planned")
        assert [each["event"] for each in screen.events][-1] == "fetched"
        bank.clock.advance(1)
        await screen.until("decided")
        assert (await bank.till.poll(auth_req_id)).status_code == 200
    await screen.until("wake_up_dropped")
    names = [each["event"] for each in screen.events]
    expected = [
        "wake_up_offered",
        "push_listening",
        "wake_up_set",
        "fetched",
        "woken",
        "challenge",
        "fetched",
        "decided",
        "wake_up_dropped",
    ]
    assert [name for name in names if name in expected] == expected


async def test_what_is_no_push_wakes_nobody(bank: RunningService, tmp_path: Path):
    """Whoever finds the address cannot wake the phone: key, sender and content must be right."""
    async with sleeping_phone(bank, tmp_path / "phone") as screen:
        port = (await screen.until("push_listening"))["port"]
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as stranger:
            assert (await stranger.post("/push/guessed", content=b"x")).status_code == 404
        assert not [each for each in screen.events if each["event"] == "woken"]


async def test_a_service_that_does_not_push_is_refused(service: RunningService, tmp_path: Path):
    """The phone says what is missing instead of sleeping for ever."""
    state = await enrolled_state(service, tmp_path / "phone")
    with pytest.raises(UsageError, match=r"wake_up\.web_push"):
        await run(options(state), surroundings(service, Screen()))


async def test_a_service_that_asks_no_such_address_is_refused(
    run_service: ServiceRunner, till: WireClient, tmp_path: Path
):
    """Without TLS this machine is no push service, unless the service says so."""
    wake_up = {"web_push": True, "contact": "mailto:security@bank.example"}
    async with run_service(clients=[till], sections={"wake_up": wake_up}) as careful:
        state = await enrolled_state(careful, tmp_path / "phone")
        screen = Screen()
        with pytest.raises(UsageError, match="does not push to this machine"):
            await run(options(state), surroundings(careful, screen))
    assert (await screen.until("wake_up_refused"))["reason"] == "endpoint"


def test_a_scenario_has_connections_of_its_own(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """``--push`` does not go with ``--scenario``."""
    arguments = ["run", "--state", str(tmp_path), "--scenario", "racing", "--push", "0"]
    assert main(arguments) == 2
    assert "--push" in capsys.readouterr().err
