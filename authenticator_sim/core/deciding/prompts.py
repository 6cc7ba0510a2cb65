"""Which challenges are open on this phone, and which were shown before.

A challenge is shown once, however often and over however many connections it is sent.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from authenticator_sim.core.deciding.challenges import (
    ChallengeRefusal,
    ChallengeRefused,
    VerifiedChallenge,
)

__all__ = ["Prompts"]

_REMEMBERED: Final = 10_000
# More than any service asks one user at a time; what comes beyond is not shown.
_MOST_OPEN: Final = 200


class Prompts:
    """Open challenges by transaction id, in the order of their arrival."""

    def __init__(self, decided: Iterable[str]) -> None:
        """Begin with the transactions that were decided before and are not shown again."""
        self._open: dict[str, VerifiedChallenge] = {}
        self._shown: OrderedDict[str, str | None] = OrderedDict.fromkeys(decided)
        self._unconfirmed: set[str] = set()

    def add(self, challenge: VerifiedChallenge) -> bool:
        """Take a verified challenge in; true when it is new and has to be shown.

        Raises:
            ChallengeRefused: Another challenge was shown for this transaction (PSD2 RTS art. 5):
                what the user has read is never replaced.
        """
        name = challenge.transaction_id
        self._unconfirmed.discard(name)
        if name not in self._shown:
            if len(self._open) >= _MOST_OPEN:
                return False
            self._open[name] = challenge
            self._shown[name] = challenge.digest
            self._forget_oldest()
            return True
        if self._shown[name] not in {None, challenge.digest}:
            raise ChallengeRefused(ChallengeRefusal.REPLACED)
        return False

    def reopen(self, challenge: VerifiedChallenge) -> None:
        """Show a challenge of this phone again, until the service lists it no more."""
        self._open[challenge.transaction_id] = challenge
        self._unconfirmed.add(challenge.transaction_id)

    def find(self, transaction_id: str, *, now_ms: int) -> VerifiedChallenge | None:
        """Return the open challenge of a transaction unless it has expired."""
        challenge = self._open.get(transaction_id)
        return challenge if challenge is not None and challenge.is_open(now_ms) else None

    def open(self, *, now_ms: int) -> tuple[VerifiedChallenge, ...]:
        """Return all open challenges, the oldest first."""
        return tuple(prompt for prompt in self._open.values() if prompt.is_open(now_ms))

    def close(self, transaction_id: str) -> VerifiedChallenge | None:
        """Take a challenge off the screen, and return it if it was there."""
        return self._open.pop(transaction_id, None)

    def close_expired(self, *, now_ms: int) -> tuple[VerifiedChallenge, ...]:
        """Take every expired challenge off the screen and return them."""
        expired = [prompt for prompt in self._open.values() if not prompt.is_open(now_ms)]
        for prompt in expired:
            self.close(prompt.transaction_id)
        return tuple(expired)

    def begin_connection(self) -> None:
        """What is open now has to be confirmed by the service on the new connection."""
        self._unconfirmed = set(self._open)

    def close_unconfirmed(self, still_open: Iterable[str]) -> tuple[str, ...]:
        """Take off what the service neither sent nor listed on this connection."""
        gone = self._unconfirmed - set(still_open)
        self._unconfirmed = set()
        return tuple(name for name in sorted(gone) if self.close(name))

    def _forget_oldest(self) -> None:
        """What is still on the screen is never forgotten: it could be replaced then."""
        if len(self._shown) > _REMEMBERED:
            oldest = next(name for name in self._shown if name not in self._open)
            del self._shown[oldest]
