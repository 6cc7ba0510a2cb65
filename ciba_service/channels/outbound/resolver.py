"""From host names to addresses, in threads of our own: a dead name server holds nobody else."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from ciba_service.channels.outbound.failure import NoAnswer
from ciba_service.ports.outbound import FailureReason

__all__ = ["Resolver", "SystemResolver"]

_THREADS: Final = 16


class Resolver(Protocol):
    """Finds the addresses of a host."""

    async def addresses(self, host: str) -> tuple[str, ...]:
        """All of them, the best first; raises ``NoAnswer`` when there are none."""
        ...


class SystemResolver:
    """Asks the system; one question a name at a time, whoever and how many ask."""

    __slots__ = ("_asked", "_threads")

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolver")
        self._asked: dict[str, asyncio.Future[tuple[str, ...]]] = {}

    async def addresses(self, host: str) -> tuple[str, ...]:
        """See ``Resolver``; a question goes on when nobody waits for its answer any more."""
        asked = self._asked.get(host)
        if asked is None:
            loop = asyncio.get_running_loop()
            asked = self._asked[host] = loop.run_in_executor(self._threads, _look_up, host)
            asked.add_done_callback(lambda _: self._asked.pop(host))
        found = await asyncio.shield(asked)
        if not found:
            raise NoAnswer(FailureReason.UNRESOLVABLE, f"{host} has no address")
        return found

    def close(self) -> None:
        """Ask nothing any more; a question that waits for its answer is left alone."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    # IPv6 with a scope stays refused: the policy is shown the scope as well.
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
