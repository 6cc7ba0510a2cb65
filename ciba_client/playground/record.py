"""What one flow keeps: everything that was seen, numbered in the order in which it was told."""

from dataclasses import dataclass

from ciba_client.sdk.provider.exchange import Exchange
from ciba_client.sdk.transaction.ledger import LedgerEntry

__all__ = ["Message", "Notified", "Seen", "Told"]


@dataclass(frozen=True, slots=True)
class Notified:
    """The provider called this client: a ping or a push, and how it was answered.

    ``as_told`` names the behaviour that was switched on; None is the right one.
    """

    exchange: Exchange
    as_told: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """The provider's ledger has an entry; ``at`` is its instant by this computer's clock."""

    entry: LedgerEntry
    at: float


Seen = Exchange | Notified | Told


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that was seen; ``number`` is its name within the flow."""

    number: int
    seen: Seen

    @property
    def at(self) -> float:
        """When it began, in seconds since the epoch."""
        match self.seen:
            case Exchange(sent_at=at) | Told(at=at):
                return at
            case Notified(exchange=exchange):
                return exchange.sent_at
