"""Transactions as operators see them, with their ledgers, and their end by an operator."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial

import msgspec

from ciba_service.flow.asking.cancelling import Cancelling
from ciba_service.flow.asking.ledger_following import LedgerFollowing
from ciba_service.flow.asking.sca_receipts import ScaReceipts
from ciba_service.flow.operators.authentication import ActingOperator
from ciba_service.flow.operators.journal import OperatorJournal
from ciba_service.flow.operators.pages import Page
from ciba_service.ports import Clock, LedgerStore
from ciba_service.ports.asking.pending import PendingPlace, PendingTransactions
from ciba_service.protocol.instants import instant
from ciba_service.protocol.operators.cursors import cursor, parse_cursor
from ciba_service.protocol.operators.ledgers import TransactionHistory, transaction_history
from ciba_service.protocol.operators.problems import OperatorRefused, Problem
from ciba_service.protocol.transaction.identifiers import is_transaction_id
from ciba_service.protocol.transaction.ledger import Ledger
from ciba_service.protocol.transaction.state import State
from ciba_service.sca.records.sca_receipt import ScaReceipt

__all__ = ["OperatedTransactions", "PendingSummary", "SignedReceipt"]


class PendingSummary(msgspec.Struct, frozen=True):
    """A transaction that nobody has decided."""

    transaction_id: str
    client_id: str
    expires_at: str


class SignedReceipt(msgspec.Struct, frozen=True):
    """An approval's receipt as a JWS, with what it says."""

    transaction_id: str
    sca_receipt: str
    claims: ScaReceipt


class OperatedTransactions:
    """Reads and cancels, whosever they are."""

    def __init__(
        self,
        *,
        pending: PendingTransactions,
        ledgers: LedgerStore,
        receipts: ScaReceipts,
        following: LedgerFollowing,
        cancelling: Cancelling,
        new_operation: Callable[[], str],
        journal: OperatorJournal,
        clock: Clock,
    ) -> None:
        self._pending = pending
        self._ledgers = ledgers
        self._receipts = receipts
        self._following = following
        self._cancelling = cancelling
        self._new_operation = new_operation
        self._journal = journal
        self._clock = clock

    async def page(self, after: str | None, *, limit: int) -> Page[PendingSummary]:
        """Pending ones, in no order of time; raises ``OperatorRefused`` for the cursor."""
        place = None if after is None else parse_cursor(after, PendingPlace)
        places = await self._pending.after(place, limit=limit + 1)
        shown, now = places[:limit], self._clock.now_ms()
        found = await asyncio.gather(
            *(self._ledgers.read(each.transaction_id, now=now) for each in shown)
        )
        items = tuple(
            PendingSummary(ledger.transaction_id, ledger.client_id, instant(each.expires_at))
            for each, ledger in zip(shown, found, strict=True)
            if ledger is not None and ledger.state is State.PENDING
        )
        return Page(items=items, next=cursor(shown[-1]) if len(places) > limit else None)

    async def show(self, transaction_id: str) -> TransactionHistory:
        """One with its ledger; raises ``OperatorRefused`` when there is none."""
        return transaction_history(await self._found(transaction_id))

    async def receipt(self, transaction_id: str) -> SignedReceipt:
        """The SCA receipt of one.

        Raises:
            OperatorRefused: there is no such transaction, or no approval of it that counts.
            StoreUnavailable, SignerUnavailable: when they cannot be reached.
        """
        kept = None
        if is_transaction_id(transaction_id):
            kept = await self._receipts.find(transaction_id)
        if kept is None:
            raise OperatorRefused(Problem.NOT_FOUND)
        if kept.receipt is None:
            raise OperatorRefused(Problem.NOT_APPROVED)
        signed = await self._receipts.sign(kept.receipt)
        return SignedReceipt(transaction_id, signed, kept.receipt)

    def follow(
        self, transaction_id: str, until_gone: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[Ledger, None]:
        """Its ledger as it grows; raises as ``show``, or since too many are followed."""
        if not self._following.has_room_for_operators:
            raise OperatorRefused(Problem.UNAVAILABLE)
        first_look = partial(self._found, transaction_id)
        return self._following.follow(transaction_id, first_look, until_gone)

    async def cancel(self, acting: ActingOperator, transaction_id: str) -> None:
        """Cancel it, now or before.

        Raises:
            OperatorRefused: there is none, or it is over in another way.
        """
        if not is_transaction_id(transaction_id):
            raise OperatorRefused(Problem.NOT_FOUND)
        with self._journal.writes(acting, "transactions cancel", transaction_id=transaction_id):
            ledger = await self._found(transaction_id)
            state = await self._cancelling.cancel(
                transaction_id, ledger.client_id, operation=self._new_operation(), by="operator"
            )
            if state is not State.CANCELLED:
                raise OperatorRefused(Problem.SETTLED)

    async def _found(self, transaction_id: str) -> Ledger:
        ledger = None
        if is_transaction_id(transaction_id):
            ledger = await self._ledgers.read(transaction_id, now=self._clock.now_ms())
        if ledger is None:
            raise OperatorRefused(Problem.NOT_FOUND)
        return ledger
