"""Requests that ended before the user said a word: "not me" counts a while longer."""

from authenticator_sim.core.deciding.challenges import VerifiedChallenge
from ciba_service.sca.messages import OUTCOME_WINDOW

__all__ = ["Over"]

_MOST = 50


class Over:
    """Challenges that were cancelled or expired, for as long as the service heeds a late word."""

    def __init__(self) -> None:
        """Begin with none."""
        self._challenges: dict[str, VerifiedChallenge] = {}

    def add(self, challenge: VerifiedChallenge) -> None:
        """Keep it; the oldest goes where there are too many."""
        self._challenges[challenge.transaction_id] = challenge
        if len(self._challenges) > _MOST:
            del self._challenges[next(iter(self._challenges))]

    def remove(self, transaction_id: str) -> None:
        """The user has had a say."""
        self._challenges.pop(transaction_id, None)

    def find(self, transaction_id: str, *, now_ms: int) -> VerifiedChallenge | None:
        """Return it unless the service has forgotten it."""
        challenge = self._challenges.get(transaction_id)
        return challenge if challenge is not None and _is_heeded(challenge, now_ms) else None


def _is_heeded(challenge: VerifiedChallenge, now_ms: int) -> bool:
    return now_ms < (challenge.content.exp + OUTCOME_WINDOW) * 1000
