"""Bodies of requests: whole and as large as they may be, or not taken at all."""

from collections.abc import Iterable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope

from ciba_service.endpoints.body import BodyPolicy, UnreadableBody, accepts, has_body, read_body

POLICY = BodyPolicy("application/json", limit=10, seconds=5.0)


def scope_of(*headers: tuple[bytes, bytes]) -> Scope:
    """A request with these headers."""
    return {"type": "http", "headers": list(headers)}


def received(*messages: Message) -> Receive:
    """What comes of its body, one after the other."""
    following = iter(messages)

    async def receive() -> Message:
        return next(following)

    return receive


def parts(*bodies: bytes) -> Iterable[dict[str, Any]]:
    """A body in parts."""
    for number, body in enumerate(bodies, 1):
        yield {"type": "http.request", "body": body, "more_body": number < len(bodies)}


async def read(*bodies: bytes, length: bytes | None = None) -> bytes:
    """Read a body that comes in parts."""
    described = () if length is None else ((b"content-length", length),)
    scope = scope_of((b"content-type", b"application/json"), *described)
    return await read_body(scope, received(*parts(*bodies)), POLICY)


async def test_a_body_may_be_as_large_as_its_limit():
    """Whatever parts it comes in, and whether its length is said before."""
    for bodies in ((b"0123456789",), (b"01234", b"56789"), (b"", b"0123456789", b"")):
        assert await read(*bodies) == b"0123456789"
        assert await read(*bodies, length=b"0000000000000000010") == b"0123456789"


@pytest.mark.parametrize(
    "length", [None, b"11", b"10", b"1" * 5_000], ids=["unsaid", "11", "10", "5000 digits"]
)
async def test_a_byte_more_is_too_large(length: bytes | None):
    """By what is said of it, or else by what comes."""
    for bodies in ((b"0123456789a",), (b"01234", b"56789a"), (b"0123456789", b"a")):
        with pytest.raises(UnreadableBody) as refused:
            await read(*bodies, length=length)
        assert refused.value.status == 413


async def test_what_came_before_it_was_cut_off_is_no_body():
    """Nothing is done for a sender that went away in the middle."""
    scope = scope_of((b"content-type", b"application/json"))
    begun = {"type": "http.request", "body": b"{}", "more_body": True}
    with pytest.raises(UnreadableBody, match="cut off") as refused:
        await read_body(scope, received(begun, {"type": "http.disconnect"}), POLICY)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("headers", "has_one"),
    [
        ((), False),
        (((b"content-length", b"0"),), False),
        (((b"content-length", b"000"),), False),
        (((b"content-length", b"10"),), True),
        (((b"transfer-encoding", b"chunked"),), True),
    ],
    ids=["nothing said", "0", "000", "10", "chunked"],
)
def test_a_body_is_one_of_some_length_or_in_chunks(
    headers: tuple[tuple[bytes, bytes], ...],
    has_one: bool,  # noqa: FBT001 - a parameter of the test
):
    """RFC 9112 6.3: what comes in chunks is a body, though nobody says how long."""
    assert has_body(scope_of(*headers)) is has_one


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ((), False),
        ((b"*/*",), False),
        ((b"text/event-stream",), True),
        ((b"application/json, Text/Event-Stream; charset=utf-8",), True),
        ((b"application/json", b"text/event-stream"), True),
        ((b"text/event-stream;q=0.5",), True),
        ((b"text/event-stream;q=0",), False),
        ((b"text/event-stream; Q=0.000",), False),
        ((b"text/event-stream; charset=utf-8; q=0.0",), False),
    ],
)
def test_a_type_is_accepted_when_it_is_named_with_some_weight(
    lines: tuple[bytes, ...],
    wanted: bool,  # noqa: FBT001 - a parameter of the test
):
    """RFC 9110 12.4.2: whoever gives it no weight does not want it."""
    scope = scope_of(*((b"accept", line) for line in lines))
    assert accepts(scope, "text/event-stream") is wanted
