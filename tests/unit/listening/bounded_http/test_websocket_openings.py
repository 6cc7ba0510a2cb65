"""The opening of a WebSocket: one that fails is refused in JSON and leaves nobody waiting."""

import asyncio
import json

import pytest

from tests.unit.listening.bounded_http.bare_http import REFUSAL, Listener, request

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
