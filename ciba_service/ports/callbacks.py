"""Callbacks to clients: what is kept until one is delivered (CIBA 10.2)."""

from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from ciba_service.ports.due import DueWork
from ciba_service.ports.outbound import FailureReason
from ciba_service.protocol.transaction.callbacks import AbandonReason, CallbackState

__all__ = ["Callback", "CallbackProgress", "CallbackStore", "PendingCallback"]


class Callback(msgspec.Struct, frozen=True):
    """What a callback carries, kept encrypted until it is delivered or abandoned."""

    auth_req_id: str
    token: str

    def __repr__(self) -> str:
        return "Callback(...)"


@dataclass(frozen=True, slots=True)
class PendingCallback:
    """A callback that is due; nobody tries again at or after ``deadline``."""

    transaction_id: str
    client_id: str
    callback: Callback = field(repr=False)
    attempts: int
    deadline: int


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

    async def find(self, transaction_id: str) -> PendingCallback | None:
        """The callback, or None when there is none or it is done with."""
        ...

    async def note(self, work: DueWork, progress: CallbackProgress, *, now: int) -> bool:
        """Write down how it stands, in the ledger as well; make it due again, or forget it.

        False when somebody else holds the lease by now; nothing is changed then.
        """
        ...
