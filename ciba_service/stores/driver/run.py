"""The one place that repeats an operation on the store."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeVar

from ciba_service.ports import Clock, StoreUnavailable
from ciba_service.stores.driver.faults import StoreFault
from ciba_service.stores.driver.observer import StoreObserver, Unobserved

__all__ = ["run"]

_T = TypeVar("_T")

_UNOBSERVED: Final = Unobserved()
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.5


async def run(
    operation: Callable[[], Awaitable[_T]],
    *,
    deadline_ms: int,
    clock: Clock,
    observer: StoreObserver = _UNOBSERVED,
) -> _T:
    """Repeat an operation on ``StoreFault``, after jittered pauses, for ``deadline_ms`` at most.

    The operation may run more than once and must carry an operation id that stays the same. The
    deadline is real time, by the event loop's clock, because it bounds how long a caller waits on
    real sockets; it also cuts short an operation or a pause under way. Only the pauses go through
    ``clock``, so that under a fake clock no test waits for them, and none can go on for ever.

    Raises:
        StoreUnavailable: the deadline has passed; the last fault is its cause.
    """
    fault: StoreFault | None = None
    limit = asyncio.timeout(deadline_ms / 1000)
    try:
        async with limit:
            for pause in _pauses():
                try:
                    return await operation()
                except StoreFault as error:
                    fault = error
                observer.repeated()
                await clock.sleep(pause)
                await asyncio.sleep(0)  # The deadline passes even where pauses take no time.
    except TimeoutError:
        if not limit.expired():
            raise
    observer.gave_up()
    raise StoreUnavailable("Redis did not answer in time") from fault


def _pauses() -> Iterator[float]:
    """Seconds to wait after each fault: doubling, jittered, without end."""
    longest = _FIRST_PAUSE
    while True:
        yield random.uniform(longest / 2, longest)  # noqa: S311  (nothing secret about it)
        longest = min(longest * 2, _LONGEST_PAUSE)
