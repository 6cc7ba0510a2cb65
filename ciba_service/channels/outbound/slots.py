"""How many exchanges go on at once, in total and with each host."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

__all__ = ["OutboundLimits", "Slots"]


@dataclass(frozen=True, slots=True)
class OutboundLimits:
    """Exchanges at once; ``idle`` connections are kept for ``keep_alive`` seconds."""

    total: int = 128
    per_host: int = 4
    idle: int = 32
    keep_alive: float = 15.0


@dataclass(slots=True)
class _Host:
    free: asyncio.Semaphore
    users: int = field(default=0)


class Slots:
    """Hands out the right to an exchange; whoever waits for a host holds nothing else meanwhile."""

    __slots__ = ("_hosts", "_limits", "_total")

    def __init__(self, limits: OutboundLimits) -> None:
        self._limits = limits
        self._total = asyncio.Semaphore(limits.total)
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def take(self, host: str) -> AsyncIterator[None]:
        """Wait for a free one; first come, first served."""
        entry = self._hosts.get(host)
        if entry is None:
            entry = self._hosts[host] = _Host(asyncio.Semaphore(self._limits.per_host))
        entry.users += 1
        try:
            async with entry.free, self._total:
                yield
        finally:
            entry.users -= 1
            if not entry.users:
                del self._hosts[host]
