"""All that was seen of one flow, within bounds."""

from typing import Final

from ciba_client.playground.record import Message, Notified, Seen, Told
from ciba_client.sdk.provider.exchange import Exchange

__all__ = ["Journal"]

_MOST_MESSAGES: Final = 240
_LARGEST: Final = 4 * 1024 * 1024
_BEGINNING: Final = 16
"""What was seen first is kept: discovery, keys, and the request itself."""


class Journal:
    """Messages in the order in which they were told; when there are too many, the middle goes."""

    def __init__(self, began_at: float) -> None:
        self.began_at = began_at
        self.messages: list[Message] = []
        self.left_out = 0
        self._number = 0
        self._size = 0

    def add(self, seen: Seen) -> None:
        """One more."""
        self._number += 1
        self.messages.append(Message(self._number, seen))
        self._size += _size(seen)
        while len(self.messages) > _MOST_MESSAGES or (
            self._size > _LARGEST and len(self.messages) > _BEGINNING
        ):
            self._size -= _size(self.messages.pop(_BEGINNING).seen)
            self.left_out += 1

    def find(self, number: int) -> Message | None:
        """A message by its number, if it is still there."""
        return next((each for each in self.messages if each.number == number), None)

    def exchanges(self) -> list[Exchange]:
        """What this client has asked."""
        return [each.seen for each in self.messages if isinstance(each.seen, Exchange)]


def _size(seen: Seen) -> int:
    match seen:
        case Exchange() as exchange:
            return len(exchange.request_body) + len(exchange.response_body)
        case Notified(exchange=exchange):
            return len(exchange.request_body) + len(exchange.response_body)
        case Told(entry=entry):
            return len(entry.text)
