"""Transactions in Redis: one hash each, changed only by scripts that know the table."""

from typing import Final

import msgspec

from ciba_service.ports import (
    Decided,
    DueKind,
    NewTransaction,
    PollReply,
    PollStatus,
    StoredRequest,
    StoreUnavailable,
    Swap,
    SwapResult,
    Transaction,
    UnknownRecordFormat,
)
from ciba_service.protocol.transaction.state import Deadlines, State, effective_state
from ciba_service.sca.messages import OUTCOME_WINDOW, DenialReason
from ciba_service.stores.asking.ledger_lines import LEDGER_PRELUDE
from ciba_service.stores.asking.request_records import pack_request, unpack_request
from ciba_service.stores.asking.transition_table import STATE_PRELUDE
from ciba_service.stores.driver.script import Script
from ciba_service.stores.due.due import due_member
from ciba_service.stores.evidence.evidence_seals import EvidenceSeals
from ciba_service.stores.keys import due_key, evidence_key, partition_of, transaction_key
from ciba_service.stores.operations import Operations, operation_mark
from ciba_service.stores.sealing import Sealer
from ciba_service.stores.tokens.grants import GrantSeals

__all__ = ["MALFORMED", "RECORD_FORMAT", "SCA_RECEIPT_FIELD", "RedisTransactions"]

RECORD_FORMAT: Final = "2"
SCA_RECEIPT_FIELD: Final = "sr"
# The record outlives its expiry so that the answer stays right (CIBA 11, expired_token).
KEPT_AFTER_EXPIRY_MS: Final = OUTCOME_WINDOW * 1000
# Evidence of a partition that may wait for its file: some five kilobytes each, 256 partitions.
EVIDENCE_LIMIT: Final = 1_000

# The fields of a record that are read, in the order of ``_Fields``:
# client, user tag, state, expires_at, redeem_until, request and decided (both sealed), the
# operations that approved or denied, that of the last poll, and why it was denied or failed.
# Scripts alone use v (format), o (what marks the operation that created it), o:<event>, and for
# polling i (interval), l (last poll), w (its verdict) and b (interval and last poll before that
# one). E is how long it lives, in milliseconds.
# Of a callback there are n (whom it names, sealed), a (whether expiry is told), p (the push with
# its tokens, sealed), y (how it stands), z (attempts), x (why it was abandoned), j (its entry among
# those that were) and k (the lease under which that was written).
# The ledger is g (how many milliseconds after its beginning it was announced) and h, m
# which phones gave which receipts (ledger.py); wa and wm tell how often phones were woken, and
# which of them need it no more (stores/phones/wake_ups.py). sr has the claims of the receipt,
# sealed (sca_receipts.py).
_NAMES: Final = ("c", "t", "s", "e", "u", "r", "d", "o:approve", "o:deny", "q", "f")
# Names that no field has stand for those that are not asked for.
_OUTLINE: Final = tuple("-" if name in {"r", "d"} else name for name in _NAMES)
_FIELDS: Final = f"local FIELDS = {{{', '.join(map(repr, _NAMES))}}}\n"

MALFORMED: Final = (AttributeError, TypeError, ValueError)
"""What reading a field raises that is missing, or no number or word of ours."""

_CREATE: Final = Script.load("create_transaction")
_POLL: Final = Script.load("poll", STATE_PRELUDE + _FIELDS)
_FORGET: Final = Script.load("forget_poll")
_STATUSES: Final = {status.value.encode(): status for status in PollStatus}
_PACED: Final = frozenset({PollStatus.PENDING, PollStatus.SLOW_DOWN})
_SWAP: Final = Script.load(
    "swap",
    f"{STATE_PRELUDE}{LEDGER_PRELUDE}local EVIDENCE_LIMIT = {EVIDENCE_LIMIT}\n"
    f"local SCA_RECEIPT = {SCA_RECEIPT_FIELD!r}\n",
    durable=True,
)
_EVIDENCE_IS_FULL: Final = -2


class _Fields(msgspec.Struct, frozen=True):
    """The fields of a record as Redis has them."""

    client: bytes
    user_tag: bytes
    state: bytes
    expires_at: bytes
    redeem_until: bytes | None
    request: bytes | None
    decided: bytes | None
    approval: bytes | None
    denial: bytes | None
    last_poll: bytes | None
    reason: bytes | None


class RedisTransactions:
    """``ports.TransactionStore`` on Redis; request and decision are sealed."""

    __slots__ = ("_evidence", "_grants", "_operations", "_sealer")

    def __init__(self, operations: Operations, sealer: Sealer) -> None:
        self._operations = operations
        self._sealer = sealer
        self._grants = GrantSeals(sealer)
        self._evidence = EvidenceSeals(sealer)

    async def create(self, new: NewTransaction, *, operation: str) -> None:
        """Store as PENDING with ``announce`` and ``expire`` due."""
        key = transaction_key(new.transaction_id)
        stored = await self._operations.evaluate(
            _CREATE,
            [key, due_key(partition_of(new.transaction_id))],
            [
                operation_mark(operation),
                RECORD_FORMAT,
                new.client_id,
                new.expires_at,
                new.interval_ms,
                self._sealer.seal(
                    pack_request(new.request), key=key, name="request", owner=new.client_id
                ),
                new.expires_at + KEPT_AFTER_EXPIRY_MS,
                new.created_at,
                new.expires_at - new.created_at,
                due_member(DueKind.ANNOUNCE, new.transaction_id),
                due_member(DueKind.EXPIRE, new.transaction_id),
                new.user_tag,
                self._seal(key, "callback", new.client_id, new.callback) if new.callback else b"",
                "1" if new.tells_expiry else "",
                new.announced_until or "",
            ],
        )
        if not stored:
            raise AssertionError("256 random bits were drawn twice")

    async def read(self, transaction_id: str, *, now: int) -> Transaction | None:
        """As it stands at ``now``."""
        fields = await self._fields(transaction_id, _NAMES)
        return None if fields is None else self._transaction(transaction_id, fields, now)

    async def outline(self, transaction_id: str, *, now: int) -> Transaction | None:
        """As it stands at ``now``, without what is sealed."""
        fields = await self._fields(transaction_id, _OUTLINE)
        return None if fields is None else self._transaction(transaction_id, fields, now)

    async def _fields(self, transaction_id: str, names: tuple[str, ...]) -> _Fields | None:
        key = transaction_key(transaction_id)
        version, *fields = await self._operations.call("HMGET", key, "v", *names)
        if version is None:
            return None
        if version != RECORD_FORMAT.encode():
            raise UnknownRecordFormat("a transaction has another format")
        return _Fields(*fields)

    async def poll(
        self, transaction_id: str, *, client_id: str, operation: str, now: int
    ) -> PollReply:
        """Look for the owner; a pending transaction counts the poll."""
        reply = await self._operations.evaluate(
            _POLL, [transaction_key(transaction_id)], [client_id, operation, now, RECORD_FORMAT]
        )
        if reply[0] == b"format":
            raise UnknownRecordFormat("a transaction has another format")
        status = _STATUSES[reply[0]]
        if status in _PACED:
            return PollReply(status, interval=int(reply[1]) // 1000)
        if status is not PollStatus.SETTLED:
            return PollReply(status)
        return PollReply(status, self._transaction(transaction_id, _Fields(*reply[1:]), now))

    async def forget_poll(self, transaction_id: str, *, operation: str) -> None:
        """Undo a poll that turned out to be none."""
        await self._operations.evaluate(_FORGET, [transaction_key(transaction_id)], [operation])

    async def confirm(self, transaction_id: str) -> None:
        """Ask the replicas."""
        await self._operations.confirm(transaction_key(transaction_id))

    async def swap(self, swap: Swap) -> SwapResult:
        """Let the event happen if the table allows it."""
        key = transaction_key(swap.transaction_id)
        grant_keys, grant = self._grants.written(swap.tokens)
        push = self._seal(key, "push", "", swap.push) if swap.push else b""
        partition = partition_of(swap.transaction_id)
        reply = await self._operations.evaluate(
            _SWAP,
            [key, due_key(partition), evidence_key(partition), *grant_keys],
            [
                swap.event,
                swap.operation,
                swap.now,
                RECORD_FORMAT,
                due_member(DueKind.EXPIRE, swap.transaction_id),
                due_member(DueKind.SETTLE, swap.transaction_id),
                self._seal(key, "decided", "", swap.decided) if swap.decided else b"",
                swap.reason or swap.denial or "",
                due_member(DueKind.CALLBACK, swap.transaction_id),
                swap.now + swap.callback_delay,
                push,
                self._evidence.close(swap.evidence) if swap.evidence else b"",
                self._seal_receipt(key, swap),
                swap.settled_until or swap.now,
                *grant,
            ],
        )
        if reply[0] == _EVIDENCE_IS_FULL:
            raise StoreUnavailable("too much evidence waits to be written")
        if reply[0] < 0:
            raise UnknownRecordFormat("a transaction has another format")
        state = State(reply[1].decode()) if len(reply) > 1 else None
        return SwapResult(won=reply[0] == 1, state=state, calls_back=len(reply) > 2)  # noqa: PLR2004 - see the script

    def _seal_receipt(self, key: str, swap: Swap) -> bytes:
        receipt = swap.sca_receipt
        return self._seal(key, "sca_receipt", receipt.aud, receipt) if receipt else b""

    def _seal(self, key: str, name: str, owner: str, value: msgspec.Struct) -> bytes:
        return self._sealer.seal(msgspec.json.encode(value), key=key, name=name, owner=owner)

    def _transaction(self, transaction_id: str, fields: _Fields, now: int) -> Transaction:
        try:
            return self._parsed(transaction_id, fields, now)
        except MALFORMED as error:
            raise UnknownRecordFormat("a transaction has another format") from error

    def _parsed(self, transaction_id: str, fields: _Fields, now: int) -> Transaction:
        key, client_id = transaction_key(transaction_id), fields.client.decode()
        deadlines = Deadlines(int(fields.expires_at), int(fields.redeem_until or 0))
        return Transaction(
            transaction_id=transaction_id,
            client_id=client_id,
            user_tag=fields.user_tag.decode(),
            state=effective_state(State(fields.state.decode()), deadlines, now),
            expires_at=deadlines.expires_at,
            request=self._request(key, client_id, fields.request),
            decided=self._decided(key, fields.decided),
            decision=(fields.approval or fields.denial or b"").decode(),
            denial=DenialReason(fields.reason.decode())
            if fields.denial and fields.reason
            else None,
            last_poll=(fields.last_poll or b"").decode(),
        )

    def _request(self, key: str, owner: str, sealed: bytes | None) -> StoredRequest | None:
        if not sealed:
            return None
        return unpack_request(self._sealer.open(sealed, key=key, name="request", owner=owner))

    def _decided(self, key: str, sealed: bytes | None) -> Decided | None:
        if not sealed:
            return None
        return msgspec.json.decode(self._sealer.open(sealed, key=key, name="decided"), type=Decided)
