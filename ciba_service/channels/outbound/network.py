"""Connections to checked addresses: what was checked is what is connected to.

A name is resolved once, every address found is checked, and the connection is opened to such an
address itself. A second answer of the name server is never asked for, so that it cannot differ.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import httpcore2

from ciba_service.channels.outbound.failure import NoAnswer, tls_failure
from ciba_service.channels.outbound.resolver import Resolver
from ciba_service.ports.outbound import FailureReason
from ciba_service.protocol.outbound.url import literal_address

__all__ = ["MAXIMUM_HEAD", "BoundedStream", "GuardedNetwork"]

MAXIMUM_HEAD: Final = 16_384
"""Bytes of status line and headers, interim answers included."""

_MAXIMUM_ATTEMPTS: Final = 4
# Framing may cost a server that sends tiny chunks several times the body.
_FRAMING: Final = 8


class GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens connections where ``permits`` says yes to every address of the host."""

    def __init__(self, resolver: Resolver, permits: Callable[[str], bool]) -> None:
        self._resolver = resolver
        self._permits = permits
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature of the base class
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers; raises ``NoAnswer``."""
        addresses = await self._checked(host)
        attempts = addresses[:_MAXIMUM_ATTEMPTS]
        # What is left of the time is for TLS and for the exchange itself.
        share = None if timeout is None else timeout / (len(attempts) + 1)
        for address in attempts:
            with suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                stream = await self._network.connect_tcp(
                    address, port, share, local_address, socket_options
                )
                return BoundedStream(stream)
        raise NoAnswer(FailureReason.CONNECT_FAILED, f"{host} port {port} does not answer")

    async def _checked(self, host: str) -> tuple[str, ...]:
        is_name = literal_address(host) is None
        addresses = await self._resolver.addresses(host) if is_name else (host,)
        if not all(self._permits(address) for address in addresses):
            raise NoAnswer(FailureReason.REFUSED_ADDRESS, f"{host} is no address to be asked")
        return addresses


class BoundedStream(httpcore2.AsyncNetworkStream):
    """A connection that reads no more than it is told to expect."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self._expected = 0
        self._has_heard = False
        self._is_spoilt = False

    def refuse_early_answer(self) -> None:
        """Raise ``NoAnswer`` when the answer was read before its request was sent (RFC 9112 9.2).

        Nobody knows then which answer is which: the connection is never used again.
        """
        if not self._has_heard:
            self._is_spoilt = True
            raise NoAnswer(FailureReason.PROTOCOL_ERROR, "the answer came before the request")

    def expect_body(self, maximum: int) -> None:
        """The head was read: allow for a body; with 0 only what came with the head is read."""
        self._expected = maximum * _FRAMING

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> bytes:
        """Read; raises ``NoAnswer`` when more comes than was expected."""
        if not self._expected:
            raise NoAnswer(FailureReason.TOO_LARGE, "the answer is too long")
        data = await self._stream.read(min(max_bytes, self._expected), timeout)
        self._expected -= len(data)
        self._has_heard = True
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> None:
        """Write a part of a request, to which an answer will come."""
        self._expected = MAXIMUM_HEAD
        self._has_heard = False
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - as above
    ) -> httpcore2.AsyncNetworkStream:
        """Verify who answers; raises ``NoAnswer``. The time is that of the whole exchange."""
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname)
        except httpcore2.ConnectError as error:
            raise tls_failure(error.__cause__) from error
        except asyncio.CancelledError:
            await self._stream.aclose()
            raise
        return BoundedStream(stream)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the signature of the base class
        """What is known of the connection below; one that is readable too early is given up."""
        if info == "is_readable" and self._is_spoilt:
            return True
        return self._stream.get_extra_info(info)
