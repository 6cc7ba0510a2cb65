"""Answers given before there is an application to give them, in the words of all others."""

from http import HTTPStatus
from typing import Final

import msgspec

from ciba_service.protocol.errors import (
    InvalidRequestError,
    OAuth2Error,
    ServerError,
    TemporarilyUnavailableError,
)

__all__ = ["MEDIA_TYPE", "refusal", "refusal_body"]

MEDIA_TYPE: Final = "application/json"
_ERRORS: Final[dict[HTTPStatus, type[OAuth2Error]]] = {
    HTTPStatus.INTERNAL_SERVER_ERROR: ServerError,
    HTTPStatus.SERVICE_UNAVAILABLE: TemporarilyUnavailableError,
}
_RETRY: Final = {HTTPStatus.SERVICE_UNAVAILABLE: "retry-after: 1\r\n"}


def refusal_body(status: HTTPStatus) -> bytes:
    """The JSON of an error of this status: a constant sentence and nothing else."""
    error = _ERRORS.get(status, InvalidRequestError)
    return msgspec.json.encode({"error": error.error, "error_description": error.description})


def refusal(status: HTTPStatus) -> bytes:
    """A whole HTTP answer, after which the connection ends."""
    body = refusal_body(status)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"content-type: {MEDIA_TYPE}\r\ncache-control: no-store\r\n{_RETRY.get(status, '')}"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
