"""How long a request lives (CIBA 7.1 ``requested_expiry``, 7.3 ``expires_in``)."""

from dataclasses import dataclass
from typing import Final

__all__ = ["LONGEST_EXPIRY", "SHORTEST_EXPIRY", "RequestLifetime"]

SHORTEST_EXPIRY: Final = 10
LONGEST_EXPIRY: Final = 600


@dataclass(frozen=True, slots=True)
class RequestLifetime:
    """The lifetime of a request that asks for none, in seconds."""

    default: int = 180

    def grant(self, requested: int | None) -> int:
        """``expires_in``: the wish, within the bounds of the service."""
        if requested is None:
            return self.default
        return min(max(requested, SHORTEST_EXPIRY), LONGEST_EXPIRY)
