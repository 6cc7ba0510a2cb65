"""A clock for services whose clients are other programs, and have the time of this machine."""

import time

from tests.fake_clock import FakeClock


class PassingClock(FakeClock):
    """Real time; a test may still move it on."""

    def __init__(self) -> None:
        super().__init__()
        self._began_ms = self._now_ms

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000 + self._now_ms - self._began_ms

    def now(self) -> int:
        """Seconds since the epoch."""
        return self.now_ms() // 1000
