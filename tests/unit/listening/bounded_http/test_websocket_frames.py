"""Frames that no application sees, and peers that read nothing: every WebSocket has its bounds."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.frames import Close, Frame, Opcode

from ciba_service.listening.bounded_websocket import BoundedWebSocket
from ciba_service.sca.messages import CloseCode
from tests.unit.listening.bounded_http.bare_http import PATIENT, Connection, Listener, listening
from tests.unit.listening.bounded_http.test_websocket_openings import OPENING

FEW, MANY = 200, 20_000
PING = Frame(Opcode.PING, b"?")
PART = Frame(Opcode.CONT, b"", fin=False)
BEGINNING = Frame(Opcode.TEXT, b"", fin=False)


class HastyWebSocket(BoundedWebSocket):
    """One that waits for nobody."""

    farewell_seconds = 0.05


def opening(path: str) -> bytes:
    """What opens a WebSocket there."""
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: a", *OPENING, "", "")).encode("ascii")


def sent(frame: Frame, number: int = 1) -> bytes:
    """So many frames as a client sends them."""
    return frame.serialize(mask=True) * number


@asynccontextmanager
async def opened(listener: Listener, path: str = "/open") -> AsyncIterator[Connection]:
    """A WebSocket that the application has accepted."""
    async with listener.connection(buffer=1_024) as connection:
        await connection.send(opening(path))
        assert (await connection.head()).startswith(b"HTTP/1.1 101 ")
        yield connection


@pytest.mark.parametrize(
    ("first", "frame"), [(b"", PING), (sent(BEGINNING), PART)], ids=["pings", "parts"]
)
async def test_pings_and_parts_without_end_are_stopped(
    patient: Listener, first: bytes, frame: Frame
):
    """With the close code of too many frames, and no later one is looked at."""
    async with opened(patient) as connection:
        connection.writer.write(first + sent(frame, MANY))
        closing = Frame(
            Opcode.CLOSE, Close(CloseCode.TOO_MANY_FRAMES, "too_many_frames").serialize()
        )
        await connection.reader.readuntil(closing.serialize(mask=False))
    await patient.until_deserted()


async def test_some_pings_are_answered(patient: Listener):
    """As they must be (RFC 6455 5.5.2)."""
    async with opened(patient) as connection:
        await connection.send(sent(PING, FEW))
        pongs = Frame(Opcode.PONG, PING.data).serialize(mask=False) * FEW
        assert await connection.reader.readexactly(len(pongs)) == pongs


async def test_who_reads_nothing_is_not_kept_for_ever():
    """What waits to be read goes with a keep-alive ping that has no answer (RFC 6455 5.5.2)."""
    async with listening(PATIENT, ping_seconds=0.05) as listener, opened(listener, "/unread"):
        await listener.until_deserted()


async def test_the_last_words_are_not_kept_for_ever():
    """The application has ended, and what it said last is not read."""
    async with listening(PATIENT, ws=HastyWebSocket) as listener, opened(listener, "/left"):
        await listener.until_deserted()


@pytest.mark.parametrize(
    "frames",
    [
        sent(Frame(Opcode.TEXT, b"\xff")),
        sent(Frame(Opcode.TEXT, b"\xe2\x82", fin=False)) + sent(Frame(Opcode.CONT, b"x")),
    ],
    ids=["one frame", "two parts"],
)
async def test_text_that_is_none_is_no_fault_of_ours(
    patient: Listener, frames: bytes, caplog: pytest.LogCaptureFixture
):
    """It ends the WebSocket (RFC 6455 8.1), and nobody can fill the log with errors."""
    async with opened(patient) as connection:
        await connection.send(frames * 2)
        closing = Frame(Opcode.CLOSE, Close(1007, "").serialize()).serialize(mask=False)
        assert await connection.reader.read() == closing
    await patient.until_deserted()
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


async def test_text_may_be_cut_within_a_letter(patient: Listener):
    """It is looked at as a whole (RFC 6455 5.6)."""
    parts = Frame(Opcode.TEXT, b"\xe2\x82", fin=False), Frame(Opcode.CONT, b"\xac"), PING
    async with opened(patient) as connection:
        await connection.send(b"".join(sent(part) for part in parts))
        pong = Frame(Opcode.PONG, PING.data).serialize(mask=False)
        assert await connection.reader.readexactly(len(pong)) == pong
