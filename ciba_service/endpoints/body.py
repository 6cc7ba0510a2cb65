"""Request bodies: bounded in size and in time, of one content type."""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope

from ciba_service.listening.answering import arrived_body
from ciba_service.protocol.errors import ContentTypeError, InvalidRequestError, Reason

__all__ = [
    "BodyPolicy",
    "UnreadableBody",
    "accepts",
    "has_body",
    "header",
    "header_lines",
    "read_body",
]

_BAD_REQUEST: Final = 400
_TIMEOUT: Final = 408
_TOO_LARGE: Final = 413
_UNSUPPORTED: Final = 415
_NO_WEIGHT: Final = re.compile(r"q=0(\.0{0,3})?")
_DESCRIBING: Final = frozenset({b"content-type", b"content-encoding", b"content-length"})


class UnreadableBody(Exception):
    """The body is not taken; ``status`` is the HTTP status that says so, ``error`` its OAuth error.

    The error has the reason for its cause.
    """

    def __init__(
        self, status: int, reason: str, error: type[InvalidRequestError] = InvalidRequestError
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.error = error()
        self.error.__cause__ = Reason(reason)


@dataclass(frozen=True, slots=True)
class BodyPolicy:
    """What a body may be: its media type, its size in bytes, and the seconds it may take."""

    media_type: str
    limit: int
    seconds: float


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of this name, or None."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def header_lines(scope: Scope, name: bytes) -> tuple[str, ...]:
    """Every header of this name."""
    return tuple([value.decode("latin-1") for key, value in scope["headers"] if key == name])


def has_body(scope: Scope) -> bool:
    """Whether it says how long its body is, or that it comes in chunks (RFC 9112 6.3)."""
    length = header(scope, b"content-length") or b"0"
    return length.strip(b"0") != b"" or header(scope, b"transfer-encoding") is not None


def accepts(scope: Scope, media_type: str) -> bool:
    """Whether ``Accept`` names this very type; whoever wants the usual answer does not name it."""
    lines = header_lines(scope, b"accept")
    return any(_wants(each, media_type) for line in lines for each in line.split(","))


def _wants(media_range: str, media_type: str) -> bool:
    name, *parameters = (part.strip().lower() for part in media_range.split(";"))
    # RFC 9110 12.4.2: whoever gives it no weight does not want it.
    return name == media_type and not any(_NO_WEIGHT.fullmatch(each) for each in parameters)


async def read_body(scope: Scope, receive: Receive, policy: BodyPolicy) -> bytes:
    """Read the whole body.

    Raises:
        UnreadableBody: when it is of another type, compressed, too large, too slow, or cut off.
    """
    content_type, coding, length = _described(scope)
    if content_type.decode("latin-1").partition(";")[0].strip().lower() != policy.media_type:
        reason = f"the content type is not {policy.media_type}"
        raise UnreadableBody(_BAD_REQUEST, reason, ContentTypeError)
    if coding is not None:
        raise UnreadableBody(_UNSUPPORTED, "the body has a content coding")
    if length is not None and length.isdigit() and _number(length) > policy.limit:
        raise UnreadableBody(_TOO_LARGE, "the body is too large")
    body = arrived_body(receive)
    if body is not None:
        return _bounded(body, policy.limit)
    try:
        async with asyncio.timeout(policy.seconds):
            return await _collect(receive, policy.limit)
    except TimeoutError:
        raise UnreadableBody(_TIMEOUT, "the body came too slowly") from None


def _described(scope: Scope) -> tuple[bytes, bytes | None, bytes | None]:
    """Content type, content coding and length, as the headers say them."""
    described: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _DESCRIBING:
            described.setdefault(name, value)
    return (
        described.get(b"content-type", b""),
        described.get(b"content-encoding"),
        described.get(b"content-length"),
    )


def _number(digits: bytes) -> int:
    # Python refuses to read thousands of digits; beyond ten they say too much anyway.
    significant = digits.lstrip(b"0") or b"0"
    return int(significant[:10])


def _bounded(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise UnreadableBody(_TOO_LARGE, "the body is too large")
    return body


async def _collect(receive: Receive, limit: int) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise UnreadableBody(_BAD_REQUEST, "the body was cut off")
        body = _bounded(body + message.get("body", b""), limit)
        if not message.get("more_body"):
            return body
