"""A way out that is made when it is first gone: whose clients all poll asks nobody anything."""

import ssl
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from ciba_service.channels.outbound.resolver import Resolver
from ciba_service.channels.outbound.slots import OutboundLimits
from ciba_service.ports.outbound import OutboundFailure, OutboundRequest, OutboundResponse
from ciba_service.protocol.outbound.addresses import AddressPolicy

if TYPE_CHECKING:
    from ciba_service.channels.outbound.client import OutboundClient

__all__ = ["OutboundOnDemand"]


class OutboundOnDemand:
    """``ports.Outbound`` by an ``OutboundClient``, whose library is two megabytes."""

    __slots__ = ("_allow_loopback_http", "_client", "_limits", "_policy", "_resolver", "_tls")

    def __init__(
        self,
        *,
        tls: Callable[[], ssl.SSLContext],
        resolver: Resolver,
        policy: AddressPolicy,
        allow_loopback_http: bool,
        limits: OutboundLimits,
    ) -> None:
        self._tls = tls
        self._resolver = resolver
        self._policy = policy
        self._allow_loopback_http = allow_loopback_http
        self._limits = limits
        self._client: OutboundClient | None = None

    async def send(self, request: OutboundRequest) -> OutboundResponse | OutboundFailure:
        """See ``Outbound``."""
        return await self.prepare().send(request)

    def prepare(self) -> "OutboundClient":
        """Make what is behind it, if nobody has yet."""
        if self._client is None:
            self._client = self._new_client()
        return self._client

    async def aclose(self) -> None:
        """Close all connections, if there ever was one."""
        if self._client is not None:
            await self._client.aclose()

    def _new_client(self) -> "OutboundClient":
        module = import_module("ciba_service.channels.outbound.client")
        client: OutboundClient = module.OutboundClient(
            tls=self._tls(),
            resolver=self._resolver,
            policy=self._policy,
            allow_loopback_http=self._allow_loopback_http,
            limits=self._limits,
        )
        return client
