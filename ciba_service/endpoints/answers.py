"""Answers: always JSON, never cached; an error says nothing but the error."""

from collections.abc import Coroutine, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from starlette.types import Send

from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import OAuth2Error

__all__ = ["respond", "respond_error", "respond_nothing", "respond_text"]

Headers = Iterable[tuple[bytes, bytes]]
Fields = Mapping[str, object]

_JSON: Final = (b"content-type", b"application/json")
_NO_STORE: Final = (b"cache-control", b"no-store")
_NO_CONTENT: Final = 204
_UNAVAILABLE: Final = 503
_RETRY_AFTER: Final = (b"retry-after", b"1")
_encoder: Final = msgspec.json.Encoder()


def respond(
    send: Send, status: int, content: object, headers: Headers = ()
) -> Coroutine[Any, Any, None]:
    """Answer with ``content`` as JSON, not to be cached."""
    return _respond(send, status, _encoder.encode(content), (_JSON, *headers))


async def respond_text(send: Send, status: int, media_type: str, text: str) -> None:
    """Answer with ASCII text of a media type, not to be cached."""
    content_type = (b"content-type", media_type.encode("ascii"))
    await _respond(send, status, text.encode("ascii"), (content_type,))


async def respond_nothing(send: Send) -> None:
    """Answer 204: it is done, and nothing is left to say."""
    await send({"type": "http.response.start", "status": _NO_CONTENT, "headers": [_NO_STORE]})
    await send({"type": "http.response.body", "body": b""})


async def _respond(send: Send, status: int, body: bytes, headers: Headers) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, _NO_STORE, length],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def respond_error(
    send: Send,
    error: OAuth2Error,
    telemetry: Telemetry,
    *,
    status: int | None = None,
    headers: Headers = (),
    logged: Fields = MappingProxyType({}),
) -> None:
    """Answer with a wire error; what the operator needs to know goes to the log.

    ``logged`` are further fields of the log's line.

    The body has ``error`` and ``error_description`` and nothing else (CIBA 13).
    """
    code = status or int(error.status_code)
    telemetry.event(
        "request_refused",
        error=error.error,
        status=code,
        reason=None if error.__cause__ is None else str(error.__cause__),
        **logged,
    )
    content = {"error": error.error, "error_description": error.description}
    retry = (_RETRY_AFTER,) if code == _UNAVAILABLE else ()
    await respond(send, code, content, (*headers, *retry))
