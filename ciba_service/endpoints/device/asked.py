"""What the phone of one socket was asked: words that it is over may be lost between processes."""

from collections.abc import Iterable

from ciba_service.sca.messages import Fetched, ServiceMessage, Withdrawn

__all__ = ["Asked"]


class Asked:
    """The transactions that a phone was told of on this socket, and not told are over."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    @property
    def names(self) -> frozenset[str]:
        """Their ids now."""
        return frozenset(self._names)

    def offered(self, transaction_id: str) -> None:
        """Its challenge is sent."""
        self._names.add(transaction_id)

    def note(self, messages: Iterable[ServiceMessage]) -> None:
        """These are sent."""
        for message in messages:
            if isinstance(message, Fetched):
                self._names.update(message.open)
            elif isinstance(message, Withdrawn):
                self._names.discard(message.transaction_id)
