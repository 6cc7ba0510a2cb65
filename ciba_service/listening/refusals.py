"""Answers given before there is an application to give them, in the words of all others."""

from http import HTTPStatus
from typing import Final

import msgspec

from ciba_service.protocol.errors import (
    InvalidRequestError,
    OAuth2Error,
    ServerError,
    TemporarilyUnavailableError,
    TooManyFailuresError,
)

__all__ = ["MEDIA_TYPE", "refusal", "refusal_body"]

MEDIA_TYPE: Final = "application/json"
_ERRORS: Final[dict[HTTPStatus, type[OAuth2Error]]] = {
    HTTPStatus.INTERNAL_SERVER_ERROR: ServerError,
    HTTPStatus.SERVICE_UNAVAILABLE: TemporarilyUnavailableError,
    HTTPStatus.TOO_MANY_REQUESTS: TooManyFailuresError,
}
_RETRY: Final = {HTTPStatus.SERVICE_UNAVAILABLE: 1}


def refusal_body(status: HTTPStatus) -> bytes:
    """The JSON of an error of this status: a constant sentence and nothing else."""
    error = _ERRORS.get(status, InvalidRequestError)
    return msgspec.json.encode({"error": error.error, "error_description": error.description})


def refusal(status: HTTPStatus, *, retry: int | None = None, last: bool = True) -> bytes:
    """A whole HTTP answer, after which the connection ends if it is the ``last``.

    Whoever is told 503 is told to come again after ``retry`` seconds, one if nothing is said.
    """
    body, seconds = refusal_body(status), retry or _RETRY.get(status)
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"content-type: {MEDIA_TYPE}",
        "cache-control: no-store",
        *([] if seconds is None else [f"retry-after: {seconds}"]),
        f"content-length: {len(body)}",
        *(["connection: close"] if last else []),
    ]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii") + body
