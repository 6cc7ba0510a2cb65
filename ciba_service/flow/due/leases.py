"""A lease that is long enough for one attempt to reach somebody outside."""

from dataclasses import replace
from typing import Final

from ciba_service.ports import Clock, DueStore, DueWork

__all__ = ["leased_for_attempt"]

_TIMEOUTS: Final = 3
_SKEW_MS: Final = 2_000  # by which the clocks of hosts may differ


async def leased_for_attempt(
    due: DueStore, work: DueWork, *, attempt_ms: int, clock: Clock
) -> DueWork | None:
    """The work under such a lease; None when another has it by now.

    ``attempt_ms`` is how long the attempt may take.
    """
    until = clock.now_ms() + _TIMEOUTS * attempt_ms + _SKEW_MS
    extended = await due.extend(work, until=until)
    return replace(work, lease_until=until) if extended else None
