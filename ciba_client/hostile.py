"""How a notification endpoint may behave, so that integrators see what a provider makes of it."""

import asyncio
import socket
import struct
from enum import StrEnum
from typing import Final, assert_never

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ciba_client.listener import TRANSPORT

__all__ = ["REDIRECTED_TO", "EndpointAnswer", "break_connection", "connection_of", "response_of"]

REDIRECTED_TO: Final = "/redirected"
_RETRY_AFTER: Final = "5"
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class EndpointAnswer(StrEnum):
    """What to answer; the last two give no answer at all."""

    OK_WITH_BODY = "200-body"
    NO_CONTENT = "204"
    REDIRECT = "301"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    TOO_MANY = "429"
    SERVER_ERROR = "500"
    RESET = "reset"
    NOTHING = "nothing"


def response_of(answer: EndpointAnswer) -> Response | None:
    """The answer as HTTP, None where there is none."""
    headers = {}
    match answer:
        case EndpointAnswer.RESET | EndpointAnswer.NOTHING:
            return None
        case EndpointAnswer.NO_CONTENT:
            return Response(status_code=204)
        case EndpointAnswer.REDIRECT:
            headers["Location"] = REDIRECTED_TO
        case EndpointAnswer.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        case EndpointAnswer.TOO_MANY:
            headers["Retry-After"] = _RETRY_AFTER
        case EndpointAnswer.OK_WITH_BODY | EndpointAnswer.FORBIDDEN | EndpointAnswer.SERVER_ERROR:
            pass
        case _:
            assert_never(answer)
    return PlainTextResponse("This body is to be ignored.\n", int(answer[:3]), headers)


def connection_of(request: Request) -> asyncio.Transport:
    """The connection that a request came by."""
    connection: asyncio.Transport = request.scope["state"][TRANSPORT]
    return connection


def break_connection(connection: asyncio.Transport) -> None:
    """End it with a reset, as a process does that dies."""
    connection.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
    )
    connection.abort()
