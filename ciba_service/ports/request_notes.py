"""What is known of the request at hand: collected by steps, read by whoever logs and counts it.

The notes are those of the current context, so that no step hands them on; outside of a request
there are none, and noting does nothing.
"""

from contextvars import ContextVar, Token
from typing import Final, Protocol

__all__ = [
    "RequestMeter",
    "RequestNotes",
    "begin_notes",
    "current_notes",
    "end_notes",
    "note_client",
    "note_interaction",
    "note_transaction",
]


class RequestNotes:
    """Names of one request: never a secret, and nothing that was not verified.

    ``client_id`` is the client that proved who it is, ``interaction_id`` a UUID; ``refusal`` has
    the fields of the line about a refusal, ``error`` among them.
    """

    __slots__ = ("client_id", "interaction_id", "refusal", "transaction_id")

    def __init__(self) -> None:
        self.client_id: str | None = None
        self.transaction_id: str | None = None
        self.interaction_id: str | None = None
        self.refusal: dict[str, object] | None = None


class RequestMeter(Protocol):
    """Counts requests."""

    def answered(self, endpoint: str, outcome: str, seconds: float) -> None:
        """One was answered: ``outcome`` is ``ok``, an error code, or ``gone`` without an answer."""
        ...


_CURRENT: Final[ContextVar[RequestNotes | None]] = ContextVar("request_notes", default=None)


def current_notes() -> RequestNotes | None:
    """Those of the request at hand; None outside of one."""
    return _CURRENT.get()


def begin_notes(notes: RequestNotes) -> Token[RequestNotes | None]:
    """Take notes here until ``end_notes`` with what is returned."""
    return _CURRENT.set(notes)


def end_notes(token: Token[RequestNotes | None]) -> None:
    """Take no more notes of this request."""
    _CURRENT.reset(token)


def note_client(client_id: str) -> None:
    """The client that proved who it is."""
    notes = _CURRENT.get()
    if notes is not None:
        notes.client_id = client_id


def note_transaction(transaction_id: str) -> None:
    """The transaction that the request is about, whether there is one or not."""
    notes = _CURRENT.get()
    if notes is not None:
        notes.transaction_id = transaction_id


def note_interaction(interaction_id: str) -> None:
    """The name of the request that its sender was told."""
    notes = _CURRENT.get()
    if notes is not None:
        notes.interaction_id = interaction_id
