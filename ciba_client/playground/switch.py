"""The notification endpoint of all clients of the playground, with a switch to misbehave."""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from ciba_client.hostile import EndpointAnswer, break_connection, connection_of, response_of
from ciba_client.playground.record import Notified
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.notifications.receiver import NotificationReceiver
from ciba_client.sdk.provider.exchange import Exchange

__all__ = ["NotificationEndpoint"]

_LARGEST_BODY: Final = 64 * 1024
_READ_SECONDS: Final = 5.0
# These take the notification as they should, and answer in their own way.
_TAKING: Final = frozenset({EndpointAnswer.NO_CONTENT, EndpointAnswer.OK_WITH_BODY})


class NotificationEndpoint:
    """Takes notifications for the SDK, and tells ``notified`` of each and its answer.

    While ``answer`` is set it behaves like that; what is refused so is not given to the SDK.
    """

    def __init__(
        self,
        receiver: NotificationReceiver,
        *,
        notified: Callable[[Notified], None],
        clock: Clock,
    ) -> None:
        self.answer: EndpointAnswer | None = None
        self._receiver = receiver
        self._notified = notified
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        sent_at, began = self._clock.now(), self._clock.monotonic()
        body = await _body(request)
        if body is None:
            return
        answer = self.answer
        spoken = _Spoken()
        if answer is None or answer in _TAKING:
            await self._receiver(scope, _Replay(body, request), spoken)
        replaced = None if answer is None else response_of(answer)
        if replaced is not None:
            spoken = _Spoken()
            await replaced(scope, receive, spoken)
        seconds = self._clock.monotonic() - began
        self._notified(Notified(_exchange(request, body, spoken, sent_at, seconds), answer))
        if spoken.messages:
            for message in spoken.messages:
                await send(message)
        else:
            await _stay_silent(request, answer)


class _Spoken:
    """What an application says, kept."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)


class _Replay:
    """The request once more, as it came."""

    def __init__(self, body: bytes, request: Request) -> None:
        self._body: bytes | None = body
        self._request = request

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._request.receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _body(request: Request) -> bytes | None:
    """The body; None for what is too large, too slow, or gone, and gets no look at all."""
    content = bytearray()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for chunk in request.stream():
                content += chunk
                if len(content) > _LARGEST_BODY:
                    return None
    except (ClientDisconnect, TimeoutError):
        return None
    return bytes(content)


def _exchange(
    request: Request, body: bytes, spoken: _Spoken, sent_at: float, seconds: float
) -> Exchange:
    head = next((each for each in spoken.messages if each["type"] == "http.response.start"), None)
    return Exchange(
        method=request.method,
        url=str(request.url),
        request_headers=tuple(request.headers.items()),
        request_body=body,
        sent_at=sent_at,
        seconds=seconds,
        status=None if head is None else head["status"],
        response_headers=() if head is None else _headers(head),
        response_body=b"".join(each.get("body", b"") for each in spoken.messages),
        failure="no answer" if head is None else None,
    )


def _headers(head: Message) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in head["headers"]
    )


async def _stay_silent(request: Request, answer: EndpointAnswer | None) -> None:
    if answer is EndpointAnswer.RESET:
        break_connection(connection_of(request))
    while (await request.receive())["type"] != "http.disconnect":
        pass
