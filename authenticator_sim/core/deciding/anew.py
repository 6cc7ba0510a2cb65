"""Approvals that the service could not open: asked for again once there is another key for them."""

from collections.abc import Iterable

from authenticator_sim.core.deciding.challenges import VerifiedChallenge

__all__ = ["Anew"]


class Anew:
    """Challenges that may be open still, each with the name of the key its factors were for."""

    def __init__(self) -> None:
        """Begin with none."""
        self._refused: dict[str, tuple[VerifiedChallenge, str]] = {}

    def add(self, challenge: VerifiedChallenge, kid: str) -> None:
        """Its approval, encrypted to this key, was refused."""
        self._refused[challenge.transaction_id] = (challenge, kid)

    def remove(self, transaction_id: str) -> None:
        """It is over."""
        self._refused.pop(transaction_id, None)

    def keep(self, still_open: Iterable[str]) -> None:
        """Whatever else there was is over."""
        names = set(still_open)
        self._refused = {name: each for name, each in self._refused.items() if name in names}

    def take(self, kid: str, *, now_ms: int) -> tuple[VerifiedChallenge, ...]:
        """Those that may be approved with this key, since it is another one, and only once."""
        others = [each for each, refused in self._refused.values() if refused != kid]
        for challenge in others:
            self.remove(challenge.transaction_id)
        return tuple(challenge for challenge in others if challenge.is_open(now_ms))
