"""Who looks at what goes over the wire, and at what happens at the provider."""

from collections.abc import AsyncIterator

import pytest

from ciba_client import (
    CibaClient,
    ClientConfiguration,
    Exchange,
    InvalidProviderResponse,
    ProviderUnavailable,
)
from ciba_client.sdk.provider.event_stream import ServerSentEvent, parse_event_stream
from tests.unit.ciba_client.scripted_provider import (
    DISCOVERY,
    Answer,
    FakeClock,
    ScriptedProvider,
    tokens_for,
)


class Observer:
    """Keeps what it saw."""

    def __init__(self) -> None:
        self.seen: list[Exchange] = []

    def exchanged(self, exchange: Exchange) -> None:
        """One more."""
        self.seen.append(exchange)


async def test_each_exchange_is_told_as_it_was(
    provider: ScriptedProvider, configuration: ClientConfiguration, clock: FakeClock
):
    """Discovery, keys, the request and the poll, with all that was sent and answered."""
    observer = Observer()
    async with CibaClient(configuration, clock=clock, observer=observer) as client:
        await tokens_for(client)
    paths = [each.url.removeprefix(provider.issuer) for each in observer.seen]
    assert paths == [DISCOVERY, "/jwks", "/bc-authorize", "/token"]
    request = observer.seen[2]
    assert (request.method, request.status, request.failure) == ("POST", 200, None)
    assert b"client_assertion=" in request.request_body
    assert ("content-type", "application/x-www-form-urlencoded") in {
        (name.lower(), value) for name, value in request.request_headers
    }
    assert b"auth_req_id" in request.response_body
    assert any(name.lower() == "content-type" for name, _ in request.response_headers)
    assert request.sent_at == pytest.approx(clock.now(), abs=60)
    assert "client_assertion" not in repr(request)


async def test_an_answer_that_does_not_come_is_told_as_well(
    provider: ScriptedProvider, configuration: ClientConfiguration, clock: FakeClock
):
    """Without a status, and with the reason."""
    provider.script(DISCOVERY, Answer(b"x" * (256 * 1024 + 1)))
    observer = Observer()
    async with CibaClient(configuration, clock=clock, observer=observer) as client:
        with pytest.raises(InvalidProviderResponse):
            await tokens_for(client)
    (seen,) = observer.seen
    assert (seen.status, seen.failure) == (None, "the provider's answer is too large")


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    """A stream as it may come."""
    for piece in pieces:
        yield piece


async def test_events_are_read_however_they_are_cut():
    """Comments, other fields and events without data say nothing; the last needs its end."""
    stream = in_pieces(
        b":\n\nid: 1\nevent: requ", b"ested\r\ndata: {}\r\n", b"\r\nevent: none\n\n",
        b"data: a\ndata: b\n\ndata: unfinished\n",
    )  # fmt: skip
    assert [event async for event in parse_event_stream(stream)] == [
        ServerSentEvent("requested", "{}"),
        ServerSentEvent("message", "a\nb"),
    ]


@pytest.mark.parametrize("piece", [b"data: \xff\n\n", b"x" * (16 * 1024 + 1)])
async def test_what_is_no_event_is_refused(piece: bytes):
    """Neither bytes that are no text, nor what never ends."""
    with pytest.raises(InvalidProviderResponse):
        _ = [event async for event in parse_event_stream(in_pieces(piece))]


EVENTS = "/bc-authorize/events"
ENTRY = b'event: shown\ndata: {"id": 3, "event": "shown", "at": "2026-11-21T10:00:00.500Z"}\n\n'
AGAIN = (
    b'event: callback_due\ndata: {"id": 4, "event": "callback_due", "attempt": 1, "status": 500,'
    b' "at": "2026-11-21T10:00:01Z", "again_at": "2026-11-21T10:00:03Z"}\n\n'
)


async def told(client: CibaClient) -> list[tuple[int, str, int | None]]:
    """What a stream tells."""
    async with client.authenticate(login_hint="alice") as pending:
        entries = client.ledger(pending.auth_req_id, after=2)
        return [(each.number, each.event, each.status) async for each in entries]


async def test_the_ledger_is_told_until_nothing_more_will_happen(
    provider: ScriptedProvider, client: CibaClient
):
    """Asked for with the last number that is known."""
    provider.script(EVENTS, Answer(ENTRY + AGAIN + b"event: complete\ndata: {}\n\n" + ENTRY))
    assert await told(client) == [(3, "shown", None), (4, "callback_due", 500)]
    (request,) = provider.requests_to(EVENTS)
    assert request.headers["last-event-id"] == "2"
    assert request.headers["accept"] == "text/event-stream"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=404, body=b"{}"), InvalidProviderResponse),
        (Answer(status=503, body=b"{}"), ProviderUnavailable),
        (Answer(b"data: {}\n\n"), InvalidProviderResponse),
        (Answer(ENTRY * 1001), InvalidProviderResponse),
    ],
    ids=["no endpoint", "busy", "malformed", "endless"],
)
async def test_a_provider_without_such_a_stream_is_told_apart(
    provider: ScriptedProvider, client: CibaClient, answer: Answer, error: type[Exception]
):
    """What refuses, is busy, or tells nonsense."""
    provider.script(EVENTS, answer)
    with pytest.raises(error):
        await told(client)
