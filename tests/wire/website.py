"""A client's website: its key set at /jwks, and whatever else a test puts there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509

from tests.unit.channels.outbound.far_ends import (
    FarEnd,
    far_end,
    head_of,
    server_certificate,
    server_context,
)

ADDRESS = "127.0.0.1"


@dataclass
class Website:
    """Answers with what stands in ``pages``, as JSON, and in ``statuses``; tests change both."""

    pages: dict[str, Any] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    server: FarEnd | None = None

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        while head := await head_of(reader):
            path = head.split()[1].decode()
            body = json.dumps(self.pages[path]).encode()
            lines = (
                f"HTTP/1.1 {self.statuses.get(path, '200 OK')}",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}",
            )
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            await writer.drain()

    def publish(self, *keys: dict[str, Any]) -> None:
        """These are the client's keys from now on."""
        self.pages["/jwks"] = {"keys": list(keys)}

    def url(self, path: str) -> str:
        """Where a page is."""
        return self._served.url(path, host=ADDRESS)

    @property
    def requests(self) -> list[bytes]:
        """What it was asked for."""
        return self._served.requests

    @property
    def _served(self) -> FarEnd:
        assert self.server is not None
        return self.server


@asynccontextmanager
async def serving_website(directory: Path) -> AsyncIterator[Website]:
    """Serve one on this machine; ``outbound_section`` is what the service needs to reach it."""
    website = Website()
    certificate = server_certificate(names=[x509.IPAddress(IPv4Address(ADDRESS))])
    async with far_end(website, server_context(directory, certificate)) as server:
        website.server = server
        yield website
