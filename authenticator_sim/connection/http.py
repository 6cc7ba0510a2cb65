"""One HTTP request at a time: bounded in time and size, no redirects, TLS or this machine."""

import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import httpx2

from authenticator_sim.connection.addresses import is_loopback, require_protected
from authenticator_sim.connection.unreachable import why_unreachable
from authenticator_sim.errors import ServiceUnreachable

__all__ = ["HttpAnswer", "HttpClient"]

_TIMEOUT_SECONDS: Final = 10.0
_MAX_BODY_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status and whole body of an answer."""

    status: int
    body: bytes


class HttpClient:
    """Talks to the service of one address; use it as an asynchronous context manager."""

    def __init__(
        self, base: str, *, tls: ssl.SSLContext, timeout_seconds: float = _TIMEOUT_SECONDS
    ) -> None:
        """Prepare; raises ``AddressRefused`` when ``base`` is not protected."""
        require_protected(base)
        self._client = httpx2.AsyncClient(
            verify=tls,
            timeout=timeout_seconds,
            follow_redirects=False,
            trust_env=not is_loopback(base),  # no proxy between this machine and itself
        )

    async def __aenter__(self) -> Self:
        """Open."""
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        await self._client.__aexit__(kind, error, trace)

    async def get(self, url: str) -> HttpAnswer:
        """Send a GET; raises ``ServiceUnreachable``."""
        return await self._send("GET", url, body=None, authorization=None)

    async def post(self, url: str, body: bytes, *, authorization: str | None = None) -> HttpAnswer:
        """Send JSON with POST; raises ``ServiceUnreachable``."""
        return await self._send("POST", url, body=body, authorization=authorization)

    async def _send(
        self, method: str, url: str, *, body: bytes | None, authorization: str | None
    ) -> HttpAnswer:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            async with self._client.stream(
                method, require_protected(url), content=body, headers=headers
            ) as response:
                return HttpAnswer(response.status_code, await _bounded_body(response))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ServiceUnreachable(why_unreachable(error)) from error


async def _bounded_body(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise ServiceUnreachable("The service sent an answer that is too long.")
    return bytes(body)
