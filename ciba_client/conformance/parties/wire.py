"""What one check sends and is answered, all of it written down."""

import asyncio
from collections.abc import Mapping
from typing import Final

import httpx2

from ciba_client.conformance.answer import Answer
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.foreign_text import readable
from ciba_client.sdk.provider.exchange import Exchange

__all__ = ["Busy", "NoAnswer", "Wire"]

_UNAVAILABLE: Final = 503
_LONGEST_PATIENCE: Final = 60.0
_LARGEST_BODY: Final = 256 * 1024


class NoAnswer(Exception):
    """Nobody answered, or not in a way that can be looked at; the message says why."""


class Busy(NoAnswer):
    """The provider asks for patience: 503 with ``Retry-After`` (CIBA 10.1), in ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the provider was too busy: 503")
        self.seconds = seconds


class Wire:
    """Sends requests without following redirects, and remembers every one."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        """``timeout`` bounds each exchange, in seconds."""
        self.exchanges: list[Exchange] = []
        self._clock = clock
        self._timeout = timeout

    async def send(
        self,
        http: httpx2.AsyncClient,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Send a request; raises ``NoAnswer``, or ``Busy``, which is one."""
        try:
            request = http.build_request(method, url, headers=headers, content=body)
        except (httpx2.InvalidURL, ValueError) as error:  # of what the provider gave
            raise NoAnswer(f"this cannot be sent: {readable(str(error))}") from error
        request.extensions["timeout"] = httpx2.Timeout(self._timeout).as_dict()
        sent_at, began = self._clock.now(), self._clock.monotonic()
        failure: str | None = "nobody waited for the answer any longer"
        answer: Answer | None = None
        try:
            async with asyncio.timeout(self._timeout):
                answer = await _answered(http, request)
            failure = None
        except (httpx2.RequestError, TimeoutError, NoAnswer) as error:
            failure = readable(str(error)) or "no answer in time"
            raise NoAnswer(failure) from error
        finally:
            seconds = self._clock.monotonic() - began
            self.exchanges.append(_exchange(request, answer, sent_at, seconds, failure))
        patience = answer.header("retry-after") or ""
        if answer.status == _UNAVAILABLE and patience.isdecimal():
            raise Busy(min(float(patience), _LONGEST_PATIENCE))
        return answer


async def _answered(http: httpx2.AsyncClient, request: httpx2.Request) -> Answer:
    response = await http.send(request, stream=True, follow_redirects=False)
    try:
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > _LARGEST_BODY:
                raise NoAnswer("the answer is too large")
    finally:
        await response.aclose()
    return Answer(response.status_code, tuple(response.headers.multi_items()), bytes(body))


def _exchange(
    request: httpx2.Request,
    answer: Answer | None,
    sent_at: float,
    seconds: float,
    failure: str | None,
) -> Exchange:
    return Exchange(
        method=request.method,
        url=str(request.url),
        request_headers=tuple(request.headers.multi_items()),
        request_body=request.content,
        sent_at=sent_at,
        seconds=seconds,
        status=None if answer is None else answer.status,
        response_headers=() if answer is None else answer.headers,
        response_body=b"" if answer is None else answer.body,
        failure=failure,
    )
