"""Names of connections, in the order in which they were opened: of a phone's the newest stays."""

from collections.abc import Callable

from ciba_service.ports import Clock

__all__ = ["ConnectionNames"]


class ConnectionNames:
    """Names that sort by time (milliseconds) and, within one process, by turn.

    Two processes that name connections in the same millisecond still give two names.
    """

    __slots__ = ("_clock", "_new_operation", "_now", "_turn")

    def __init__(self, clock: Clock, new_operation: Callable[[], str]) -> None:
        self._clock = clock
        self._new_operation = new_operation
        self._now = 0
        self._turn = 0

    def next(self) -> str:
        """A name greater than all before it, even when the clock went back."""
        now = max(self._now, self._clock.now_ms())
        self._turn = self._turn + 1 if now == self._now else 0
        self._now = now
        return f"{now:015d}-{self._turn:06d}-{self._new_operation()}"
