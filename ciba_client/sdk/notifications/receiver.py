"""The client notification endpoint (CIBA 10.2, 10.3.1) as an ASGI application."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.notifications.expected import ExpectedNotification, ExpectedNotifications
from ciba_client.sdk.notifications.message import (
    NotificationRefused,
    Refusal,
    read_notification,
)

__all__ = ["NotificationReceiver", "refusal_response"]


class NotificationReceiver:
    """Takes pings and pushes, mounted where ``backchannel_client_notification_endpoint`` points.

    Give the same receiver to each ``CibaClient`` that runs in this event loop. What is no
    notification of theirs is refused and changes nothing. ``timeout`` bounds, in seconds, how long
    a notification may take to arrive, and how long one that came early waits for the provider's
    acknowledgement.

    A push is answered 204 once its tokens were verified. The first one settles its request: the
    same again gets the same answer, another is refused (409), as is one of a request that the
    program has left (410), so that the provider can revoke tokens that nobody has.
    """

    def __init__(self, *, timeout: float = 5.0) -> None:
        self._timeout = timeout
        self._expected = ExpectedNotifications()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 204 to a notification, whatever its path; also serves as a whole application."""
        match scope["type"]:
            case "http":
                response = await self._answer(Request(scope, receive))
                await response(scope, receive, send)
            case "lifespan":
                await _live(receive, send)
            case _:
                await send({"type": "websocket.close", "code": 1003})

    @contextmanager
    def expecting(self, mode: TokenDeliveryMode) -> Iterator[ExpectedNotification]:
        """Expect the notifications of one request; ``CibaClient`` does so for each of its own."""
        with self._expected.expecting(mode) as expected:
            yield expected

    async def _answer(self, request: Request) -> Response:
        try:
            notification = await read_notification(request, timeout_seconds=self._timeout)
            await self._expected.arrive(notification, timeout_seconds=self._timeout)
        except NotificationRefused as refused:
            return refusal_response(refused.refusal)
        except ClientDisconnect:
            return refusal_response(Refusal.MALFORMED)  # which nobody reads
        return Response(status_code=204)


def refusal_response(refusal: Refusal) -> Response:
    """The same answer to all that is refused for one reason."""
    headers = {"Cache-Control": "no-store"}
    match refusal:
        case Refusal.METHOD:
            headers["Allow"] = "POST"
        case Refusal.TOKEN:
            headers["WWW-Authenticate"] = "Bearer"
        case Refusal.TOO_EARLY | Refusal.UNVERIFIABLE:
            headers["Retry-After"] = "1"
        case Refusal.TOO_SLOW:
            headers["Connection"] = "close"
        case _:
            pass
    code = "invalid_token" if refusal is Refusal.TOKEN else "invalid_request"
    return JSONResponse({"error": code, "error_description": refusal.text}, refusal.status, headers)


async def _live(receive: Receive, send: Send) -> None:
    for moment in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{moment}.complete"})
