"""The public constructor: settings and the host's own parts in, an ASGI application out."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Self

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from ciba_service.app import Service, build_service
from ciba_service.commands.opening import (
    open_keys,
    reached_store,
    system_surroundings,
    told_store_failures,
)
from ciba_service.commands.outcome import CommandFailed
from ciba_service.embedding.door import Door, ServiceNotRunning
from ciba_service.embedding.grants import Grants
from ciba_service.embedding.people import People
from ciba_service.flow.host_steps import HostSteps
from ciba_service.protocol.metadata import Endpoints
from ciba_service.settings import Doors, Settings, settings_from, with_doors
from ciba_service.store_access import failover_risks
from ciba_service.stores.service_keys.current_keys import CurrentKeys
from ciba_service.wiring.host_ports import HostPorts
from ciba_service.wiring.service_keys import ServiceKeys
from ciba_service.wiring.surroundings import Surroundings

__all__ = ["EmbeddedService", "ServiceNotStarted", "create_service"]

_NOTHING_OF_THE_HOST = HostPorts()


class ServiceNotStarted(Exception):
    """Keys or store cannot be had; the text says which, and what to do."""


def create_service(
    settings: Settings | Mapping[str, object],
    *,
    ports: HostPorts = _NOTHING_OF_THE_HOST,
    doors: Doors | None = None,
    surroundings: Surroundings | None = None,
    keys: ServiceKeys | None = None,
) -> "EmbeddedService":
    """A service to be mounted in another ASGI application; nothing is opened before it runs.

    ``settings`` are those of ``ciba.toml``, read (``load_settings``) or as a mapping, ``ports``
    what the host has of its own, ``doors`` which endpoints are open, if not as configured. Without
    ``surroundings`` and ``keys`` they are those of the system and the key files.

    Raises:
        InvalidSettingsError: a setting is wrong; the text names the key and the reason.
    """
    if not isinstance(settings, Settings):
        settings = settings_from(settings)
    if doors is not None:
        settings = with_doors(settings, doors)
    return EmbeddedService(settings, ports, surroundings or system_surroundings(), keys)


class EmbeddedService:
    """One service of this process; there may be several, each with a data directory of its own."""

    def __init__(
        self,
        settings: Settings,
        ports: HostPorts,
        surroundings: Surroundings,
        keys: ServiceKeys | None,
    ) -> None:
        """Called by ``create_service``."""
        self.settings = settings
        self._ports = ports
        self._surroundings = surroundings
        self._keys = keys
        self._is_running = False
        self._built: Service | None = None
        self._door = Door(self.lifespan, surroundings.telemetry)
        self._endpoints = Endpoints(settings.server.issuer)

    @property
    def app(self) -> ASGIApp:
        """The application, to be mounted at the path of the issuer, or to be served alone."""
        return self._door

    @property
    def routes(self) -> list[BaseRoute]:
        """Routes for the host: the service below its path, and metadata where RFC 8414 wants it.

        They come last where the issuer has no path: the service then answers whatever is left.
        """
        outside = [self._endpoints.oauth_metadata_path, self._endpoints.ssf_metadata_path]
        mount = Mount(self._endpoints.path(""), app=self._door)
        if self.settings.server.doors is not Doors.WHOLE or not mount.path:
            return [mount]
        return [*(Route(path, self._door) for path in outside), mount]

    @property
    def backchannel_authentication_endpoint(self) -> str:
        """Where clients ask, for the metadata of a host that publishes its own."""
        return self._endpoints.backchannel

    def release(self) -> None:
        """The host will end: answer whoever is held, and end streams; for its signal handler."""
        if self._built is not None:
            self._built.release()

    async def missing(self) -> str | None:
        """What keeps the service from its work, for the host's own readiness; None for nothing.

        ``service`` while it does not run, else as ``/readyz`` says it.
        """
        return "service" if self._built is None else await self._built.missing()

    @property
    def people(self) -> People:
        """What the host does for users of its own; raises ``ServiceNotRunning``."""
        return People(self.settings, self._running.stores, self._surroundings)

    @property
    def steps(self) -> HostSteps:
        """What endpoints of the host call; raises ``ServiceNotRunning``."""
        return self._running.steps

    @property
    def grants(self) -> Grants:
        """For a token endpoint of the host; raises ``ServiceNotRunning``."""
        built = self._running
        return Grants(built.grants, self._surroundings.new_operation)

    @property
    def _running(self) -> Service:
        if self._built is None:
            raise ServiceNotRunning("the service does not run")
        return self._built

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open keys and store, and serve until the end of the block; then close all again.

        Raises:
            ServiceNotStarted: when keys or store cannot be had.
            RuntimeError: when it runs already.
        """
        if self._is_running:
            raise RuntimeError("the service runs already")
        self._is_running = True
        try:
            async with self._serving() as built:
                self._built = built
                self._door.open(built.app)
                try:
                    yield
                finally:
                    self._door.close()
                    built.release()
        finally:
            self._door.close()
            self._built, self._is_running = None, False

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[Self]:
        """``running``, for those who go on with the service: ``Portal(service.entered)``."""
        async with self.running():
            yield self

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[Service]:
        surroundings, settings = self._surroundings, self.settings
        async with AsyncExitStack() as stack:
            try:
                keys = self._keys or CurrentKeys(open_keys(settings))
                store = await stack.enter_async_context(reached_store(settings, own=True))
                with told_store_failures():
                    for risk in await failover_risks(settings.store, store):
                        surroundings.telemetry.event("store_at_risk", warning=risk)
                    built = build_service(settings, store, keys, surroundings, host=self._ports)
                    await stack.enter_async_context(built.lifespan())
            except CommandFailed as error:
                raise ServiceNotStarted(str(error)) from error
            yield built

    def lifespan(self, _: object) -> AbstractAsyncContextManager[None]:
        """``running`` as frameworks take it: ``Starlette(lifespan=service.lifespan)``."""
        return self.running()
