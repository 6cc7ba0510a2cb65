"""What went over the wire, told to whoever wants to look at it."""

from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Exchange", "ExchangeObserver", "Headers"]

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, secrets and all: an observer keeps them to itself.

    ``sent_at`` is in seconds since the epoch, ``seconds`` is how long the whole took. Without a
    ``status`` there was no usable answer, and ``failure`` says why.
    """

    method: str
    url: str
    request_headers: Headers = field(repr=False)
    request_body: bytes = field(repr=False)
    sent_at: float
    seconds: float
    status: int | None = None
    response_headers: Headers = field(default=(), repr=False)
    response_body: bytes = field(default=b"", repr=False)
    failure: str | None = None


class ExchangeObserver(Protocol):
    """Sees each exchange once it is over; it must neither wait nor raise."""

    def exchanged(self, exchange: Exchange) -> None:
        """One request was answered, or was not."""
        ...
