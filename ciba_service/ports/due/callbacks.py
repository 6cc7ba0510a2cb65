"""Callbacks to clients: what is kept until one is delivered (CIBA 10.2, 10.3)."""

from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from ciba_service.ports.due.due import DueWork
from ciba_service.ports.outbound import FailureReason
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.transaction.callbacks import AbandonReason, CallbackState
from ciba_service.protocol.transaction.state import State

__all__ = ["Callback", "CallbackProgress", "CallbackStore", "PendingCallback", "Push"]


class Callback(msgspec.Struct, frozen=True):
    """Whom a callback names and how it proves itself, encrypted until it is delivered or it ends.

    ``mode`` is the client's own when it asked, ping or push, whatever it registers later.
    """

    auth_req_id: str
    token: str
    mode: DeliveryMode

    def __repr__(self) -> str:
        return "Callback(...)"


class Push(msgspec.Struct, frozen=True):
    """The body of a push that carries tokens, encrypted: the same bytes at every attempt.

    Nobody sends it at or after ``until``, in milliseconds: its tokens are worth nothing then.
    """

    body: str
    until: int

    def __repr__(self) -> str:
        return "Push(...)"


@dataclass(frozen=True, slots=True)
class PendingCallback:
    """A callback that is due; nobody tries again at or after ``deadline``.

    ``state`` is that of its transaction, ``push`` what was made to be pushed, if it was.
    """

    transaction_id: str
    client_id: str
    callback: Callback = field(repr=False)
    attempts: int
    deadline: int
    state: State
    push: Push | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CallbackProgress:
    """How a callback stands after an attempt.

    ``again_at`` goes with DUE, ``reason`` with ABANDONED; of an attempt that was made there is the
    ``status`` that the client answered, or why there was no answer.
    """

    state: CallbackState
    attempts: int
    again_at: int = 0
    reason: AbandonReason | None = None
    status: int | None = None
    failure: FailureReason | None = None


class CallbackStore(Protocol):
    """Callbacks that are due, beside their transactions."""

    async def find(self, transaction_id: str, *, now: int) -> PendingCallback | None:
        """The callback as it stands, or None when there is none or it is done with."""
        ...

    async def note(self, work: DueWork, progress: CallbackProgress, *, now: int) -> bool:
        """Write down how it stands, in the ledger as well: due again, delivered, or given up.

        What it carried is forgotten once it is delivered. What has no record any more is only given
        up. False when somebody else holds the lease
        by now; nothing is changed then.
        """
        ...
