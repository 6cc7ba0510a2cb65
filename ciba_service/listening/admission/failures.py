"""Whoever fails again and again at an endpoint is refused there for a while, unseen."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from ciba_service.listening.admission.addresses import Origin
from ciba_service.protocol.admission.failures import FailureBuckets

__all__ = ["FailureGuard"]


@dataclass(frozen=True, slots=True)
class FailureGuard:
    """``status`` is how the endpoint answers a failure.

    ``is_excused`` says whether somebody from this address has succeeded: behind it there may be
    several, and he is not to be kept out by the others.
    """

    buckets: FailureBuckets
    status: int
    refuses: bool = True
    is_excused: Callable[[str], bool] = lambda _: False
    now: Callable[[], float] = perf_counter

    def wait(self, origin: Origin) -> int:
        """Whole seconds for which whoever it is must wait; 0 is none."""
        if not self.refuses or not origin.is_one or self.is_excused(origin.key):
            return 0
        return self.buckets.wait(origin.key, now=self.now())

    def answered(self, origin: Origin, status: int) -> None:
        """A request was answered with this status."""
        if status == self.status and origin.is_one:
            self.buckets.failed(origin.key, now=self.now())
