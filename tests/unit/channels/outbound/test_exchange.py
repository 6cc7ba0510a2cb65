"""One request and one answer: what is sent, what is told, and how much is ever read."""

import asyncio
import socket
import struct
from contextlib import suppress

import pytest

from ciba_service.channels.outbound import OutboundLimits
from ciba_service.ports.outbound import (
    FailureReason,
    OutboundFailure,
    OutboundRequest,
    OutboundResponse,
)
from tests.unit.channels.outbound.far_ends import (
    HOST,
    JSON,
    NO_CONTENT,
    Behaviour,
    Street,
    answering,
    head_of,
)

SHORT = 1.0


def chunked(parts: int, size: int) -> bytes:
    """An answer in chunks."""
    chunk = b"%x\r\n%b\r\n" % (size, b"a" * size)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + chunk * parts + b"0\r\n\r\n"


def sized(size: int, *headers: bytes) -> bytes:
    """An answer with a body of some bytes."""
    head = b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Length: %d" % size, *headers])
    return head + b"\r\n\r\n" + b"a" * size


async def test_a_document_is_fetched(street: Street):
    """Status, the headers that matter and the body are told; the request says who asks."""
    answer = JSON.replace(
        b"\r\n\r\n", b"\r\nCache-Control: public\r\nCache-Control: max-age=9\r\n\r\n"
    )
    far, door = await street.far_end(answer), street.door()
    assert await door.fetch(far.url("/jwks?tenant=7")) == OutboundResponse(
        status=200,
        content_type="application/json",
        cache_control="public, max-age=9",
        body=b"{}",
    )
    (request,) = far.requests
    assert request.split(b"\r\n") == [
        b"GET /jwks?tenant=7 HTTP/1.1",
        b"Host: %b:%d" % (HOST.encode(), far.port),
        b"User-Agent: ciba-service",
        b"Accept: application/json",
        b"Accept-Encoding: identity",
        b"",
        b"",
    ]


async def test_a_callback_is_sent(street: Street):
    """JSON with an Authorization header; the answer's body is not told."""
    far, door = await street.far_end(sized(5, b"Retry-After: 7")), street.door()
    assert await door.notify(far.url("/ping")) == OutboundResponse(status=200, retry_after="7")
    (request,) = far.requests
    assert request.startswith(b"POST /ping HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer token-of-the-till\r\n" in request
    assert b"\r\nContent-Type: application/json\r\n" in request
    assert b"\r\nContent-Length: 2\r\n" in request


@pytest.mark.parametrize("answer", [NO_CONTENT, sized(2)], ids=["no content", "little"])
async def test_a_connection_is_used_again(street: Street, answer: bytes):
    """Callbacks to one host share a connection when their answers are at hand in full."""
    far, door = await street.far_end(answer), street.door()
    for _ in range(3):
        assert isinstance(await door.notify(far.url()), OutboundResponse)
    assert (far.connections, len(far.requests)) == (1, 3)
    assert door.names.asked == [HOST]


async def test_an_idle_connection_is_not_kept_for_ever(street: Street):
    """After its time a connection is no longer used."""
    far = await street.far_end()
    door = street.door(limits=OutboundLimits(keep_alive=0))
    for _ in range(2):
        assert isinstance(await door.fetch(far.url()), OutboundResponse)
    assert far.connections == 2


async def test_without_idle_connections_each_is_closed_at_once(street: Street):
    """Nothing is kept where nothing may be idle."""
    ended = asyncio.Event()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(JSON)
        assert await reader.read() == b""
        ended.set()

    far, door = await street.far_end(behave), street.door(limits=OutboundLimits(idle=0))
    assert isinstance(await door.fetch(far.url()), OutboundResponse)
    await ended.wait()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer(street: Street, status: int):
    """It is told as it came, and nobody goes there."""
    other = await street.far_end()
    location = b"Location: %b" % other.url("/elsewhere").encode()
    far = await street.far_end(
        b"HTTP/1.1 %d R\r\n%b\r\nContent-Length: 0\r\n\r\n" % (status, location)
    )
    door = street.door()
    for result in (await door.fetch(far.url()), await door.notify(far.url())):
        assert isinstance(result, OutboundResponse)
        assert result.status == status
    assert other.requests == []


async def test_no_cookie_is_kept(street: Street):
    """What a server sets it does not get back."""
    far = await street.far_end(sized(0, b"Set-Cookie: a=b"))
    door = street.door()
    for _ in range(2):
        await door.fetch(far.url())
    assert len(far.requests) == 2
    assert not any(b"cookie" in request.lower() for request in far.requests)


async def test_the_environment_names_no_proxy(street: Street, monkeypatch: pytest.MonkeyPatch):
    """Whatever proxies the environment names, the host itself is asked."""
    proxy = await street.far_end(tls=False)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    far, door = await street.far_end(), street.door()
    assert isinstance(await door.fetch(far.url()), OutboundResponse)
    assert proxy.connections == 0


@pytest.mark.parametrize(
    ("answer", "is_taken"),
    [
        pytest.param(sized(65_536), True, id="just fits"),
        pytest.param(chunked(1024, 64), True, id="just fits in chunks"),
        pytest.param(sized(65_537), False, id="one byte too many"),
        pytest.param(chunked(1, 65_537), False, id="one byte too many in a chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n" + b"a" * 70_000,
                     False, id="announced"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 16_000 + b"\r\nContent-Length: 0\r\n\r\n",
                     True, id="long header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 16_384 + b"\r\nContent-Length: 0\r\n\r\n",
                     False, id="longer header"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 4_000 + b"Content-Length: 0\r\n\r\n",
                     False, id="many headers"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000 + JSON, False, id="interim answers"),
    ],
)  # fmt: skip
async def test_no_answer_is_longer_than_allowed(street: Street, answer: bytes, *, is_taken: bool):
    """64 KiB of body and 16 KiB before it; what is longer is no answer."""
    far, door = await street.far_end(answer), street.door()
    result = await door.fetch(far.url())
    if is_taken:
        assert isinstance(result, OutboundResponse)
    else:
        assert result == OutboundFailure(FailureReason.TOO_LARGE, "the answer is too long")


def endless(beginning: bytes, part: bytes) -> Behaviour:
    """An answer that never ends."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(beginning)
        while True:
            writer.write(part * 500)
            await writer.drain()

    return behave


@pytest.mark.parametrize(
    ("beginning", "part"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 1000, id="body until the end"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", id="chunks"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a" * 99, id="extension"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"A: b\r\n",
            id="trailers",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n", id="headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: ", b"b" * 99, id="header"),
        pytest.param(b"HTTP/1.1 2", b"0" * 99, id="status"),
        pytest.param(b"", b"HTTP/1.1 103 Early\r\n\r\n", id="interim answers"),
    ],
)
async def test_an_endless_answer_is_cut_off(street: Street, beginning: bytes, part: bytes):
    """However it goes on, it is left long before the deadline."""
    far, door = await street.far_end(endless(beginning, part)), street.door()
    assert await door.failure(far.url(), deadline=20) in {
        FailureReason.TOO_LARGE,
        FailureReason.PROTOCOL_ERROR,
    }


async def test_the_body_of_a_callbacks_answer_is_not_waited_for(street: Street):
    """The status counts, whatever follows it, and a connection with an unread rest is closed."""
    far = await street.far_end(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 1000))
    door = street.door()
    for _ in range(2):
        assert await door.notify(far.url()) == OutboundResponse(status=200)
    assert far.connections == 2


async def test_an_answer_before_its_request_is_none(street: Street):
    """What came too much after one is not the next; the connection is left (RFC 9112 9.2)."""
    far = await street.far_end(answering(NO_CONTENT * 2))
    door = street.door()
    early = OutboundFailure(FailureReason.PROTOCOL_ERROR, "the answer came before the request")
    told = [await door.notify(far.url()) for _ in range(3)]
    assert told == [OutboundResponse(status=204), early, OutboundResponse(status=204)]
    assert far.connections == 2


def held(*parts: bytes) -> Behaviour:
    """Send these parts, then nothing any more."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        for part in parts:
            writer.write(part)
            await writer.drain()
        await asyncio.Event().wait()

    return behave


def dribbling(data: bytes) -> Behaviour:
    """Send byte after byte, slowly."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        for byte in data:
            writer.write(bytes([byte]))
            await asyncio.sleep(SHORT / 20)

    return behave


async def never(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Read and say nothing."""
    await reader.read()


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(never, id="silence"),
        pytest.param(held(b"HTTP/1.1 200 OK\r\nContent-"), id="half a head"),
        pytest.param(held(JSON[:-1]), id="all but a byte"),
        pytest.param(dribbling(JSON), id="slow head"),
        pytest.param(dribbling(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 99), id="slow body"),
    ],
)
async def test_a_slow_server_has_one_clock(street: Street, behaviour: Behaviour):
    """However often it sends a byte, the whole exchange ends at its deadline."""
    far, door = await street.far_end(behaviour), street.door()
    async with asyncio.timeout(10):
        assert await door.fetch(far.url(), deadline=SHORT) == OutboundFailure(
            FailureReason.TIMEOUT, "no answer within 1 seconds"
        )


async def test_a_server_that_never_shakes_hands_has_the_same_clock(street: Street):
    """TLS belongs to the exchange, and the connection ends with it."""
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        ended.set()

    far, door = await street.far_end(silent, tls=False), street.door()
    assert await door.failure(far.url(), deadline=SHORT) is FailureReason.TIMEOUT
    async with asyncio.timeout(10):
        await ended.wait()


@pytest.mark.parametrize("body", [b"", b"ab"])
async def test_a_callback_does_not_wait_for_an_announced_body(street: Street, body: bytes):
    """A server that keeps the rest to itself has answered all the same."""
    far = await street.far_end(held(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body))
    async with asyncio.timeout(10):
        result = await street.door().notify(far.url())
    assert result == OutboundResponse(status=200)


async def test_a_caller_may_go(street: Street):
    """Cancellation ends an exchange at once, and the next one works."""
    arrived = asyncio.Event()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        if not arrived.is_set():
            arrived.set()
            await asyncio.Event().wait()
        writer.write(JSON)

    far, door = await street.far_end(behave), street.door(limits=OutboundLimits(total=1))
    asking = asyncio.create_task(door.fetch(far.url()))
    await arrived.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert isinstance(await door.fetch(far.url()), OutboundResponse)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-", id="half a head"),
        pytest.param(JSON[:-1], id="all but a byte"),
        pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n", id="no HTTP"),
        pytest.param(b"HTTP/2 200\r\n\r\n", id="another HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", id="length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", id="lengths"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", id="coding"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", id="chunk"),
        pytest.param(
            b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", id="upgrade"
        ),
        pytest.param(sized(2, b"Content-Encoding: gzip"), id="encoded"),
        pytest.param(sized(2, b"Content-Encoding: identity", b"Content-Encoding: br"), id="twice"),
    ],
)
async def test_what_is_no_answer_is_told_so(street: Street, answer: bytes):
    """Bytes that are not HTTP, end early, or are encoded though nobody asked for it."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    far, door = await street.far_end(behave), street.door()
    assert await door.failure(far.url()) is FailureReason.PROTOCOL_ERROR


async def test_a_connection_that_breaks_is_told_so(street: Street):
    """A server that vanishes in the middle of an answer."""

    async def vanish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(JSON[:-1])
        connection: socket.socket = writer.get_extra_info("socket")
        # The system then sends a reset in place of an end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    far, door = await street.far_end(vanish), street.door()
    assert await door.fetch(far.url()) == OutboundFailure(
        FailureReason.PROTOCOL_ERROR, "the connection broke"
    )


async def test_a_request_that_cannot_be_written_is_told_so(street: Street):
    """A line break in a header reaches nobody."""
    far, door = await street.far_end(), street.door()
    request = OutboundRequest.notify(
        far.url(), authorization="Bearer a\r\nX: y", body=b"{}", deadline=10
    )
    result = await door.client.send(request)
    assert isinstance(result, OutboundFailure)
    assert result.reason is FailureReason.PROTOCOL_ERROR
    assert far.requests == []
