"""When a poll may be sent (CIBA 7.3, 10.1, 10.2, 11): a rule without clock or network."""

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
# Pings get lost: a client that waits for one asks by itself now and then, and once near the end.
_PING_PATIENCE: Final = 30.0
_LAST_CHANCE: Final = 5.0


class PollTooEarly(Exception):
    """A poll before its time; a programming error of the caller."""


class PollTooLate(Exception):
    """A poll after the transaction expired; a programming error of the caller."""


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """The interval in force and the earliest next poll; every step returns a new schedule.

    Instants are seconds of one monotonic clock. The interval runs from the sending of a poll, so
    that the next may follow at once after a provider held one for longer than that. As long as a
    ping is awaited (CIBA 10.2), nothing is asked before ``unprompted_at``.
    """

    interval: float
    not_before: float
    expires_at: float
    failures: int = 0
    unprompted_at: float | None = None

    @classmethod
    def begin(
        cls,
        *,
        sent_at: float,
        now: float,
        interval: float,
        expires_in: float,
        awaits_ping: bool = False,
    ) -> Self:
        """Start from an acknowledgement received at ``now`` to a request sent at ``sent_at``."""
        schedule = cls(
            interval=interval,
            not_before=now + max(interval, _SHORTEST_PAUSE),
            expires_at=sent_at + expires_in,
        )
        return replace(schedule, unprompted_at=schedule._patience(now)) if awaits_ping else schedule

    @property
    def awaits_ping(self) -> bool:
        """Whether the provider has yet to say that the decision is there."""
        return self.unprompted_at is not None

    def next_poll_at(self, now: float) -> float | None:
        """The earliest instant for the next poll, or None when the transaction ends before it."""
        at = max(now, self.not_before, self.unprompted_at or now)
        return at if at < self.expires_at else None

    def pinged(self, now: float) -> Self:
        """The provider says that the decision is there: it may be asked at once (CIBA 10.2).

        Unless its last answer was a call for patience, which holds.
        """
        if not self.awaits_ping:
            return self
        not_before = self.not_before if self.failures else now
        return replace(self, unprompted_at=None, not_before=not_before)

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
        return replace(
            self,
            not_before=now + max(self.interval, _SHORTEST_PAUSE),
            unprompted_at=self._patience(now) if self.awaits_ping else None,
        )

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
        not_before = max(self.not_before, now + pause)
        return replace(
            self,
            failures=self.failures + 1,
            not_before=not_before,
            unprompted_at=not_before if self.awaits_ping else None,
        )

    def _patience(self, now: float) -> float:
        later, last_chance = now + _PING_PATIENCE, self.expires_at - _LAST_CHANCE
        return min(later, last_chance) if now < last_chance else later
