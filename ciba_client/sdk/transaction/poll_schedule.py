"""When a poll may be sent (CIBA 7.3, 10.1, 11): a rule without clock or network."""

from dataclasses import dataclass, replace
from typing import Final, Self

__all__ = ["PollSchedule", "PollTooEarly", "PollTooLate"]

# CIBA 11: ``slow_down`` lengthens the interval for this and all later requests.
_SLOW_DOWN: Final = 5.0
# An interval of 0 invites long polling; it does not ask for a busy loop.
_SHORTEST_PAUSE: Final = 0.2
_FIRST_BACK_OFF: Final = 1.0
_LONGEST_BACK_OFF: Final = 60.0
_JITTER: Final = 0.25


class PollTooEarly(Exception):
    """A poll before its time; a programming error of the caller."""


class PollTooLate(Exception):
    """A poll after the transaction expired; a programming error of the caller."""


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """The interval in force and the earliest next poll; every step returns a new schedule.

    Instants are seconds of one monotonic clock. The interval runs from the sending of a poll, so
    that the next may follow at once after a provider held one for longer than that.
    """

    interval: float
    not_before: float
    expires_at: float
    failures: int = 0

    @classmethod
    def begin(cls, *, sent_at: float, now: float, interval: float, expires_in: float) -> Self:
        """Start from an acknowledgement received at ``now`` to a request sent at ``sent_at``."""
        return cls(
            interval=interval,
            not_before=now + max(interval, _SHORTEST_PAUSE),
            expires_at=sent_at + expires_in,
        )

    def next_poll_at(self, now: float) -> float | None:
        """The earliest instant for the next poll, or None when the transaction ends before it."""
        at = max(now, self.not_before)
        return at if at < self.expires_at else None

    def sent(self, now: float) -> Self:
        """A poll is being sent.

        Raises:
            PollTooEarly: before the interval in force is over.
            PollTooLate: at or after the expiry.
        """
        if now < self.not_before:
            raise PollTooEarly
        if now >= self.expires_at:
            raise PollTooLate
        return replace(self, not_before=now + max(self.interval, _SHORTEST_PAUSE))

    def answered(self) -> Self:
        """The provider answered the poll: it can be reached."""
        return replace(self, failures=0)

    def slowed_down(self) -> Self:
        """The provider answered ``slow_down``."""
        return replace(
            self,
            failures=0,
            interval=self.interval + _SLOW_DOWN,
            not_before=self.not_before + _SLOW_DOWN,
        )

    def unavailable(self, now: float, *, retry_after: float | None, jitter: float) -> Self:
        """No answer, 429 or 5xx at ``now``: wait as told, else twice as long after each failure.

        ``jitter`` is a random number from 0 to 1 that spreads many clients (RFC 8628 3.5).
        """
        if retry_after is None:
            doubled = max(self.interval, _FIRST_BACK_OFF) * 2 ** min(self.failures + 1, 10)
            pause = max(self.interval, min(doubled, _LONGEST_BACK_OFF)) * (1 + _JITTER * jitter)
        else:
            pause = retry_after
        return replace(
            self, failures=self.failures + 1, not_before=max(self.not_before, now + pause)
        )
