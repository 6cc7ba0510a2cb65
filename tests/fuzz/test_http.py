"""Bytes on real sockets: heads of requests, every route, the opening of a WebSocket and its frames.

No request is answered 500, no connection breaks the process, and the service goes on after it.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import RAW, TRICKS, any_json, compact, damaged
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.services.whole_service import EVERYTHING
from tests.wire.client import WireClient
from tests.wire.operator import (
    DOCUMENT,
    WRITER,
    Operators,
    new_tokens,
    operating,
    operators_section,
)
from tools.openapi import SERVED

PATHS: Final = tuple(json.loads(SERVED.read_text("utf-8"))["paths"])
OPERATORS_PATHS: Final = tuple(DOCUMENT["paths"])
METHODS: Final = [
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "QUERY",
    "get",
]
HEADERS: Final = [
    "accept", "authorization", "cache-control", "client-cert", "client-cert-chain", "content-type",
    "content-encoding", "cookie", "dpop", "expect", "forwarded", "if-none-match", "last-event-id",
    "origin", "prefer", "referer", "sec-fetch-site", "traceparent", "x-fapi-interaction-id",
    "x-forwarded-for", "x-http-method-override", "te", "range",
]  # fmt: skip
VALUES: Final = [
    b"", b"*/*", b"text/event-stream", b"application/json", b"application/x-www-form-urlencoded",
    b"Bearer " + b"a" * 43, b"DPoP a.b.c", b"Device a.b.c", b"a=b; ciba-operator=" + b"a" * 90,
    b"100-continue", b"wait=" + b"9" * 40, b"null", b"\xff\xfe", b"a" * 9_000, b"," * 5_000, b'"',
    b'for="[::1]";by=', b":" + b"A" * 600 + b":", b"gzip", b"9" * 5_000, b"\t", b"bytes=0-",
]  # fmt: skip
_UNSENDABLE: Final = re.compile(rb"[\0\r\n]")

values = st.one_of(st.sampled_from(VALUES), RAW).map(lambda value: _UNSENDABLE.sub(b"", value))
pieces = st.one_of(
    st.sampled_from([b"%00", b"%2e%2e", b"%ff", b"..", b"*", b"%", b";a=b", b"A" * 43, b"%C3%A9"]),
    RAW.map(lambda raw: re.sub(rb"[^!-~]", b"", raw)[:64]),
)
bodies = st.one_of(
    st.sampled_from([trick for trick in TRICKS if len(trick) < 20_000]),
    RAW,
    any_json.map(compact),
    st.sampled_from(
        [b"grant_type=%ff", b"a=b&a=b", b"client_id=x&client_assertion=a.b.c", b"&" * 99]
    ),
)


@st.composite
def requests(draw: st.DrawFn, paths: Sequence[str]) -> bytes:
    """A request that is well-formed HTTP, for a route that exists or nearly does."""
    path = re.sub(r"{[^}]*}", "\0", draw(st.sampled_from(paths))).encode()
    path = b"".join(draw(pieces) if each == b"\0" else each for each in re.split(rb"(\0)", path))
    if draw(st.booleans()) and draw(st.booleans()):
        path += b"/" + draw(pieces)
    query = b"?" + draw(pieces) + b"=" + draw(pieces) if draw(st.booleans()) else b""
    lines = [
        b"%b: %b" % (name.encode(), draw(values))
        for name in draw(st.lists(st.sampled_from(HEADERS), max_size=4, unique=True))
    ]
    body = draw(bodies)
    head = [b"%b %b%b HTTP/1.1" % (draw(st.sampled_from(METHODS)).encode(), path, query)]
    head += [b"Host: service", b"Connection: close", b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


HEAD: Final = (
    b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 3\r\n\r\na=bGET /jwks HTTP/1.1\r\nHost: a\r\n\r\n"
)
OPENING: Final = (
    b"GET /device/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: ciba-device.v1\r\n\r\n\x81\x85\x00\x00\x00\x00hello"
)


async def _exchanged(address: str, sent: bytes, *, end: bool) -> bytes:
    """What is answered until the connection ends; with ``end`` nothing more is to come."""
    where = urlsplit(address)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        writer.write(sent)
        if end:
            writer.write_eof()
        return await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


def _statuses(answer: bytes) -> Sequence[int]:
    return [int(status) for status in re.findall(rb"(?:^|\n)HTTP/1\.1 ([0-9]{3})", answer)]


@pytest.fixture
async def whole(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """Everything switched on; afterwards it still answers, and nothing was a defect."""
    async with run_service(clients=[till], sections=EVERYTHING) as running:
        yield running
        assert (await running.http.get("/healthz")).status_code == 200
        assert running.telemetry.failures == []


@fuzzed
@given(sent=requests(PATHS))
async def test_no_request_is_answered_with_a_server_error(
    whole: RunningService, sent: bytes
) -> None:
    """Any method, path, query, header and body on every route has an answer below 500."""
    statuses = _statuses(await _exchanged(whole.issuer, sent, end=False))
    assert statuses, sent
    assert all(status < 500 for status in statuses), (statuses, sent)


@pytest.fixture
async def operators(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[Operators]:
    """The door of the operators, likewise."""
    tokens = new_tokens()
    sections = {"operators": operators_section(tokens)}
    async with (
        run_service(clients=[till], sections=sections) as running,
        operating(running, tokens) as door,
    ):
        yield door
        assert await door.get("/status")
        assert running.telemetry.failures == []


@fuzzed
@given(sent=requests(OPERATORS_PATHS), known=st.booleans())
async def test_nor_is_one_of_an_operator(operators: Operators, sent: bytes, known: bool) -> None:  # noqa: FBT001
    """With a good token and without one."""
    if known:
        token = f"\r\nAuthorization: Bearer {operators.tokens[WRITER]}".encode()
        sent = sent.replace(b"\r\nHost: service", b"\r\nHost: service" + token, 1)
    statuses = _statuses(await _exchanged(operators.base_url, sent, end=False))
    assert statuses, sent
    assert all(status < 500 for status in statuses), (statuses, sent)


@fuzzed
@given(sent=st.one_of(RAW, damaged(HEAD), damaged(OPENING)))
@example(sent=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
@example(sent=b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 10_000 + b"\r\n")
@example(sent=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
@example(sent=HEAD.replace(b"3\r", b"9" * 5_000 + b"\r"))
@example(sent=HEAD.replace(b"Content-Length: 3", b"Transfer-Encoding: chunked") + b"f" * 100)
@example(sent=OPENING + b"\x82\xff" + b"\xff" * 8)
async def test_bytes_that_are_no_request_are_refused(whole: RunningService, sent: bytes) -> None:
    """What is cut off or malformed is refused as that, or not answered at all."""
    statuses = _statuses(await _exchanged(whole.issuer, sent, end=True))
    assert all(status < 500 for status in statuses), (statuses, sent)


@fuzzed
@given(frames=st.lists(st.one_of(bodies, RAW.map(lambda raw: raw.decode("latin-1"))), max_size=3))
async def test_any_frame_is_answered_or_ends_the_socket(
    whole: RunningService, frames: list[bytes | str]
) -> None:
    """A phone that sends garbage is told by a close code of the protocol."""
    async with whole.phone().raw_socket() as socket:
        with suppress(ConnectionClosed):
            await socket.recv()
            for frame in frames:
                await socket.send(frame)
        await socket.close()
        assert socket.close_code in {1000, 1009, *range(4400, 4504)}, frames
