"""The web phone's site beside a service that lets it in."""

import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from authenticator_sim.web.site import PhoneSite, phone_page
from tests.browser.watched import Watch
from tests.services.asgi_server import serving
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient


@dataclass
class WebPhone:
    """Where the page is, known before anything serves it; ``origin`` is what browsers send."""

    listener: socket.socket

    @property
    def origin(self) -> str:
        """``http://localhost:PORT``: keys and passkeys of a page need that name."""
        return f"http://localhost:{self.listener.getsockname()[1]}"

    @property
    def address(self) -> str:
        """Where the page begins."""
        return f"{self.origin}/"

    def device(self, **members: Any) -> dict[str, Any]:
        """The section ``[device]`` of a service that lets the page in."""
        return {"allowed_origins": [self.origin], "rp_id": "localhost"} | members

    @asynccontextmanager
    async def serving(self, issuer: str) -> AsyncIterator[str]:
        """Serve the page for one service until the end of the block."""
        site = PhoneSite(issuer=issuer, address=self.address, page=phone_page())
        async with serving(site, bound=self.listener.dup()):
            yield self.address


class PhoneService(Protocol):
    """Run a service that lets the page in; what is named is as in ``running_service``."""

    def __call__(
        self, *, device: dict[str, Any] | None = None, **options: Any
    ) -> AbstractAsyncContextManager[RunningService]:
        """``device`` are members of that section; ``port`` and ``clock`` those of one before."""


def phone_service(
    run: ServiceRunner, phone: WebPhone, till: WireClient, watch: Watch
) -> PhoneService:
    """A factory, so that tests may stop it, start it again, or have it otherwise."""

    @asynccontextmanager
    async def start(
        *, device: dict[str, Any] | None = None, **options: Any
    ) -> AsyncIterator[RunningService]:
        section = phone.device(**({"second_secret": False} | (device or {})))
        sections = {"device": section} | options.pop("sections", {})
        async with run(**({"clients": [till]} | options | {"sections": sections})) as running:
            yield running
            watch.served = False

    return start
