"""How often factors may fail before they lock (PSD2 RTS art. 4(3)(b), NIST SP 800-63B-4 3.2.2).

Attempts are counted per user, across phones and factors. Each is reserved before anything is
evaluated, so that many at once are no more than one after the other. The store runs the same rule
as a script, and a test proves the two equal.

How many there are, and how long the user has to wait before the last one, is the operator's to say
(PSD2 RTS art. 4(4)); the user's phones are told when one is left, and when none is.

A success that proved the PIN forgets the attempts made before it, and no later ones. One that
proved a passkey forgets those of passkeys, and any other only its own: whoever holds the phone, or
can unlock it, must not win new guesses at the PIN by it.
"""

from dataclasses import dataclass
from typing import Final

__all__ = [
    "ATTEMPT_LIMIT",
    "Attempt",
    "AttemptLimits",
    "LockedError",
    "PausedError",
    "reserve_attempt",
    "seconds_until",
]

ATTEMPT_LIMIT: Final = 5
"""The most that PSD2 RTS art. 4(3)(b) lets fail one after the other."""


class LockedError(Exception):
    """The factors of this user are locked; nothing is evaluated."""


class PausedError(Exception):
    """The last attempt is not to be had before ``until`` (milliseconds); nothing is evaluated."""

    def __init__(self, until: int) -> None:
        super().__init__(until)
        self.until = until


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """``attempts`` may fail one after the other; ``pause`` (milliseconds) is before the last."""

    attempts: int = ATTEMPT_LIMIT
    pause: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """A reserved attempt: the ``number``th of ``limit``, made at ``reserved_at`` (milliseconds).

    Factors are evaluated at that instant, so that a decision sent again cannot find another answer.
    """

    number: int
    reserved_at: int
    limit: int = ATTEMPT_LIMIT

    @property
    def left(self) -> int:
        """How many are left when this one fails."""
        return self.limit - self.number


def reserve_attempt(
    used: int, now: int, limits: AttemptLimits, *, last_but_one_at: int | None = None
) -> Attempt:
    """The next attempt after ``used`` ones.

    Raises:
        LockedError: when there is none.
        PausedError: when it is the last, and the one before it (``last_but_one_at``) is not long
            enough ago.
    """
    if used >= limits.attempts:
        raise LockedError
    if used == limits.attempts - 1 and last_but_one_at is not None:
        until = last_but_one_at + limits.pause
        if now < until:
            raise PausedError(until)
    return Attempt(used + 1, reserved_at=now, limit=limits.attempts)


def seconds_until(until: int, now: int) -> int:
    """Whole seconds to wait from ``now`` to ``until`` (milliseconds), at least one."""
    return max(1, -(-(until - now) // 1000))
