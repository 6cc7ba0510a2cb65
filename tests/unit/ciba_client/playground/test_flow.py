"""One flow with a provider that does as a test says."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from ciba_client import NotificationReceiver
from ciba_client.playground.clients import load_clients
from ciba_client.playground.flow import Flow
from ciba_client.playground.order import Order
from ciba_client.playground.views import FlowState
from tests.unit.ciba_client.playground.test_shown import client_file
from tests.unit.ciba_client.scripted_provider import (
    CLIENT_ID,
    Answer,
    FakeClock,
    ScriptedProvider,
    refusal,
)

EVENTS = "/bc-authorize/events"
TOLD = (
    b'event: requested\ndata: {"id": 1, "event": "requested", "at": "2020-01-01T00:00:00Z"}\n\n'
    b'event: shown\ndata: {"id": 2, "event": "shown", "at": "2020-01-01T00:00:02Z"}\n\n'
)


class Watched:
    """A flow, and a way to wait for what becomes of it."""

    def __init__(self, provider: ScriptedProvider, clock: FakeClock, directory: Path) -> None:
        path = client_file(directory, issuer=provider.issuer, client_id=CLIENT_ID)
        (client,) = load_clients([path], listen=None, warn=lambda _: None).values()
        self._changed = asyncio.Event()
        self.flow = Flow(
            "one",
            client,
            Order(CLIENT_ID, hint="alice"),
            receiver=NotificationReceiver(),
            clock=clock,
            changed=lambda _: self._changed.set(),
        )

    async def until(self, reached: Callable[[Flow], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(10):
            while not reached(self.flow):
                self._changed.clear()
                await self._changed.wait()


def labels(flow: Flow) -> list[str]:
    """The steps of its diagram."""
    return [step.label for step in flow.view().steps]


@pytest.fixture
def watched(provider: ScriptedProvider, clock: FakeClock, tmp_path: Path) -> Watched:
    """A flow that polls, not begun yet."""
    provider.script(EVENTS, Answer(b"", 204))
    return Watched(provider, clock, tmp_path)


async def test_a_provider_with_another_clock_is_put_right(
    provider: ScriptedProvider, watched: Watched
):
    """Its ledger begins with the request; a stream that breaks off is asked for again."""
    provider.script(EVENTS, Answer(b"", 503), Answer(TOLD), Answer(b"", 204))
    running = asyncio.create_task(watched.flow.run())
    await watched.until(lambda flow: "Shown to the user" in labels(flow))
    steps = {step.label: step.at for step in watched.flow.view().steps}
    assert 0 <= steps["Request stored"] < 60
    assert steps["Shown to the user"] - steps["Request stored"] == pytest.approx(2)
    assert [each.headers.get("last-event-id") for each in provider.requests_to(EVENTS)][:2] == [
        None,
        None,
    ]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_a_provider_does_not_have_is_told(provider: ScriptedProvider, watched: Watched):
    """No userinfo, no introspection; no receipt; a refresh that is refused, or answered badly."""
    tokens = provider.tokens(refresh_token="again")
    provider.script("/token", Answer(tokens))
    running = asyncio.create_task(watched.flow.run())
    await watched.until(lambda flow: flow.state is FlowState.DONE)
    assert await watched.flow.use("userinfo") == "userinfo_endpoint is not the URL of an endpoint"
    assert (await watched.flow.use("introspect")).endswith("is not the URL of an endpoint")
    provider.script("/bc-authorize/receipt", refusal("not_approved", status=409))
    assert "not_approved" in await watched.flow.use("receipt")
    provider.script("/token", refusal("invalid_grant"))
    assert await watched.flow.use("refresh") == "Refused: see the diagram."
    provider.script("/token", Answer(b"[]"))
    assert await watched.flow.use("refresh") == "the provider's answer is malformed"
    provider.script("/token", Answer(b"nonsense", 400))
    assert await watched.flow.use("refresh") == "Refused: see the diagram."
    provider.script("/token", Answer({**tokens, "access_token": "fresh"}))
    assert await watched.flow.use("refresh") == "Answered: see the diagram."
    assert watched.flow.tokens is not None
    assert watched.flow.tokens.access_token == "fresh"
    assert labels(watched.flow).count("Refresh") == 4
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_tokens_that_prove_nothing_are_thrown_away(
    provider: ScriptedProvider, watched: Watched
):
    """The flow has failed, and says why."""
    provider.script("/token", Answer(provider.tokens(id_token="no.id.token")))
    running = asyncio.create_task(watched.flow.run())
    await watched.until(lambda flow: flow.state is FlowState.FAILED)
    problem = watched.flow.view().problem
    assert problem is not None
    assert problem.explanation.section == "3.1.3.7"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_code_to_type_is_shown(provider: ScriptedProvider, watched: Watched):
    """Where the provider demands number matching."""
    provider.script("/bc-authorize", Answer(provider.acknowledgement(verification_code="042187")))
    running = asyncio.create_task(watched.flow.run())
    await watched.until(lambda flow: flow.state is FlowState.DONE)
    assert watched.flow.view().verification_code == "042187"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
