"""How many exchanges go on at once: in total, with each host, and with hosts that failed last."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from ciba_service.channels.outbound.failure import NoAnswer
from ciba_service.ports.outbound import FailureReason

__all__ = ["OutboundLimits", "Slots"]

_MAXIMUM_SUSPECTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class OutboundLimits:
    """Exchanges at once; ``idle`` connections are kept for ``keep_alive`` seconds.

    Hosts whose last exchange failed have no more than ``suspects`` places among them.
    """

    total: int = 128
    per_host: int = 4
    suspects: int = 64
    idle: int = 32
    keep_alive: float = 15.0


@dataclass(slots=True)
class _Host:
    free: asyncio.Semaphore
    users: int = 0


class Slots:
    """Hands out the right to an exchange; whoever waits for a host holds nothing else meanwhile.

    A dead host has its own few places, and however many are dead, others find room beside them.
    """

    __slots__ = ("_hosts", "_limits", "_suspect_places", "_suspects", "_total")

    def __init__(self, limits: OutboundLimits) -> None:
        self._limits = limits
        self._total = asyncio.Semaphore(limits.total)
        self._suspect_places = asyncio.Semaphore(limits.suspects)
        self._hosts: dict[str, _Host] = {}
        # In the order in which they failed.
        self._suspects: dict[str, None] = {}

    @asynccontextmanager
    async def take(self, host: str) -> AsyncIterator[None]:
        """Wait for a free one; first come, first served. An exchange that raises has failed."""
        async with self._host(host) as free, AsyncExitStack() as places:
            await places.enter_async_context(free)
            if host in self._suspects:
                await places.enter_async_context(self._suspect_places)
            await places.enter_async_context(self._total)
            try:
                yield
            except NoAnswer as error:
                if error.failure.reason is not FailureReason.BUSY:  # that is our doing
                    self._suspect(host)
                raise
            except BaseException:
                self._suspect(host)
                raise
            self._suspects.pop(host, None)

    @asynccontextmanager
    async def _host(self, host: str) -> AsyncIterator[asyncio.Semaphore]:
        entry = self._hosts.get(host)
        if entry is None:
            entry = self._hosts[host] = _Host(asyncio.Semaphore(self._limits.per_host))
        entry.users += 1
        try:
            yield entry.free
        finally:
            entry.users -= 1
            if not entry.users:
                del self._hosts[host]

    def _suspect(self, host: str) -> None:
        self._suspects.pop(host, None)
        self._suspects[host] = None
        if len(self._suspects) > _MAXIMUM_SUSPECTS:
            del self._suspects[next(iter(self._suspects))]
