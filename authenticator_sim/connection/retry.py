"""Try something again while the service is unreachable, a few times, with back-off."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from authenticator_sim.connection.backoff import Backoff
from authenticator_sim.errors import ServiceUnreachable
from authenticator_sim.ports import Clock, RandomBytes

__all__ = ["ATTEMPTS", "with_retries"]

ATTEMPTS: Final = 5

_ResultT = TypeVar("_ResultT")


async def with_retries(
    attempt: Callable[[], Awaitable[_ResultT]], *, clock: Clock, random_bytes: RandomBytes
) -> _ResultT:
    """Return the first result; raises the last ``ServiceUnreachable`` after five attempts."""
    backoff = Backoff(random_bytes)
    for _ in range(ATTEMPTS - 1):
        try:
            return await attempt()
        except ServiceUnreachable:
            await clock.sleep(backoff.next_delay_ms() / 1000)
    return await attempt()
