"""From host names to addresses, in threads of our own: a dead name server holds nobody else."""

import asyncio
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from ciba_service.channels.outbound.failure import NoAnswer
from ciba_service.ports.outbound import FailureReason

__all__ = ["Resolver", "ResolverLimits", "SystemResolver"]

_MOST_SLOW_NAMES: Final = 10_000
_Answer = tuple[tuple[str, ...], float]
"""The addresses of a host, and how many seconds it took to find them."""


class Resolver(Protocol):
    """Finds the addresses of a host."""

    async def addresses(self, host: str) -> tuple[str, ...]:
        """All of them, the best first; raises ``NoAnswer`` when there are none."""
        ...


@dataclass(frozen=True, slots=True)
class ResolverLimits:
    """Questions at once; names whose last answer took ``slow_seconds`` share ``slow`` of their own.

    A question waits for its place no longer than ``patience`` seconds.
    """

    usual: int = 16
    slow: int = 8
    slow_seconds: float = 1.0
    patience: float = 2.0


class SystemResolver:
    """Asks the system; one question a name at a time, whoever and how many ask."""

    __slots__ = ("_asked", "_limits", "_places", "_slow_names", "_slow_places")

    def __init__(self, limits: ResolverLimits | None = None) -> None:
        self._limits = limits = limits or ResolverLimits()
        self._places = asyncio.Semaphore(limits.usual)
        self._slow_places = asyncio.Semaphore(limits.slow)
        # In the order in which they were slow.
        self._slow_names: dict[str, None] = {}
        self._asked: dict[str, asyncio.Task[tuple[str, ...] | None]] = {}

    async def addresses(self, host: str) -> tuple[str, ...]:
        """See ``Resolver``; a question goes on when nobody waits for its answer any more."""
        asked = self._asked.get(host)
        if asked is None:
            asked = self._asked[host] = asyncio.create_task(self._ask(host))
            asked.add_done_callback(lambda _: self._asked.pop(host))
        found = await asyncio.shield(asked)
        if found is None:
            raise NoAnswer(FailureReason.BUSY, "too many names are looked up")
        if not found:
            raise NoAnswer(FailureReason.UNRESOLVABLE, f"{host} has no address")
        return found

    def close(self) -> None:
        """Ask nothing any more; a question that waits for its answer is left alone."""
        for asked in self._asked.values():
            asked.cancel()

    async def _ask(self, host: str) -> tuple[str, ...] | None:
        """What the system answers; None when there was no place to ask."""
        place = self._slow_places if host in self._slow_names else self._places
        try:
            async with asyncio.timeout(self._limits.patience):
                await place.acquire()
        except TimeoutError:
            return None
        try:
            found, seconds = await _answer_of_system(host)
        finally:
            place.release()
        self._slow_names.pop(host, None)
        if seconds >= self._limits.slow_seconds:
            self._slow_names[host] = None
            if len(self._slow_names) > _MOST_SLOW_NAMES:
                del self._slow_names[next(iter(self._slow_names))]
        return found


async def _answer_of_system(host: str) -> _Answer:
    """Ask in a thread for which no process waits at its end, as it would for one of a pool."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[_Answer] = loop.create_future()

    def ask() -> None:
        answer: _Answer = (), 0.0
        try:
            answer = _look_up(host)
        finally:
            with suppress(RuntimeError):  # The loop has ended meanwhile.
                loop.call_soon_threadsafe(told, answer)

    def told(answer: _Answer) -> None:
        if not answered.done():
            answered.set_result(answer)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    return await answered


def _look_up(host: str) -> _Answer:
    """What the system answers; nothing where it knows no such name."""
    began = time.monotonic()
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    # IPv6 with a scope stays refused: the policy is shown the scope as well.
    addresses = tuple(dict.fromkeys(str(address[0]) for *_, address in found))
    return addresses, time.monotonic() - began
