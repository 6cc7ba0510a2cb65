"""Delivery at ten times the volume of the tests: the part of the soak that has a clock of its own.

Approvals are written as a phone's decision writes them, and the time of the service is let pass,
so that every callback reaches its end, whether delivered or abandoned.
"""

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from tests.redis.servers import embedded_server
from tests.resilience.delivery_at_volume import failing_street
from tests.services.running_service import running_service

__all__ = ["APPROVALS", "deliver_at_volume"]

APPROVALS: Final = 20_000
_WAVE: Final = 2_000


async def deliver_at_volume(
    directory: Path, seed: int, say: Callable[[str], None], approvals: int = APPROVALS
) -> str:
    """Approvals in waves, to endpoints that fail three times in ten; what came of it, in a line.

    Raises:
        AssertionError: when one was neither delivered nor abandoned for a reason, or twice.
    """
    began = time.monotonic()
    with embedded_server() as target:
        run_service = partial(running_service, target, directory / "keys")
        async with failing_street(run_service, directory, seed=str(seed)) as street:
            for first in range(0, approvals, _WAVE):
                await street.approve(min(_WAVE, approvals - first), seed=seed + first)
                await street.until_all_ended()
                say(f"  {first + _WAVE} approvals: {_told(street.states())}")
            await street.hold()
            faults = Counter(map(str, street.endpoint.faults.elements()))
            return (
                f"{approvals} callbacks in {time.monotonic() - began:.0f} s, with a clock of their"
                f" own: {_told(street.states())}; attempts that failed: {_told(faults)}; every one"
                " accounted for"
            )


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counted.items()))
