"""Peers that take their time: every wait for one of them ends."""

import asyncio
import socket
import ssl
from dataclasses import replace
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from tests.unit.listening.bounded_http.bare_http import (
    HASTY,
    PATIENT,
    REFUSAL,
    Connection,
    Listener,
    listening,
    request,
)
from tests.unit.listening.bounded_http.test_websocket_openings import OPENING

LONG = 20_000_000


def whole(length: int) -> list[dict[str, Any]]:
    """An answer of so many bytes."""
    headers = [(b"content-length", b"%d" % length)]
    return [
        {"type": "http.response.start", "status": 200, "headers": headers},
        {"type": "http.response.body", "body": bytes(length)},
    ]


async def test_a_silent_connection_ends(hasty: Listener):
    """Nobody who says nothing keeps a connection, and nothing is answered to nothing."""
    async with hasty.connection() as connection:
        assert await connection.is_ended()


@pytest.mark.parametrize("sent", [b"POST /tok", b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\n"])
async def test_a_slow_head_is_told_so(hasty: Listener, sent: bytes):
    """A head that does not end in time: 408, and the connection ends."""
    async with hasty.connection() as connection:
        await connection.send(sent)
        assert await connection.answer() == (408, REFUSAL)
        assert await connection.is_ended()


async def test_a_slow_head_is_told_so_over_tls(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
):
    """As without."""
    async with (
        listening(HASTY, server_tls) as listener,
        listener.connection(client_tls) as connection,
    ):
        await connection.send(b"POST /tok")
        assert await connection.answer() == (408, REFUSAL)
        assert await connection.is_ended()


@pytest.mark.parametrize("sent", [b"\r\n", b"P"])
async def test_a_second_head_has_its_own_time(hasty: Listener, sent: bytes):
    """Also one that only dribbles empty lines after an answered request."""
    async with hasty.connection() as connection:
        await connection.send(request("Content-Length: 0"))
        assert (await connection.answer())[0] == 200
        await connection.send(sent)
        assert await connection.answer() == (408, REFUSAL)


async def test_a_head_that_comes_with_the_last_request_has_its_time_too(hasty: Listener):
    """The beginning of a head that was read together with a whole request counts."""
    async with hasty.connection() as connection:
        await connection.send(request("Content-Length: 0") + b"POST /tok")
        assert (await connection.answer())[0] == 200
        assert await connection.answer() == (408, REFUSAL)


async def test_a_head_behind_a_request_that_takes_long_is_not_late(hasty: Listener):
    """While an earlier answer is awaited, nothing is said of the next head."""
    async with hasty.connection() as connection:
        held = request("Content-Length: 0", target="/held")
        await connection.send(held + request("Content-Length: 0") + b"POST /tok")
        await hasty.application.arrived.wait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4 * HASTY.head_seconds):
                await connection.reader.read(1)
        hasty.application.gate.set()
        assert [(await connection.answer())[0] for _ in range(2)] == [200, 200]
        assert await connection.answer() == (408, REFUSAL)


async def test_a_message_that_never_ends_is_dropped(hasty: Listener):
    """Whatever waits for the body learns that the client has gone."""
    async with hasty.connection() as connection:
        await connection.send(request("Content-Length: 9", body="abc"))
        assert await connection.is_ended()


async def test_a_message_has_a_time_of_its_own():
    """That of its head is over with the head."""
    bounds = replace(HASTY, message_seconds=30)
    async with (
        listening(bounds) as listener,
        listener.connection() as connection,
        listener.connection() as silent,
    ):
        await connection.send(request("Content-Length: 3"))
        assert await silent.is_ended()
        await connection.send(b"abc")
        assert (await connection.answer())[0] == 200


async def test_the_time_of_a_message_is_over_with_the_message():
    """What comes next has its own."""
    bounds, begun = replace(HASTY, head_seconds=30), request("Content-Length: 9", body="abc")
    async with (
        listening(bounds) as listener,
        listener.connection() as connection,
        listener.connection() as slow,
    ):
        await connection.send(begun)
        await listener.application.arrived.wait()
        await connection.send(b"defghi")
        assert (await connection.answer())[0] == 200
        await slow.send(begun)
        assert await slow.is_ended()
        await connection.send(request("Content-Length: 0"))
        assert (await connection.answer())[0] == 200


async def test_a_body_that_nobody_waited_for_ends_too(hasty: Listener):
    """A peer cannot stay by sending on what was answered long ago."""
    async with hasty.connection() as connection:
        await connection.send(request("Content-Length: 9", target="/early"))
        assert (await connection.answer())[0] == 200
        await connection.send(b"a")
        assert await connection.is_ended()


async def test_silence_after_a_late_body_ends(hasty: Listener):
    """The body that came after its answer leaves an idle connection like any other."""
    async with hasty.connection() as connection:
        await connection.send(request("Content-Length: 3", target="/early"))
        assert (await connection.answer())[0] == 200
        await connection.send(b"abc")
        assert await connection.is_ended()


async def test_silence_after_an_answer_ends():
    """An idle connection is kept only so long."""
    async with (
        listening(PATIENT, keep_alive=0.05) as listener,
        listener.connection() as connection,
    ):
        await connection.send(request("Content-Length: 0"))
        assert (await connection.answer())[0] == 200
        assert await connection.is_ended()


async def test_a_kept_connection_may_ask_for_what_takes_long():
    """Silence is counted until the next request begins, and no longer."""
    async with (
        listening(PATIENT, keep_alive=0.05) as listener,
        listener.connection() as connection,
        listener.connection() as silent,
    ):
        await connection.send(request("Content-Length: 0"))
        assert (await connection.answer())[0] == 200
        listener.application.arrived.clear()
        await connection.send(request("Content-Length: 0", target="/held"))
        await listener.application.arrived.wait()
        await silent.send(request("Content-Length: 0"))
        assert (await silent.answer())[0] == 200
        assert await silent.is_ended()
        listener.application.gate.set()
        assert (await connection.answer())[0] == 200


async def test_a_websocket_is_not_bound_by_the_time_of_a_head(hasty: Listener):
    """It has times of its own."""
    ping = Frame(Opcode.PING, b"?")
    async with hasty.connection() as connection:
        lines = ("GET /open HTTP/1.1", "Host: a", *OPENING, "", "")
        await connection.send("\r\n".join(lines).encode("ascii"))
        assert (await connection.head()).startswith(b"HTTP/1.1 101 ")
        async with hasty.connection() as silent:
            assert await silent.is_ended()
        await connection.send(ping.serialize(mask=True))
        pong = Frame(Opcode.PONG, ping.data).serialize(mask=False)
        assert await connection.reader.readexactly(len(pong)) == pong


async def test_a_peer_that_reads_nothing_is_dropped(hasty: Listener):
    """Answers wait for their reader only so long."""
    with socket.socket() as bare:
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        bare.setblocking(False)  # noqa: FBT003 - as the socket has it
        loop = asyncio.get_running_loop()
        await loop.sock_connect(bare, ("127.0.0.1", hasty.port))
        await loop.sock_sendall(bare, request("Content-Length: 0", target="/long") * 300)
        await hasty.application.arrived.wait()
        await hasty.until_deserted()


async def test_a_peer_that_reads_late_is_served():
    """A pause of the reader is no end, as long as it is short."""
    bounds = replace(HASTY, head_seconds=30, message_seconds=30, write_seconds=30)
    async with listening(bounds) as listener, listener.connection() as connection:
        sent = request("Content-Length: 0", target="/long") * 400
        await connection.send(sent)
        await listener.until_unread()
        for _ in range(400):
            await connection.head()
            assert len(await connection.reader.readexactly(60_000)) == 60_000


async def test_a_peer_that_read_late_is_not_dropped_later():
    """Its time is over when it reads; one that reads nothing goes."""
    bounds = replace(PATIENT, write_seconds=2)
    async with (
        listening(bounds) as listener,
        listener.connection() as connection,
        listener.connection() as other,
    ):
        listener.application.messages = whole(LONG)
        for each in (connection, other):
            await each.send(request("Content-Length: 0", target="/told"))
            await each.head()
        await listener.until_unread()
        await connection.reader.readexactly(LONG)
        await listener.until_left(1)
        await connection.send(request("Content-Length: 0"))
        assert (await connection.answer())[0] == 200


async def test_a_websocket_is_not_dropped_for_an_answer_that_was_read_late():
    """It was asked for before the answer was read, as it then is; who reads nothing goes."""
    opening = "\r\n".join(("GET /open HTTP/1.1", "Host: a", *OPENING, "", "")).encode("ascii")
    bounds = replace(PATIENT, write_seconds=2)
    async with (
        listening(bounds) as listener,
        listener.connection() as connection,
        listener.connection() as other,
    ):
        listener.application.messages = whole(LONG)
        for each in connection, other:
            await each.send(request("Content-Length: 0", target="/told"))
            await each.head()
        await listener.until_unread()
        await connection.send(opening)
        await listener.until_switched()
        await connection.reader.readexactly(LONG)
        assert (await connection.head()).startswith(b"HTTP/1.1 101 ")
        await listener.until_left(1)
        await connection.send(Frame(Opcode.PING, b"there").serialize(mask=True))
        assert await connection.reader.readexactly(7) == b"\x8a\x05there"


async def test_the_rest_of_a_last_answer_is_not_kept_for_ever():
    """Its peer was told to go, and reads nothing of it."""
    bounds = replace(PATIENT, farewell_seconds=HASTY.farewell_seconds)
    async with listening(bounds) as listener, listener.connection(buffer=1_024) as connection:
        listener.application.messages = whole(LONG)
        await connection.send(request("Content-Length: 0", "Connection: close", target="/told"))
        await connection.head()
        await listener.until_deserted()


async def test_a_refused_peer_is_heard_even_where_its_body_was_not_read(patient: Listener):
    """That it goes is noticed at once, however much of its body nobody asked for."""
    body = f"{70_000:x}\r\n{'a' * 70_000}\r\n".encode("ascii")
    async with patient.connection() as connection:
        await connection.send(request("Transfer-Encoding: chunked", target="/held"))
        await patient.application.arrived.wait()
        await connection.send(body + b"hello\r\n")
        assert await connection.answer() == (400, REFUSAL)
    await patient.until_deserted()


async def test_a_peer_that_stays_after_its_refusal_is_dropped(hasty: Listener):
    """It may read the refusal and say what it began to say, but not for ever."""
    async with hasty.connection() as connection:
        await connection.send(b"hello\r\n\r\n")
        assert await connection.answer() == (400, REFUSAL)
        await hasty.until_deserted()


@pytest.mark.parametrize(
    "sent",
    [request("Content-Length: x"), request("Transfer-Encoding: chunked", body="x\r\n")],
    ids=["its head", "its body"],
)
async def test_the_end_of_the_server_waits_for_no_refused_peer(sent: bytes):
    """The time a refused peer has ends with the server, whatever of it was refused."""
    async with listening(PATIENT) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        connection = Connection(reader, writer)
        await connection.send(sent)
        assert await connection.answer() == (400, REFUSAL)
    writer.close()
