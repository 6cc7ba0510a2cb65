"""Applications that embed the service, served over real HTTP, and what their settings are."""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from starlette.types import ASGIApp

from ciba_service.listening.listeners import bound_socket
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.service_keys.key_files import generate_keys
from tests.services.prompt_server import PromptServer
from tests.services.running_service import PLAIN, _one_authority
from tests.services.service_process import WallClock
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone


@dataclass
class Host:
    """An application that answers at ``url``; the service in it is at ``issuer``."""

    url: str
    http: httpx2.AsyncClient
    issuer: str
    clock: Any = field(default_factory=WallClock)

    @property
    def phone(self) -> WirePhone:
        """A phone that is not enrolled yet."""
        return WirePhone(self.http, self.issuer, self.clock)

    def lend(self, *clients: WireClient) -> None:
        """Let clients act here."""
        for client in clients:
            client.issuer, client.clock, client.http = self.issuer, self.clock, self.http


@asynccontextmanager
async def serving_host(app: ASGIApp, port: int, path: str = "") -> AsyncIterator[Host]:
    """Serve an application with its lifespan until the end of the block."""
    config = uvicorn.Config(app, log_config=None, lifespan="on", server_header=False)
    server = PromptServer(config)
    server.config.setup_event_loop = lambda: None  # type: ignore[method-assign]
    serving = asyncio.create_task(
        server._serve(sockets=[bound_socket("127.0.0.1", port, backlog=16)])
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(20):
            while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0.005)
        async with httpx2.AsyncClient(base_url=url + path, verify=PLAIN, timeout=None) as http:
            yield Host(url, http, url + path)
    finally:
        server.end()
        await serving


def settings_for(
    target: RedisTarget,
    keys: Path,
    issuer: str,
    clients: Sequence[dict[str, Any]] = (),
    more_store: Mapping[str, Any] = {},
    **sections: Any,
) -> dict[str, Any]:
    """The configuration of a service on a server that is there, as a host writes it."""
    generate_keys(keys, random=secrets.token_bytes, now=WallClock().now_ms())
    evidence = tempfile.mkdtemp(prefix="evidence-", dir=keys.parent)
    return {
        "server": {"issuer": issuer},
        "store": {"url": f"unix://{target.unix_socket}", **more_store},
        "keys": {"directory": str(keys)},
        "evidence": {"directory": evidence},
        "outbound": {"ca_bundle": str(_one_authority(keys.parent))},
        "device": {"second_secret": False},
        "clients": list(clients),
        **sections,
    }
