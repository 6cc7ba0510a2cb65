"""A notification endpoint that fails by a plan: the same in every run, whatever comes when."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509

from tests.unit.channels.outbound.far_ends import (
    ca_file,
    far_end,
    head_of,
    server_certificate,
    server_context,
)
from tests.wire.callback_endpoint import NO_CONTENT, Received, answer


class Fault(StrEnum):
    """How an attempt may fail."""

    SERVER_ERROR = "500"
    RESET = "reset"
    TOO_MANY = "429"


@dataclass(frozen=True)
class Plan:
    """Which attempts fail: ``percent`` of all, chosen by ``seed``."""

    seed: str
    percent: int = 30

    def fault(self, auth_req_id: str, attempt: int) -> Fault | None:
        """What happens to the ``attempt``-th attempt for a request."""
        drawn = hashlib.sha256(f"{self.seed} {auth_req_id} {attempt}".encode()).digest()
        if int.from_bytes(drawn[:4]) % 100 >= self.percent:
            return None
        return list(Fault)[drawn[4] % len(Fault)]


@dataclass
class FailingEndpoint:
    """Where all clients are called back; it remembers everything by ``auth_req_id``."""

    plan: Plan
    retry_after: int = 50
    received: dict[str, list[Received]] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection; a request that breaks off did not arrive."""
        with suppress(asyncio.IncompleteReadError):
            await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await head_of(reader):
            arrived = Received.parse(data)
            auth_req_id = arrived.json["auth_req_id"]
            arrivals = self.received.setdefault(auth_req_id, [])
            arrivals.append(arrived)
            fault = self.plan.fault(auth_req_id, len(arrivals))
            if fault is None:
                self.taken[auth_req_id] += 1
            else:
                self.faults[fault] += 1
            if fault is Fault.RESET:
                return
            writer.write(self._answer(fault))
            await writer.drain()

    def _answer(self, fault: Fault | None) -> bytes:
        match fault:
            case Fault.SERVER_ERROR:
                return answer("500 Internal Server Error")
            case Fault.TOO_MANY:
                return answer("429 Too Many Requests", f"Retry-After: {self.retry_after}")
            case _:
                return NO_CONTENT


def addresses(number: int) -> list[str]:
    """So many hosts on this machine."""
    return [f"127.0.1.{last}" for last in range(1, number + 1)]


@asynccontextmanager
async def served(
    endpoint: FailingEndpoint, directory: Path, hosts: Sequence[str]
) -> AsyncIterator[list[str]]:
    """Serve it on each of the addresses; what is yielded are its URLs."""
    names = [x509.IPAddress(IPv4Address(host)) for host in hosts]
    context = server_context(directory, server_certificate(names=names))
    async with AsyncExitStack() as stack:
        ends = [
            await stack.enter_async_context(far_end(endpoint, context, address=host))
            for host in hosts
        ]
        yield [end.url("/cb", host=host) for end, host in zip(ends, hosts, strict=True)]


def outbound_section(directory: Path, hosts: Sequence[str]) -> dict[str, Any]:
    """What the service needs to reach them."""
    return {"ca_bundle": ca_file(directory), "allowed_networks": list(hosts)}
