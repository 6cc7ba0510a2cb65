"""The opening of a WebSocket: one that fails is refused in JSON and leaves nobody waiting."""

import asyncio
import json
import ssl
from contextlib import suppress

import pytest

from tests.unit.listening.bounded_http.bare_http import (
    PATIENT,
    REFUSAL,
    Connection,
    Listener,
    listening,
    request,
)

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
OPENING = ("Upgrade: websocket", "Connection: Upgrade", KEY, "Sec-WebSocket-Version: 13")
# This listener takes heads of 4 KiB; the library reads no more than 128 headers.
REFUSED = {
    "too many headers": (431, (*OPENING, *["X: x"] * 130)),
    "a length": (400, (*OPENING, "Content-Length: 5")),
    "chunks": (400, (*OPENING, "Transfer-Encoding: chunked")),
    "no key": (400, tuple(line for line in OPENING if line != KEY)),
    "another version": (400, (*OPENING[:-1], "Sec-WebSocket-Version: 7")),
    "a subprotocol that is none": (400, (*OPENING, "Sec-WebSocket-Protocol: \x80")),
    "what the application refuses": (403, OPENING),
}


async def shake_hands(
    connection: Connection, context: ssl.SSLContext
) -> tuple[ssl.SSLObject, ssl.MemoryBIO]:
    """TLS whose records go out when the test says so: the client's side, and its records."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    while True:
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            await connection.send(outgoing.read())
            incoming.write(await connection.reader.read(65_536))
        else:
            return client, outgoing


@pytest.mark.parametrize(("status", "lines"), REFUSED.values(), ids=REFUSED.keys())
async def test_an_opening_that_fails_is_answered(
    patient: Listener, status: int, lines: tuple[str, ...]
):
    """One JSON answer that repeats nothing, and the connection ends."""
    text = "\r\n".join(("GET /device/ws HTTP/1.1", "Host: a", *lines)) + "\r\n\r\n"
    async with patient.connection() as connection:
        await connection.send(text.encode("latin-1"))
        head = await connection.head()
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert b"\r\ncache-control: no-store\r\n" in head.lower()
        assert json.loads(await connection.reader.read()) == REFUSAL
    await patient.until_deserted()


@pytest.mark.parametrize("target", ["/patient", "/held"])
async def test_no_websocket_opens_while_an_answer_is_awaited(patient: Listener, target: str):
    """The answer would be read as frames; the connection ends, and whoever answers hears of it."""
    opening = "\r\n".join(("GET /open HTTP/1.1", "Host: a", *OPENING, "", "")).encode("ascii")
    async with patient.connection() as connection:
        await connection.send(request("Content-Length: 3", body="abc", target=target))
        await patient.application.arrived.wait()
        await connection.send(opening)
        assert await connection.is_ended()
    if target == "/patient":
        async with asyncio.timeout(10):
            await patient.application.left.wait()


async def test_a_websocket_opens_on_a_connection_that_was_used_before(patient: Listener):
    """Once everything that was asked on it is answered."""
    opening = "\r\n".join(("GET /open HTTP/1.1", "Host: a", *OPENING, "", "")).encode("ascii")
    async with patient.connection() as connection:
        await connection.send(request("Content-Length: 0"))
        assert (await connection.answer())[0] == 200
        await connection.send(opening)
        assert (await connection.head()).startswith(b"HTTP/1.1 101 ")


async def test_a_websocket_opens_to_stay_where_each_answer_is_the_last(patient: Listener):
    """While a process drains, answers end their connections; this one does not (RFC 6455 4.2.2)."""
    patient.server.server_state.default_headers = [(b"connection", b"close")]
    opening = "\r\n".join(("GET /open HTTP/1.1", "Host: a", *OPENING, "", "")).encode("ascii")
    async with patient.connection() as connection:
        await connection.send(opening)
        status, *lines = (await connection.head()).lower().split(b"\r\n")
    assert status.startswith(b"http/1.1 101 ")
    assert [each for each in lines if each.startswith(b"connection:")] == [b"connection: upgrade"]


async def test_who_leaves_as_soon_as_it_has_asked_has_left(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture
):
    """Its close_notify comes with the opening (RFC 8446 6.1): that is no fault of ours to log."""
    opening = "\r\n".join(("GET /unread HTTP/1.1", "Host: a", *OPENING, "", "")).encode("ascii")
    async with listening(PATIENT, server_tls) as listener:
        async with listener.connection() as connection:
            client, records = await shake_hands(connection, client_tls)
            client.write(opening)
            with suppress(ssl.SSLWantReadError):
                client.unwrap()
            await connection.send(records.read())
            await connection.reader.read()
        await listener.until_deserted()
    assert not caplog.records
