"""One request, one bounded answer: no redirects, cookies, proxies, encodings or second tries."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import Final

import httpcore2

from ciba_service.channels.outbound.failure import NoAnswer, tls_failure
from ciba_service.channels.outbound.network import BoundedStream, GuardedNetwork
from ciba_service.channels.outbound.resolver import Resolver
from ciba_service.channels.outbound.slots import OutboundLimits, Slots
from ciba_service.ports.outbound import (
    FailureReason,
    OutboundFailure,
    OutboundRequest,
    OutboundResponse,
)
from ciba_service.protocol.loopback import is_loopback_address
from ciba_service.protocol.outbound.addresses import AddressPolicy
from ciba_service.protocol.outbound.url import InvalidUrlError, OutboundUrl, parse_outbound_url

__all__ = ["OutboundClient"]

_USER_AGENT: Final = "ciba-service"
_UNENCODED: Final = frozenset({None, "", "identity"})


class OutboundClient:
    """``ports.Outbound`` for https URLs, and for http ones on loopback where that is allowed.

    One for each purpose: key sets must not wait behind callbacks.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext,
        resolver: Resolver,
        policy: AddressPolicy,
        allow_loopback_http: bool = False,
        limits: OutboundLimits | None = None,
    ) -> None:
        limits = limits or OutboundLimits()
        self._slots = Slots(limits)
        permitted: dict[str, Callable[[str], bool]] = {"https": policy.permits}
        if allow_loopback_http:
            permitted["http"] = is_loopback_address
        self._pools = {
            scheme: httpcore2.AsyncConnectionPool(
                ssl_context=tls,
                max_connections=limits.total,
                max_keepalive_connections=limits.idle,
                keepalive_expiry=limits.keep_alive,
                network_backend=GuardedNetwork(resolver, permits),
            )
            for scheme, permits in permitted.items()
        }

    async def send(self, request: OutboundRequest) -> OutboundResponse | OutboundFailure:
        """See ``Outbound``."""
        try:
            url = self._url(request)
            async with self._place(url.host, patience=request.deadline / 2):
                return await self._exchange_in_time(url, request)
        except NoAnswer as error:
            return error.failure
        except (ssl.SSLError, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            return _broken_off(error)

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()

    def _url(self, request: OutboundRequest) -> OutboundUrl:
        try:
            url = parse_outbound_url(request.url)
        except InvalidUrlError as error:
            raise NoAnswer(FailureReason.REFUSED_URL, str(error)) from error
        if url.scheme not in self._pools:
            raise NoAnswer(FailureReason.REFUSED_URL, "only https URLs are asked")
        return url

    @asynccontextmanager
    async def _place(self, host: str, *, patience: float) -> AsyncIterator[None]:
        """The right to an exchange; raises ``NoAnswer`` when all places are taken for so long."""
        async with AsyncExitStack() as places:
            try:
                async with asyncio.timeout(patience):
                    await places.enter_async_context(self._slots.take(host))
            except TimeoutError as error:
                raise NoAnswer(FailureReason.BUSY, "all places are taken") from error
            yield

    async def _exchange_in_time(
        self, url: OutboundUrl, request: OutboundRequest
    ) -> OutboundResponse:
        try:
            async with asyncio.timeout(request.deadline):
                return await self._exchange(url, request)
        except TimeoutError as error:
            text = f"no answer within {request.deadline:g} seconds"
            raise NoAnswer(FailureReason.TIMEOUT, text) from error

    async def _exchange(self, url: OutboundUrl, request: OutboundRequest) -> OutboundResponse:
        response = await self._pools[url.scheme].handle_async_request(
            httpcore2.Request(
                request.method,
                httpcore2.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target),
                headers=_headers(url, request),
                content=request.body,
                extensions={"timeout": {"connect": request.deadline}},
            )
        )
        try:
            return await _answer(response, request)
        finally:
            await response.aclose()


def _broken_off(error: Exception) -> OutboundFailure:
    match error:
        case ssl.SSLError():
            return tls_failure(error).failure
        case httpcore2.NetworkError():
            detail = "the connection broke"
        case httpcore2.RemoteProtocolError():
            detail = "the answer is not HTTP"
        case _:
            detail = "the request would not be HTTP"
    return OutboundFailure(FailureReason.PROTOCOL_ERROR, detail)


def _headers(url: OutboundUrl, request: OutboundRequest) -> list[tuple[bytes, bytes]]:
    headers = {
        "Host": url.authority,
        "User-Agent": _USER_AGENT,
        "Accept": request.accept,
        "Accept-Encoding": "identity",
        "Authorization": request.authorization,
        "Content-Type": request.content_type,
        "Content-Length": str(len(request.body)) if request.body else None,
        **dict(request.headers),
    }
    return [(name.encode(), value.encode()) for name, value in headers.items() if value is not None]


async def _answer(response: httpcore2.Response, request: OutboundRequest) -> OutboundResponse:
    connection: BoundedStream = response.extensions["network_stream"]
    connection.refuse_early_answer()
    if request.maximum_body is None:
        connection.expect_body(0)
        await _skip_body(response)
        body = b""
    else:
        if _header(response, b"content-encoding") not in _UNENCODED:
            raise NoAnswer(FailureReason.PROTOCOL_ERROR, "the answer is encoded")
        connection.expect_body(request.maximum_body)
        body = await _read_body(response, request.maximum_body)
    return OutboundResponse(
        status=response.status,
        content_type=_header(response, b"content-type"),
        cache_control=_header(response, b"cache-control"),
        retry_after=_header(response, b"retry-after"),
        body=body,
    )


async def _skip_body(response: httpcore2.Response) -> None:
    """A connection whose answer is not at hand in full is not worth keeping."""
    with suppress(NoAnswer, httpcore2.RemoteProtocolError):
        async with aclosing(response.aiter_stream()) as parts:
            async for _ in parts:
                pass


async def _read_body(response: httpcore2.Response, maximum: int) -> bytes:
    body = bytearray()
    async with aclosing(response.aiter_stream()) as parts:
        async for part in parts:
            body += part
            if len(body) > maximum:
                raise NoAnswer(FailureReason.TOO_LARGE, "the answer is too long")
    return bytes(body)


def _header(response: httpcore2.Response, name: bytes) -> str | None:
    """All values of a header as one (RFC 9110 5.3)."""
    values = [value for key, value in response.headers if key.lower() == name]
    return b", ".join(values).decode("latin-1") if values else None
