"""Token endpoints of others that redeem grants here, and what they may ask about."""

from dataclasses import dataclass

from ciba_service.protocol.operators.tokens import OperatorToken

__all__ = ["TokenEndpointParty"]


@dataclass(frozen=True, slots=True)
class TokenEndpointParty:
    """A token endpoint that authenticates its clients itself; ``clients`` None means all."""

    name: str
    tokens: tuple[OperatorToken, ...]
    clients: frozenset[str] | None = None

    def may_act_for(self, client_id: str) -> bool:
        """Whether it may redeem what this client was granted."""
        return self.clients is None or client_id in self.clients
