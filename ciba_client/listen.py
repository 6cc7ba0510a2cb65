"""``ciba-client listen``: shows what a provider sends to a notification endpoint (CIBA 10)."""

import asyncio
import base64
import hashlib
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ciba_client.hostile import (
    REDIRECTED_TO,
    EndpointAnswer,
    break_connection,
    connection_of,
    response_of,
)
from ciba_client.listener import ListeningAddress, listening
from ciba_client.report import Observation, Report
from ciba_client.sdk.notifications.message import (
    NotificationRefused,
    Refusal,
    read_notification,
)
from ciba_client.sdk.notifications.receiver import refusal_response

__all__ = ["listen"]

_READ_SECONDS: Final = 5.0
_MOST_REMEMBERED: Final = 10_000
_ID_BYTES: Final = 16
_FOLLOWED: Final = "a redirect was followed, which a provider must not do"


async def listen(
    address: ListeningAddress,
    *,
    answers: Sequence[EndpointAnswer],
    count: int | None,
    report: Report,
) -> None:
    """Show each notification, at most ``count`` of them.

    They get ``answers`` in turn, the last for good; without any, 204 or the refusal they deserve.
    Whose they are is not known here: a token is looked at, not verified, nor are those of a push.

    Raises:
        UnusableInput: the port cannot be opened.
    """
    endpoint = _Endpoint(answers, count, report)
    async with listening(endpoint, address) as url:
        report.listening(url)
        try:
            await endpoint.enough.wait()
        finally:
            endpoint.let_go()


class _Endpoint:
    """The application: look, report, answer as told."""

    def __init__(
        self, answers: Sequence[EndpointAnswer], count: int | None, report: Report
    ) -> None:
        self.enough = asyncio.Event()
        self._answers = deque(answers)
        self._left = count
        self._report = report
        self._attempts: Counter[str] = Counter()
        self._silent: set[asyncio.Transport] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            seen = await _look_at(request)
        except ClientDisconnect:
            return
        answer = self._next_answer()
        self._report.notified(
            Observation(
                transaction_id=seen.transaction_id,
                attempt=self._attempt(seen.transaction_id),
                problem=seen.problem,
                answered=_name(answer, seen.refusal),
                push=seen.push,
            )
        )
        response = _response(answer, seen.refusal)
        if response is None:
            await self._give_no_answer(request, answer)
        else:
            await response(scope, receive, send)
        self._count_down()

    def let_go(self) -> None:
        """Break the connections that were left without an answer."""
        for connection in self._silent:
            connection.abort()

    def _next_answer(self) -> EndpointAnswer | None:
        if not self._answers:
            return None
        return self._answers.popleft() if len(self._answers) > 1 else self._answers[0]

    def _attempt(self, transaction_id: str | None) -> int:
        if transaction_id is None:
            return 1
        if len(self._attempts) >= _MOST_REMEMBERED and transaction_id not in self._attempts:
            self._attempts.clear()
        self._attempts[transaction_id] += 1
        return self._attempts[transaction_id]

    def _count_down(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self.enough.set()

    async def _give_no_answer(self, request: Request, answer: EndpointAnswer | None) -> None:
        connection = connection_of(request)
        if answer is EndpointAnswer.RESET:
            break_connection(connection)
        self._silent.add(connection)
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self._silent.discard(connection)


@dataclass(frozen=True, slots=True)
class _Look:
    """What a request turned out to be."""

    transaction_id: str | None
    refusal: Refusal | None
    problem: str | None
    push: bytes | None = None


async def _look_at(request: Request) -> _Look:
    redirected = request.url.path == REDIRECTED_TO
    try:
        notification = await read_notification(request, timeout_seconds=_READ_SECONDS)
    except NotificationRefused as refused:
        problem = _FOLLOWED if redirected else refused.refusal.text
        return _Look(None, refused.refusal, problem)
    return _Look(
        _transaction_id(notification.auth_req_id),
        None,
        _FOLLOWED if redirected else None,
        None if notification.push is None else notification.push.body,
    )


def _transaction_id(auth_req_id: str) -> str:
    """What may be shown of an ``auth_req_id``: 128 bits of its hash, as in the service's log."""
    digest = hashlib.sha256(auth_req_id.encode()).digest()[:_ID_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _response(answer: EndpointAnswer | None, refusal: Refusal | None) -> Response | None:
    if answer is not None:
        return response_of(answer)
    return Response(status_code=204) if refusal is None else refusal_response(refusal)


def _name(answer: EndpointAnswer | None, refusal: Refusal | None) -> str:
    if answer is not None:
        return answer
    return "204" if refusal is None else str(refusal.status)
