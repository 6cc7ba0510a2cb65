"""Sockets that nobody has authenticated on, by address."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from ciba_service.listening.admission.gate import Gate, GateBounds
from ciba_service.listening.admission.layer import Admission
from ciba_service.listening.admission.strangers import Strangers, stranger_of
from tests.services.recording_telemetry import RecordingTelemetry


async def farewells() -> None:
    """Wait for what was to come at once, which comes before this."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    loop.call_later(0, over.set_result, None)
    await over


@pytest.mark.parametrize(("sockets", "part"), [(0, 1), (15, 1), (9_000, 562)])
def test_an_address_has_a_sixteenth(sockets: int, part: int):
    """One at least; another address has its own."""
    strangers = Strangers(sockets)
    assert all(strangers.enter("192.0.2.1") for _ in range(part))
    assert strangers.enter("192.0.2.1") is None
    assert strangers.enter("192.0.2.2") is not None


async def test_whose_phone_is_known_counts_no_more():
    """Once, however often it is said, and however the socket ends."""
    strangers = Strangers(32, farewell_seconds=0)
    first, second = strangers.enter("192.0.2.1"), strangers.enter("192.0.2.1")
    assert first is not None
    assert second is not None
    for _ in range(2):
        first.known()
        first.ended()
    await farewells()
    assert strangers.enter("192.0.2.1") is not None
    assert strangers.enter("192.0.2.1") is None


def test_nothing_is_kept_of_an_address_without_sockets():
    """Whoever connects from ever new ones fills no memory."""
    strangers = Strangers(32)
    for number in range(256):
        stranger = strangers.enter(f"192.0.2.{number}")
        assert stranger is not None
        stranger.known()
    assert not strangers._open


async def test_who_stays_unknown_counts_until_the_connection_has_ended():
    """The application is done before."""
    strangers = Strangers(16, farewell_seconds=0)
    stranger = strangers.enter("192.0.2.1")
    assert stranger is not None
    stranger.ended()
    assert strangers.enter("192.0.2.1") is None
    await farewells()
    assert strangers.enter("192.0.2.1") is not None


@pytest.mark.parametrize(
    ("extensions", "answered"),
    [
        ({"websocket.http.response": {}}, ["http.response.start", "http.response.body"]),
        ({}, ["close"]),
    ],
)
async def test_a_handshake_too_many_is_answered_as_the_server_can(
    extensions: dict[str, Any], answered: list[str]
):
    """Servers that are not ours may only be able to refuse it; nobody reaches the application."""
    served: list[Scope] = []
    sent: list[Message] = []

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        assert stranger_of(scope) is not None
        served.append(scope)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    gate = Gate(GateBounds(requests=1, waiting=0, wait_seconds=0.25), RecordingTelemetry())
    layer = Admission(app, gate, open_paths=(), strangers=Strangers(16))
    scope = {"type": "websocket", "path": "/", "client": ("192.0.2.1", 1), "headers": []}
    for _ in range(2):
        await layer({**scope, "extensions": extensions}, receive, send)
    assert len(served) == 1
    assert [message["type"] for message in sent] == [f"websocket.{kind}" for kind in answered]
