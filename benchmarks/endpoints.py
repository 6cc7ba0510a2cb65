"""Notification endpoints of clients: healthy ones that note each arrival, and dead ones."""

import asyncio
import itertools
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509

from tests.unit.channels.outbound.far_ends import (
    Behaviour,
    answering,
    far_end,
    head_of,
    server_certificate,
    server_context,
)
from tests.wire.callback_endpoint import NO_CONTENT, Received, answer

__all__ = ["Arrivals", "Death", "dead_endpoints", "healthy_endpoints", "hosts"]

_SLOW_SECONDS = 30
_ERROR = answer("500 Internal Server Error")


class Death(StrEnum):
    """What is wrong with a dead endpoint."""

    REFUSED = "refuses connections"
    BLACK_HOLE = "accepts and says nothing"
    SLOW = "answers after 30 s"
    ERROR = "answers 500"
    GARBAGE = "talks no TLS"


@dataclass
class Arrivals:
    """When the callback of each request arrived, in seconds of the monotonic clock."""

    at: dict[str, float] = field(default_factory=dict)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        while data := await head_of(reader):
            now = time.perf_counter()
            writer.write(NO_CONTENT)
            self.at.setdefault(Received.parse(data).json["auth_req_id"], now)
            self.came.set()
            await writer.drain()

    async def all_of(self, names: Sequence[str], *, patience: float) -> list[str]:
        """Wait for these; what is returned are those that did not come."""
        end = time.perf_counter() + patience
        missing = [name for name in names if name not in self.at]
        while missing and time.perf_counter() < end:
            self.came.clear()
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + patience):
                await self.came.wait()
            missing = [name for name in missing if name not in self.at]
        return missing


def hosts(number: int) -> list[str]:
    """So many addresses of this machine, each a host of its own."""
    return [f"127.1.{index // 250}.{index % 250 + 1}" for index in range(number)]


@asynccontextmanager
async def healthy_endpoints(
    arrivals: Arrivals, directory: Path, number: int
) -> AsyncIterator[list[str]]:
    """Serve ``number`` endpoints, each on a host of its own; what is yielded are their URLs."""
    addresses = hosts(number)
    names = [x509.IPAddress(IPv4Address(address)) for address in addresses]
    context = server_context(directory, server_certificate(names=names))
    async with AsyncExitStack() as stack:
        urls = []
        for address in addresses:
            end = await stack.enter_async_context(far_end(arrivals, context, address=address))
            urls.append(end.url("/cb", host=address))
        yield urls


@asynccontextmanager
async def dead_endpoints(directory: Path, number: int) -> AsyncIterator[list[str]]:
    """``number`` endpoints that are dead in all ways, in turn, on hosts of healthy ones."""
    addresses = hosts(number)
    names = [x509.IPAddress(IPv4Address(address)) for address in addresses]
    context = server_context(directory, server_certificate(names=names))
    async with AsyncExitStack() as stack:
        urls = []
        for address, death in zip(addresses, itertools.cycle(Death)):
            if death is Death.REFUSED:
                port = stack.enter_context(_refusing(address))
            else:
                tls = context if death in {Death.SLOW, Death.ERROR} else None
                served = far_end(_BEHAVIOURS[death], tls, address=address)
                port = (await stack.enter_async_context(served)).port
            urls.append(f"https://{address}:{port}/cb")
        yield urls


@contextmanager
def _refusing(address: str) -> Iterator[int]:
    """A port that is taken and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind((address, 0))
        port: int = taken.getsockname()[1]
        yield port


async def _black_hole(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(65_536):
        pass


async def _slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await head_of(reader):
        await asyncio.sleep(_SLOW_SECONDS)
        writer.write(NO_CONTENT)
        await writer.drain()


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(os.urandom(64))
    await reader.read(65_536)


_BEHAVIOURS: dict[Death, Behaviour] = {
    Death.BLACK_HOLE: _black_hole,
    Death.SLOW: _slow,
    Death.ERROR: answering(_ERROR),
    Death.GARBAGE: _garbage,
}
