"""Transactions: what is kept of one, and what may happen to it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import msgspec

from ciba_service.ports.due.callbacks import Callback, Push
from ciba_service.ports.tokens.grants import TokenRecord
from ciba_service.protocol.request.authorization_details import AuthorizationDetail
from ciba_service.protocol.request.claims_parameter import ClaimsRequest
from ciba_service.protocol.request.request_context import RequestContext
from ciba_service.protocol.tokens.dpop.binding import Binding
from ciba_service.protocol.transaction.state import Event, FailureReason, State
from ciba_service.sca.messages import DenialReason, Factor
from ciba_service.sca.phones.devices import UserTag
from ciba_service.sca.records.evidence import Evidence
from ciba_service.sca.records.sca_receipt import ScaReceipt

__all__ = [
    "Decided",
    "NewTransaction",
    "PollReply",
    "PollStatus",
    "StoredRequest",
    "Swap",
    "SwapResult",
    "Transaction",
    "TransactionStore",
]


class StoredRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked, kept encrypted; ``challenge`` is the exact JWS.

    ``binding`` is what tokens are to be bound to that will be pushed (CIBA 5);
    ``verification_code`` is what the user is to type, as the client shows it; ``passkey_for_pin``
    says that a passkey may take the place of the PIN. What most requests have in common
    is not kept at all, nor what the challenge says: whether access lasts. ``pairwise_sub`` is what
    the client calls the user, where that is not the ``subject``.
    """

    subject: str
    scope: tuple[str, ...]
    acr: str
    factors: tuple[Factor, ...]
    challenge: str
    details: tuple[AuthorizationDetail, ...] = ()
    claims: ClaimsRequest = ClaimsRequest()
    resources: tuple[str, ...] = ()
    request_context: RequestContext | None = None
    binding: Binding = Binding()
    verification_code: str | None = None
    passkey_for_pin: bool = False
    pairwise_sub: str | None = None

    @property
    def sub(self) -> str:
        """What the client calls the user."""
        return self.pairwise_sub or self.subject


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What an approval proved, kept encrypted; ``auth_time`` is in seconds."""

    device_id: str
    operation: str
    challenge_hash: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int


@dataclass(frozen=True, slots=True)
class NewTransaction:
    """A transaction to be stored as PENDING; its ``callback`` is made when it is decided.

    With ``tells_expiry`` also when nobody decides. A process that tells the phones itself holds the
    lease of that work from the beginning, until ``announced_until``, and it is written down at once
    that they are told; without one it is due now.
    """

    transaction_id: str
    client_id: str
    user_tag: UserTag
    request: StoredRequest
    created_at: int
    expires_at: int
    interval_ms: int
    callback: Callback | None = None
    tells_expiry: bool = False
    announced_until: int | None = None


class Transaction(msgspec.Struct, frozen=True):
    """A stored transaction as it stands at the time it was read.

    Once redeemed it has no ``request`` any more. ``decision`` is the operation that decided it,
    ``denial`` why it was denied if it was, ``last_poll`` the operation of the last poll that
    counted, if any.
    """

    transaction_id: str
    client_id: str
    user_tag: UserTag
    state: State
    request: StoredRequest | None
    expires_at: int
    decided: Decided | None = None
    decision: str = ""
    denial: DenialReason | None = None
    last_poll: str = ""


class PollStatus(StrEnum):
    """What a poll found; UNKNOWN and FOREIGN, another client's, look the same to the client."""

    UNKNOWN = "unknown"
    FOREIGN = "foreign"
    PENDING = "pending"
    SLOW_DOWN = "slow_down"
    SETTLED = "settled"

    __hash__ = str.__hash__  # not the one of Enum, a function of Python


class PollReply(msgspec.Struct, frozen=True):
    """``transaction`` is there when SETTLED: in any state but pending.

    ``interval``, in seconds, is what polls have to be apart from now on, while it is pending.
    """

    status: PollStatus
    transaction: Transaction | None = None
    interval: int | None = None


@dataclass(frozen=True, slots=True)
class Swap:
    """One event that is to happen to one transaction.

    ``decided`` and ``sca_receipt`` go with APPROVE, ``denial`` with DENY, ``reason`` with FAIL and
    LOCK, ``tokens`` with REDEEM, and ``push`` as well when a callback is to carry them. What
    happens is written in the ledger (``LedgerStore``). Due work is written with it: ``settle`` when
    the prompt is no longer open, and ``callback``, after ``callback_delay`` milliseconds, when it
    was decided. A process that settles the prompt itself holds the lease of that until
    ``settled_until``.
    ``evidence`` is queued with it (``EvidenceQueue``).
    """

    transaction_id: str
    event: Event
    operation: str
    now: int
    decided: Decided | None = None
    denial: DenialReason | None = None
    reason: FailureReason | None = None
    tokens: TokenRecord | None = None
    push: Push | None = None
    callback_delay: int = 0
    evidence: Evidence | None = None
    sca_receipt: ScaReceipt | None = None
    settled_until: int | None = None


class SwapResult(msgspec.Struct, frozen=True):
    """Whether this operation won, now or before, and the state found.

    ``calls_back``: a callback is due after it.
    """

    won: bool
    state: State | None
    calls_back: bool = False


class TransactionStore(Protocol):
    """Transactions. Each method is one atomic step."""

    async def create(self, new: NewTransaction, *, operation: str) -> None:
        """Store with its lifetime and make ``announce`` and ``expire`` due, all or nothing."""
        ...

    async def read(self, transaction_id: str, *, now: int) -> Transaction | None:
        """As it stands, or None when there is no such transaction."""
        ...

    async def outline(self, transaction_id: str, *, now: int) -> Transaction | None:
        """The same without what is sealed: neither ``request`` nor ``decided``."""
        ...

    async def poll(
        self, transaction_id: str, *, client_id: str, operation: str, now: int
    ) -> PollReply:
        """Look for its owner and count the poll when it is pending (protocol.transaction)."""
        ...

    async def forget_poll(self, transaction_id: str, *, operation: str) -> None:
        """Undo a poll that turned out to be none."""
        ...

    async def confirm(self, transaction_id: str) -> None:
        """Return once no failover can undo what was written of it, where that is waited for.

        Before a swap whose outcome only this process can tell: one that would not be confirmed
        is better not begun.
        """
        ...

    async def swap(self, swap: Swap) -> SwapResult:
        """Let the event happen if the table allows it, with all that goes with it, or nothing.

        Raises:
            StoreUnavailable: also when so much evidence waits that no more can be queued.
        """
        ...
