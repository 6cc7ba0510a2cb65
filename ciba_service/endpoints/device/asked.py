"""What the phone of one socket was asked: words that it is over may be lost between processes."""

from collections.abc import Iterable
from typing import Final

from ciba_service.sca.messages import Fetched, ServiceMessage, Withdrawn

__all__ = ["MOST_ASKED", "Asked"]

MOST_ASKED: Final = 256
"""More than a user has open; beyond that the oldest are forgotten, of which no record is left."""


class Asked:
    """The transactions that a phone was told of on this socket, and not told are over."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    @property
    def names(self) -> frozenset[str]:
        """Their ids now."""
        return frozenset(self._names)

    def offered(self, transaction_id: str) -> None:
        """Its challenge is sent."""
        self._names[transaction_id] = None
        if len(self._names) > MOST_ASKED:
            del self._names[next(iter(self._names))]

    def note(self, messages: Iterable[ServiceMessage]) -> None:
        """These are sent."""
        for message in messages:
            if isinstance(message, Fetched):
                for name in message.open:
                    self.offered(name)
            elif isinstance(message, Withdrawn):
                self._names.pop(message.transaction_id, None)
