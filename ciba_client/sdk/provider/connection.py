"""The only door out: bounded requests to the provider, no redirects, no retries."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

from ciba_client.sdk.clock import Clock
from ciba_client.sdk.dpop.nonces import DpopNonces
from ciba_client.sdk.errors import (
    CibaClientError,
    InvalidProviderResponse,
    ProviderUnavailable,
)
from ciba_client.sdk.foreign_text import readable
from ciba_client.sdk.provider.exchange import Exchange, ExchangeObserver

__all__ = ["FormRequest", "ProviderAnswer", "ProviderConnection"]

_LARGEST_BODY: Final = 256 * 1024
_TOO_MANY_REQUESTS: Final = 429
_OK: Final = 200
_NO_CONTENT: Final = 204
# Seconds; no request lives as long. Some dates and numbers have no end.
_LONGEST_PAUSE: Final = 86_400.0
_BROKEN_OFF: Final = "nobody waited for the answer any longer"


@dataclass(frozen=True, slots=True)
class FormRequest:
    """A POST of form parameters."""

    url: str
    parameters: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """Status and body of an answer that is neither a redirect nor a call for patience."""

    status: int
    body: bytes = field(repr=False)


class ProviderConnection:
    """Sends requests; raises ``ProviderUnavailable`` or ``InvalidProviderResponse``, or answers.

    ``nonces`` are those that came with answers of any kind (RFC 9449 8.2).
    """

    def __init__(
        self, http: httpx2.AsyncClient, clock: Clock, observer: ExchangeObserver | None = None
    ) -> None:
        self.nonces = DpopNonces()
        self._http = http
        self._clock = clock
        self._observer = observer

    async def get(
        self, url: str, *, timeout_seconds: float, headers: Mapping[str, str] | None = None
    ) -> ProviderAnswer:
        """Fetch a document."""
        built = self._http.build_request("GET", url, headers=headers)
        return await self._exchange(built, timeout_seconds)

    async def post(self, request: FormRequest, *, timeout_seconds: float) -> ProviderAnswer:
        """Send a form; ``timeout_seconds`` bounds the whole exchange."""
        return await self._exchange(self._form(request), timeout_seconds)

    async def stream(
        self, request: FormRequest, *, timeout_seconds: float, silence_seconds: float
    ) -> AsyncGenerator[bytes, None]:
        """Send a form and yield its answer as it comes; no observer is told of it.

        ``silence_seconds`` bounds the time in which nothing comes. An answer without content ends
        at once.
        """
        built = self._form(request)
        timeout = httpx2.Timeout(timeout_seconds, read=silence_seconds)
        built.extensions["timeout"] = timeout.as_dict()
        try:
            response = await self._http.send(built, stream=True, follow_redirects=False)
            try:
                self.nonces.remember(str(built.url), response.headers.get_list("dpop-nonce"))
                self._accept(response, b"")
                if response.status_code not in {_OK, _NO_CONTENT}:
                    raise InvalidProviderResponse(
                        f"the provider answered with HTTP status {response.status_code}"
                    )
                async for chunk in response.aiter_raw():
                    yield chunk
            finally:
                await response.aclose()
        except httpx2.RequestError as error:
            raise _unavailable(built.url, error) from error

    def _form(self, request: FormRequest) -> httpx2.Request:
        return self._http.build_request(
            "POST", request.url, data=dict(request.parameters), headers=dict(request.headers)
        )

    async def _exchange(self, request: httpx2.Request, timeout_seconds: float) -> ProviderAnswer:
        sent_at, began = self._clock.now(), self._clock.monotonic()
        response, body = None, b""
        failure: str | None = _BROKEN_OFF
        try:
            response, body = await self._send(request, timeout_seconds)
            failure = None
        except CibaClientError as error:
            failure = str(error)
            raise
        finally:
            if self._observer is not None:
                seen = _sent(request, sent_at, self._clock.monotonic() - began)
                if response is not None:
                    seen = _answered(seen, response, body)
                self._observer.exchanged(replace(seen, failure=failure))
        return self._accept(response, body)

    async def _send(
        self, request: httpx2.Request, timeout_seconds: float
    ) -> tuple[httpx2.Response, bytes]:
        # One bound for the whole: a provider that drips bytes gets no more time.
        request.extensions["timeout"] = httpx2.Timeout(timeout_seconds).as_dict()
        try:
            async with asyncio.timeout(timeout_seconds):
                response = await self._http.send(request, stream=True, follow_redirects=False)
                self.nonces.remember(str(request.url), response.headers.get_list("dpop-nonce"))
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except (httpx2.RequestError, TimeoutError) as error:
            raise _unavailable(request.url, error) from error
        return response, body

    def _accept(self, response: httpx2.Response, body: bytes) -> ProviderAnswer:
        status = response.status_code
        if status == _TOO_MANY_REQUESTS or response.is_server_error:
            raise ProviderUnavailable(
                f"the provider answered with HTTP status {status}",
                retry_after=_retry_after(response.headers.get("retry-after"), self._clock.now()),
            )
        if response.is_redirect or response.is_informational:
            raise InvalidProviderResponse("the provider answered with a redirect")
        return ProviderAnswer(status=status, body=body)


def _sent(request: httpx2.Request, sent_at: float, seconds: float) -> Exchange:
    return Exchange(
        method=request.method,
        url=str(request.url),
        request_headers=tuple(request.headers.multi_items()),
        request_body=request.content,
        sent_at=sent_at,
        seconds=seconds,
    )


def _answered(seen: Exchange, response: httpx2.Response, body: bytes) -> Exchange:
    return replace(
        seen,
        status=response.status_code,
        response_headers=tuple(response.headers.multi_items()),
        response_body=body,
    )


def _unavailable(url: httpx2.URL, error: Exception) -> ProviderUnavailable:
    place = f"{url.scheme}://{url.netloc.decode('ascii')}"
    reason = readable(str(error)) or "no answer in time"
    return ProviderUnavailable(f"the provider cannot be reached at {place}: {reason}")


async def _read(response: httpx2.Response) -> bytes:
    # Raw bytes: nothing compressed was asked for, so nothing small can grow large.
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise InvalidProviderResponse("the provider's answer is too large")
    return bytes(body)


def _retry_after(value: str | None, now: float) -> float | None:
    """Seconds asked for by ``Retry-After`` (RFC 9110 10.2.3): a number or a date."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_PAUSE)
    try:
        seconds = parsedate_to_datetime(value).astimezone(UTC).timestamp() - now
        return min(max(0.0, seconds), _LONGEST_PAUSE)
    except (ValueError, OverflowError):
        return None
