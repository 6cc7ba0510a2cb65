"""Heads, trailers and upgrades against a real listener: bounded, and refused in JSON."""

import asyncio
import ssl

import pytest

from tests.unit.listening.bounded_http.bare_http import (
    PATIENT,
    REFUSAL,
    Connection,
    Listener,
    listening,
    request,
)

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
TOO_LARGE = {
    "a target": b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\n",
    "an endless target": b"GET /" + b"x" * 9_000,
    "an endless value": HEAD + b"X: " + b"x" * 5_000,
    "an endless name": HEAD + b"x" * 5_000,
    "many headers": HEAD + b"X: x\r\n" * 3_000 + b"\r\n",
    "headers of nothing": HEAD + b"X:\r\n" * 1_025 + b"\r\n",
    "a target and a value": b"GET /%b HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % ((b"x" * 3_000,) * 2),
    "a whole head": HEAD + b"X: " + b"x" * 5_000 + b"\r\n\r\n",
    "empty lines": b"\r\n" * 2_500,
}
ENDLESS = {
    "a trailer's value": "3\r\nabc\r\n0\r\nX: ",
    "a trailer's name": "0\r\n",
    "a chunk's extension": "3;",
    "a chunk's size": "0",
}


async def test_an_ordinary_request_is_answered_again_and_again(patient: Listener):
    """Keep-alive, chunks and pipelining work as ever."""
    async with patient.connection() as connection:
        for _ in range(2):
            await connection.send(request("Content-Length: 3", body="abc"))
            status, content = await connection.answer()
            assert (status, content["length"]) == (200, 3)
        await connection.send(request("Content-Length: 3", body="abc") * 2)
        assert [(await connection.answer())[1]["length"] for _ in range(2)] == [3, 3]
        chunks = "3\r\nabc\r\n2;note\r\nde\r\n0\r\n\r\n"
        await connection.send(request("Transfer-Encoding: chunked", body=chunks))
        assert (await connection.answer())[1]["length"] == 5


async def test_every_byte_may_come_alone(patient: Listener):
    """Where the network cuts a request does not matter."""
    sent = request("Transfer-Encoding: chunked", body="3\r\nabc\r\n0\r\n\r\n") * 2
    async with patient.connection() as connection:
        for number in range(len(sent)):
            await connection.send(sent[number : number + 1])
            await asyncio.sleep(0)
        assert [(await connection.answer())[1]["length"] for _ in range(2)] == [3, 3]


@pytest.mark.parametrize("size", [10, 100_000, 2_000_000])
async def test_a_body_is_no_head(patient: Listener, size: int):
    """A body is as long as the endpoint lets it be; here nobody limits it."""
    async with patient.connection() as connection:
        await connection.send(request(f"Content-Length: {size}", body="x" * size))
        assert (await connection.answer())[1]["length"] == size


async def test_many_small_chunks_are_no_head(patient: Listener):
    """What surrounds the chunks is not counted together."""
    chunks = "1\r\nx\r\n" * 3_000 + "0\r\n\r\n"
    async with patient.connection() as connection:
        await connection.send(request("Transfer-Encoding: chunked", body=chunks))
        assert (await connection.answer())[1]["length"] == 3_000


async def test_many_requests_at_once_are_no_head(patient: Listener):
    """Each head is counted alone."""
    async with patient.connection() as connection:
        await connection.send(request("Content-Length: 0") * 300)
        for _ in range(300):
            assert (await connection.answer())[0] == 200


@pytest.mark.parametrize("sent", TOO_LARGE.values(), ids=TOO_LARGE.keys())
@pytest.mark.parametrize("pieces", [1, 7])
async def test_what_is_too_large_is_refused(patient: Listener, sent: bytes, pieces: int):
    """Wherever the bytes are, and however they come: 431, and the connection ends."""
    step = len(sent) // pieces + 1
    async with patient.connection() as connection:
        for start in range(0, len(sent), step):
            await connection.send(sent[start : start + step])
            await asyncio.sleep(0)
        assert await connection.answer() == (431, REFUSAL)
        assert await connection.is_ended()


async def test_what_is_just_not_too_large_is_taken(patient: Listener):
    """Many small headers count as what they are."""
    async with patient.connection() as connection:
        await connection.send(HEAD + b"X: x\r\n" * 600 + b"\r\n")
        assert (await connection.answer())[0] == 200


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS.keys())
async def test_what_never_ends_around_a_body_is_refused(patient: Listener, body: str):
    """It is not gathered until the time is over: 431, and the connection ends."""
    async with patient.connection() as connection:
        await connection.send(request("Transfer-Encoding: chunked", body=body))

        async def go_on() -> None:
            while True:
                await connection.send(b"0" * 1_000)
                await asyncio.sleep(0)

        sending = asyncio.create_task(go_on())
        try:
            assert await connection.answer() == (431, REFUSAL)
        finally:
            sending.cancel()
        await asyncio.wait([sending])
        assert await connection.is_ended()


async def test_a_refusal_arrives_although_more_is_sent(patient: Listener):
    """The connection is not reset while the peer still sends what nobody wants."""
    async with patient.connection() as connection:
        connection.writer.write(HEAD + b"x" * 4_000_000)
        assert await connection.answer() == (431, REFUSAL)
        await connection.writer.drain()
        assert await connection.is_ended()


async def test_trailers_are_refused(patient: Listener):
    """A header after the body would reach whoever trusts a proxy to have removed it."""
    body = "1\r\na\r\n0\r\nClient-Cert: forged\r\n\r\n"
    async with patient.connection() as connection:
        await connection.send(request("Transfer-Encoding: chunked", body=body))
        assert await connection.answer() == (400, REFUSAL)
        assert await connection.is_ended()


@pytest.mark.parametrize("sent", [HEAD + b"X: " + b"x" * 5_000, b"hello\r\n\r\n"])
async def test_nothing_is_answered_in_place_of_an_earlier_request(patient: Listener, sent: bytes):
    """A refusal that would be taken for another request's answer is not written."""
    async with patient.connection() as connection:
        await connection.send(request("Content-Length: 0", target="/held"))
        await patient.application.arrived.wait()
        await connection.send(sent)
        assert await connection.is_ended()


@pytest.mark.clause("ciba-10.1-9")
async def test_one_connection_too_many_is_refused(patient: Listener):
    """It is told at once to come back; those that were there first go on."""
    connections = [
        await asyncio.open_connection("127.0.0.1", patient.port) for _ in range(PATIENT.connections)
    ]
    first = Connection(*connections[0])
    await first.send(request("Content-Length: 0"))
    assert (await first.answer())[0] == 200
    async with patient.connection() as one_more:
        head = await one_more.head()
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in head
        assert b"temporarily_unavailable" in await one_more.reader.read()
    await first.send(request("Content-Length: 0"))
    assert (await first.answer())[0] == 200
    for _, writer in connections:
        writer.close()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("protocol", ["h2c", "tea", "websocket"])
async def test_an_upgrade_that_is_not_made_is_ignored(
    patient: Listener, protocol: str, version: str
):
    """The body is that of the request, and never another request (RFC 9110 7.8)."""
    smuggled = request("Content-Length: 0", target="/smuggled").decode()
    lines = ("Connection: upgrade", f"Upgrade: {protocol}", f"Content-Length: {len(smuggled)}")
    whole = request(*lines, body=smuggled).replace(b" HTTP/1.1", f" HTTP/{version}".encode(), 1)
    top, _, body = whole.partition(b"\r\n\r\n")
    async with patient.connection() as connection:
        await connection.send(top + b"\r\n\r\n")
        await connection.send(body)
        status, content = await connection.answer()
        assert (status, content["path"], content["length"]) == (200, "/token", len(smuggled))
        assert "upgrade" not in content["headers"]  # type: ignore[operator] # a list
        if version == "1.1":
            await connection.send(request("Content-Length: 0", target="/next"))
            assert (await connection.answer())[1]["path"] == "/next"


async def test_the_bounds_hold_over_tls(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext):
    """Below TLS everything is as without; there the end comes with close_notify."""
    async with listening(PATIENT, server_tls) as listener:
        async with listener.connection(client_tls) as connection:
            await connection.send(request("Content-Length: 3", body="abc"))
            assert (await connection.answer())[1]["length"] == 3
        async with listener.connection(client_tls) as connection:
            await connection.send(HEAD + b"X: " + b"x" * 5_000)
            assert await connection.answer() == (431, REFUSAL)


@pytest.mark.parametrize(
    ("version", "first"), [("1.0", b"HTTP/1.1 200 "), ("1.1", b"HTTP/1.1 100 ")]
)
async def test_only_who_knows_interim_answers_is_told_to_continue(
    patient: Listener, version: str, first: bytes
):
    """What HTTP/1.0 expects is ignored: it would take 100 for the answer (RFC 9110 10.1.1)."""
    whole = request("Expect: 100-continue", "Content-Length: 3", body="abc")
    async with patient.connection() as connection:
        await connection.send(whole.replace(b" HTTP/1.1", f" HTTP/{version}".encode(), 1))
        assert (await connection.head()).startswith(first)
