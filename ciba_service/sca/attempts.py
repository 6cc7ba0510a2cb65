"""How often factors may fail before they lock (PSD2 RTS art. 4(3)(b), NIST SP 800-63B-4 3.2.2).

Attempts are counted per user, across phones and factors. Each is reserved before anything is
evaluated, so that many at once are no more than one after the other. The store runs the same rule
as a script, and a test proves the two equal.

A success that proved the PIN forgets the attempts made before it, and no later ones. One that
proved a passkey forgets those of passkeys, and any other only its own: whoever holds the phone, or
can unlock it, must not win new guesses at the PIN by it.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["ATTEMPT_LIMIT", "Attempt", "LockedError", "reserve_attempt"]

ATTEMPT_LIMIT: Final = 5


class LockedError(Exception):
    """The factors of this user are locked; nothing is evaluated."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A reserved attempt: the ``number``th that counts, made at ``reserved_at`` (milliseconds).

    Factors are evaluated at that instant, so that a decision sent again cannot find another answer.
    """

    number: int
    reserved_at: int

    @property
    def left(self) -> int:
        """How many are left when this one fails."""
        return ATTEMPT_LIMIT - self.number


def reserve_attempt(used: int, now: int) -> Attempt:
    """The next attempt after ``used`` ones; raises ``LockedError`` when there is none."""
    if used >= ATTEMPT_LIMIT:
        raise LockedError
    return Attempt(used + 1, reserved_at=now)
