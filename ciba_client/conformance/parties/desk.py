"""Where notifications arrive, answered as a check wants it (CIBA 10.2, 10.3)."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ciba_client.conformance.answer import Answer
from ciba_client.hostile import REDIRECTED_TO, EndpointAnswer, response_of
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.provider.exchange import Exchange, Headers

__all__ = ["Desk", "Notification"]

_LARGEST_BODY: Final = 256 * 1024
_STEP_SECONDS: Final = 0.25
_MOST_KEPT: Final = 2000
_NO_CONTENT: Final = 204


@dataclass(frozen=True, slots=True)
class Notification:
    """What a provider sent, and when (seconds since the epoch)."""

    method: str
    url: str
    path: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    arrived_at: float
    answered: int

    @property
    def content(self) -> Answer:
        """Headers and body, to be judged as those of an answer are."""
        return Answer(0, self.headers, self.body)

    @property
    def authorization(self) -> list[str]:
        """All headers of that name."""
        return [value for name, value in self.headers if name.lower() == "authorization"]

    @property
    def bearer(self) -> str | None:
        """The one bearer token."""
        if len(self.authorization) != 1:
            return None
        scheme, _, token = self.authorization[0].partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    @property
    def auth_req_id(self) -> str | None:
        """Which request it says it is about."""
        try:
            found = msgspec.json.decode(self.body, type=dict[str, object]).get("auth_req_id")
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, str) else None

    @property
    def is_redirected(self) -> bool:
        """Whether it came by following a redirect."""
        return self.path.endswith(REDIRECTED_TO)

    def members(self) -> dict[str, object]:
        """The JSON object of the body; raises ``Violation``."""
        return dict(self.content.members())

    def exchange(self) -> Exchange:
        """As a report shows it: the provider asked, and was answered here."""
        return Exchange(
            method=self.method,
            url=self.url,
            request_headers=self.headers,
            request_body=self.body,
            sent_at=self.arrived_at,
            seconds=0.0,
            status=self.answered,
        )


class Desk:
    """An ASGI application that keeps what arrives; each check looks for its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: deque[Notification] = deque(maxlen=_MOST_KEPT)
        self._answers: dict[str, EndpointAnswer] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a notification."""
        request, body = Request(scope, receive), bytearray()
        try:
            async for chunk in request.stream():
                body += chunk[: _LARGEST_BODY - len(body)]
        except ClientDisconnect:
            return
        response = self._response(request)
        self._kept.append(
            Notification(
                method=request.method,
                url=str(request.url),
                path=request.url.path,
                headers=tuple(request.headers.items()),
                body=bytes(body),
                arrived_at=self._clock.now(),
                answered=response.status_code,
            )
        )
        await response(scope, receive, send)

    def answer_with(self, notification_token: str, answer: EndpointAnswer) -> None:
        """How notifications with this token are answered from now on; else it is 204."""
        self._answers[notification_token] = answer

    def arrived(self, *, token: str, auth_req_id: str) -> list[Notification]:
        """What bears this token, or says that it is about this request; in order of arrival."""
        return [
            each for each in self._kept if each.bearer == token or each.auth_req_id == auth_req_id
        ]

    async def wait_for(
        self, *, token: str, auth_req_id: str, number: int, within: float
    ) -> list[Notification]:
        """What has arrived once there are so many, or the time is over (seconds)."""
        until = self._clock.monotonic() + within
        found = self.arrived(token=token, auth_req_id=auth_req_id)
        while len(found) < number and self._clock.monotonic() < until:
            await self._clock.sleep(_STEP_SECONDS)
            found = self.arrived(token=token, auth_req_id=auth_req_id)
        return found

    def _response(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        named = token.strip() if scheme.lower() == "bearer" else ""
        wanted = self._answers.get(named, EndpointAnswer.NO_CONTENT)
        if request.url.path.endswith(REDIRECTED_TO):
            wanted = EndpointAnswer.NO_CONTENT
        return response_of(wanted) or Response(status_code=_NO_CONTENT)
