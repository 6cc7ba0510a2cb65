"""The ledger in the store: written by what happens, as long as its transaction, and bounded."""

import itertools
from dataclasses import replace

import pytest

from ciba_service.ports import (
    Callback,
    CallbackProgress,
    DueKind,
    DueWork,
    FailureReason,
    Swap,
    UnknownRecordFormat,
)
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.transaction.callbacks import AbandonReason, CallbackState
from ciba_service.protocol.transaction.ledger import Ledger, LedgerEntry, LedgerKind
from ciba_service.protocol.transaction.state import REDEMPTION_GRACE_MS, Event, State
from ciba_service.sca.messages import DenialReason
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.asking import ledger as ledger_store
from ciba_service.stores.asking.ledger_lines import LEDGER_BYTES, attempt_line, parse_line
from ciba_service.stores.due.due import LEASE_MS
from ciba_service.stores.keys import transaction_key
from ciba_service.stores.phones.receipt_marks import MARK_LENGTH, phone_mark
from tests.contracts.store_builders import (
    CLIENT,
    EXPIRES_AT,
    PARTITION,
    START,
    TAG,
    TRANSACTION,
    Stores,
    new_transaction,
    swap_of,
)

REQUESTED = LedgerEntry(LedgerKind.REQUESTED, START, number=1)
WORK = DueWork(DueKind.CALLBACK, TRANSACTION, START + LEASE_MS)


async def create(stores: Stores, *, callback: bool = False, tells_expiry: bool = False) -> None:
    """A transaction."""
    carried = Callback("auth-req-id", "token", DeliveryMode.PING) if callback else None
    new = replace(new_transaction(), callback=carried, tells_expiry=tells_expiry)
    await stores.transactions.create(new, operation="create")


async def ledger(stores: Stores, now: int = START) -> Ledger:
    """What is told of it."""
    found = await stores.ledgers.read(TRANSACTION, now=now)
    assert found is not None
    return found


async def happened(stores: Stores, now: int = START) -> list[tuple[str, int]]:
    """Kinds and times."""
    return [(str(entry.kind), entry.at) for entry in (await ledger(stores, now)).entries]


async def note(stores: Stores, progress: CallbackProgress, now: int) -> bool:
    """Lease the callback, and write down how it stands."""
    works = await stores.due.claim(PARTITION, now=now, limit=10)
    (work,) = [each for each in works if each.kind is DueKind.CALLBACK]
    return await stores.callbacks.note(work, progress, now=now)


@pytest.mark.parametrize("state", CallbackState)
def test_every_outcome_of_an_attempt_makes_a_line(state: CallbackState):
    """Kind and instant, and the facts there are; silence is a fact as well."""
    answered, silent = CallbackProgress(state, 1, status=500), CallbackProgress(state, 0)
    line = attempt_line(answered, now=START)
    assert parse_line(line) == LedgerEntry(
        LedgerKind(f"callback_{state}"), START, attempt=1, status=500
    )
    untold = state is CallbackState.DUE
    assert attempt_line(silent, now=START) == ("" if untold else f"callback_{state} {START}")


async def test_what_is_unknown_has_no_ledger(stores: Stores):
    """None, and nothing is made by asking or telling."""
    assert await stores.ledgers.read(TRANSACTION, now=START) is None
    await stores.ledgers.announced(TRANSACTION, now=START)
    assert await stores.commands.call("EXISTS", transaction_key(TRANSACTION)) == 0


async def test_it_begins_with_the_request(stores: Stores):
    """Written with the transaction, of which it says whose it is and where it stands."""
    await create(stores)
    assert await ledger(stores) == Ledger(
        TRANSACTION, CLIENT, State.PENDING, (REQUESTED,), calls_back=False
    )


async def test_who_makes_it_may_announce_it_at_once(stores: Stores):
    """That is written with it, and nobody else is asked to before the lease ends."""
    until = START + LEASE_MS
    new = replace(new_transaction(), announced_until=until)
    await stores.transactions.create(new, operation="create")
    assert await happened(stores) == [("requested", START), ("announced", START)]
    assert await stores.due.claim(PARTITION, now=until - 1, limit=10) == []
    (work,) = await stores.due.claim(PARTITION, now=until, limit=10)
    assert work.kind is DueKind.ANNOUNCE


async def test_each_event_is_written_with_its_swap(stores: Stores):
    """Approved and redeemed, each at its time."""
    await create(stores)
    for number, event in enumerate((Event.APPROVE, Event.REDEEM), start=1):
        await stores.transactions.swap(swap_of(event, event, now=START + number))
    assert await happened(stores) == [
        ("requested", START), ("approved", START + 1), ("redeemed", START + 2),
    ]  # fmt: skip
    assert (await ledger(stores)).is_complete


@pytest.mark.parametrize(
    ("swap", "kind", "reason"),
    [
        (swap_of(Event.DENY, "it"), "denied", None),
        (replace(swap_of(Event.DENY, "it"), denial=DenialReason.NOT_ME), "denied", "not_me"),
        (swap_of(Event.FAIL, "it"), "failed", "gate_refused"),
        (swap_of(Event.LOCK, "it"), "failed", None),
        (swap_of(Event.CANCEL, "it"), "cancelled", None),
    ],
    ids=["denied", "not me", "failed", "locked", "cancelled"],
)
async def test_every_end_says_why(stores: Stores, swap: Swap, kind: str, reason: str | None):
    """As far as there is a reason."""
    await create(stores)
    await stores.transactions.swap(swap)
    last = (await ledger(stores)).entries[-1]
    assert last == LedgerEntry(LedgerKind(kind), START, reason=reason, number=2)


async def test_what_did_not_happen_is_not_written(stores: Stores):
    """A lost race, a repeated operation."""
    await create(stores)
    for operation in ("first", "first", "second"):
        await stores.transactions.swap(swap_of(Event.DENY, operation))
        await stores.transactions.swap(swap_of(Event.APPROVE, operation))
    assert await happened(stores) == [("requested", START), ("denied", START)]


async def test_an_announcement_is_written_once_and_before_the_decision(stores: Stores):
    """It may be repeated by a process that takes over, which tells nothing new."""
    await create(stores)
    await stores.ledgers.announced(TRANSACTION, now=START + 1)
    await stores.ledgers.announced(TRANSACTION, now=START + 2)
    await stores.transactions.swap(swap_of(Event.DENY, "denial", now=START + 3))
    expected = [("requested", START), ("announced", START + 1), ("denied", START + 3)]
    assert await happened(stores) == expected
    await stores.ledgers.announced(TRANSACTION, now=START + 9)
    assert await happened(stores) == expected


async def test_of_what_is_over_nobody_is_told(stores: Stores):
    """Decided, or expired to the millisecond: there is no user to ask any more."""
    await create(stores)
    assert await stores.ledgers.announced(TRANSACTION, now=EXPIRES_AT - 1) == TAG
    assert await stores.ledgers.announced(TRANSACTION, now=EXPIRES_AT) is None
    await stores.transactions.swap(swap_of(Event.DENY, "denial"))
    assert await stores.ledgers.announced(TRANSACTION, now=START) is None


async def test_receipts_are_those_of_the_users_phones_while_it_is_open(stores: Stores):
    """Each once, whatever its name; another user's phone says nothing of this transaction."""
    await create(stores)
    # A hash of a name may have any character of base64url.
    phones = next(name for name in map(str, itertools.count()) if "-" in phone_mark(name)), "phone"
    for tag, now in ((user_tag("bob"), START + 1), (TAG, START + 2), (TAG, START + 3)):
        for phone in phones:
            await stores.ledgers.receipt(TRANSACTION, tag, phone, LedgerKind.RECEIVED, now=now)
    expected = [("requested", START), ("received", START + 2), ("received", START + 2)]
    assert await happened(stores) == expected
    await stores.transactions.swap(swap_of(Event.DENY, "denial"))
    await stores.ledgers.receipt(TRANSACTION, TAG, "late", LedgerKind.RECEIVED, now=START)
    assert await happened(stores) == [*expected, ("denied", START)]


async def test_receipts_are_bounded(stores: Stores, monkeypatch: pytest.MonkeyPatch):
    """Phones that come and go fill no record."""
    monkeypatch.setattr(ledger_store, "_MARKS_AT_MOST", 2 * (MARK_LENGTH + 2))
    await create(stores)
    for phone in ("one", "two", "three"):
        await stores.ledgers.receipt(TRANSACTION, TAG, phone, LedgerKind.SHOWN, now=START)
    assert await happened(stores) == [("requested", START), ("shown", START), ("shown", START)]


async def test_an_announcement_after_a_receipt_keeps_its_place(stores: Stores):
    """A phone that asked by itself was faster; entries that were told keep their numbers."""
    await create(stores)
    await stores.ledgers.receipt(TRANSACTION, TAG, "phone", LedgerKind.RECEIVED, now=START + 1)
    for now in (START + 2, START + 3):
        await stores.ledgers.announced(TRANSACTION, now=now)
    assert await happened(stores) == [
        ("requested", START), ("received", START + 1), ("announced", START + 2),
    ]  # fmt: skip


async def test_expiry_needs_nobody_who_writes_it(stores: Stores):
    """From the deadline on it is there, with exactly that time, swept or not."""
    await create(stores)
    assert await happened(stores, EXPIRES_AT - 1) == [("requested", START)]
    expired = [("requested", START), ("expired", EXPIRES_AT)]
    assert await happened(stores, EXPIRES_AT) == expired
    late = EXPIRES_AT + 700
    await stores.transactions.swap(Swap(TRANSACTION, Event.EXPIRE, "expiry", late))
    assert await happened(stores, late) == expired
    assert (await ledger(stores, late)).is_complete


@pytest.mark.parametrize("callback", [False, True])
@pytest.mark.parametrize("tells_expiry", [False, True])
async def test_a_client_that_is_told_of_its_expiry_is_to_be_called_back(
    stores: Stores, *, callback: bool, tells_expiry: bool
):
    """From the deadline on, whether anybody has swept it yet or not."""
    await create(stores, callback=callback, tells_expiry=tells_expiry)
    assert not (await ledger(stores, EXPIRES_AT - 1)).calls_back
    before = await ledger(stores, EXPIRES_AT)
    assert before.calls_back is (callback and tells_expiry)
    await stores.transactions.swap(Swap(TRANSACTION, Event.EXPIRE, "expiry", EXPIRES_AT))
    assert await ledger(stores, EXPIRES_AT) == before


async def test_an_abandoned_callback_is_not_awaited_when_the_approval_expires(stores: Stores):
    """Whom it names is kept, should an operator want it; by itself nothing more happens."""
    await create(stores, callback=True, tells_expiry=True)
    await stores.transactions.swap(swap_of(Event.APPROVE, "approval"))
    refused = CallbackProgress(CallbackState.ABANDONED, 1, reason=AbandonReason.REFUSED, status=403)
    assert await note(stores, refused, START)
    assert not (await ledger(stores)).is_complete
    late = await ledger(stores, EXPIRES_AT + REDEMPTION_GRACE_MS)
    assert (late.state, late.is_complete) == (State.EXPIRED, True)


async def test_an_approval_that_nobody_redeems_expires_at_its_own_deadline(stores: Stores):
    """Later than the request would have."""
    await create(stores)
    approved_at = EXPIRES_AT - 1_000
    await stores.transactions.swap(swap_of(Event.APPROVE, "approval", now=approved_at))
    ended_at = approved_at + REDEMPTION_GRACE_MS
    assert (await ledger(stores, ended_at - 1)).state is State.APPROVED
    assert (await happened(stores, ended_at))[-1] == ("expired", ended_at)


async def test_each_attempt_to_call_back_is_told(stores: Stores):
    """With what came of it; one that only found no place is none."""
    await create(stores, callback=True)
    assert not (await ledger(stores)).calls_back
    await stores.transactions.swap(swap_of(Event.DENY, "denial"))
    waiting = CallbackProgress(CallbackState.DUE, 0, again_at=START + 20_000)
    assert await note(stores, waiting, START)
    refused = CallbackProgress(CallbackState.DUE, 1, again_at=START + 40_000, status=503)
    assert await note(stores, refused, START + 20_000)
    silent = CallbackProgress(
        CallbackState.DUE, 2, again_at=START + 60_000, failure=FailureReason.TIMEOUT
    )
    assert await note(stores, silent, START + 40_000)
    assert (await ledger(stores)).calls_back
    assert not (await ledger(stores)).is_complete
    delivered = CallbackProgress(CallbackState.DELIVERED, 3, status=204)
    assert await note(stores, delivered, START + 60_000)
    found = await ledger(stores)
    due, delivered_kind = LedgerKind.CALLBACK_DUE, LedgerKind.CALLBACK_DELIVERED
    at = START + 20_000
    assert found.entries[2:] == (
        LedgerEntry(due, at, attempt=1, status=503, again_at=at + 20_000, number=3),
        LedgerEntry(due, at + 20_000, attempt=2, failure="timeout", again_at=at + 40_000, number=4),
        LedgerEntry(delivered_kind, at + 40_000, attempt=3, status=204, number=5),
    )
    assert found.is_complete


async def test_whoever_lost_the_lease_writes_nothing(stores: Stores):
    """What another process makes is told by that one."""
    await create(stores, callback=True)
    await stores.transactions.swap(swap_of(Event.DENY, "denial"))
    progress = CallbackProgress(CallbackState.DUE, 1, again_at=START + 5_000, status=500)
    assert not await stores.callbacks.note(WORK, progress, now=START)
    assert await happened(stores) == [("requested", START), ("denied", START)]


async def test_a_collected_request_calls_nobody_back(stores: Stores):
    """After a failed attempt the redemption takes the callback away: nothing more is to come."""
    await create(stores, callback=True)
    await stores.transactions.swap(swap_of(Event.APPROVE, "approval"))
    again = CallbackProgress(CallbackState.DUE, 1, again_at=START + 1_000, status=500)
    assert await note(stores, again, START)
    await stores.transactions.swap(swap_of(Event.REDEEM, "redemption"))
    found = await ledger(stores)
    assert (found.calls_back, found.is_complete) == (False, True)


async def test_a_long_ledger_leaves_out_attempts_and_never_the_end(stores: Stores):
    """It is bounded, and still says how it ended."""
    await create(stores, callback=True)
    await stores.transactions.swap(swap_of(Event.DENY, "denial"))
    key, line = transaction_key(TRANSACTION), f"callback_due {START} attempt=1 status=500\n"
    full = line * (LEDGER_BYTES // len(line) + 1)
    await stores.commands.call("HSET", key, "h", full)
    again = CallbackProgress(CallbackState.DUE, 7, again_at=START + 20_000, status=500)
    assert await note(stores, again, START)
    assert await stores.commands.call("HSTRLEN", key, "h") == len(full)
    gone = CallbackProgress(CallbackState.ABANDONED, 8, reason=AbandonReason.TOO_LATE)
    assert await note(stores, gone, START + 20_000)
    entries = (await ledger(stores)).entries
    assert len(entries) > 200
    assert entries[-1].kind is LedgerKind.CALLBACK_ABANDONED
    assert (entries[-1].attempt, entries[-1].reason) == (8, "too_late")


async def test_it_lives_as_long_as_its_transaction(stores: Stores):
    """It is part of the record, so that nothing of it is left behind."""
    await create(stores)
    await stores.ledgers.announced(TRANSACTION, now=START)
    assert await stores.commands.call("EXISTS", transaction_key(TRANSACTION)) == 1
    assert await stores.commands.call("PEXPIRETIME", transaction_key(TRANSACTION)) > EXPIRES_AT
    await stores.commands.call("DEL", transaction_key(TRANSACTION))
    assert await stores.ledgers.read(TRANSACTION, now=START) is None


async def test_what_another_version_wrote_is_read_as_far_as_it_is_understood(stores: Stores):
    """Its kinds keep their places, its facts are left out."""
    await create(stores)
    key = transaction_key(TRANSACTION)
    await stores.commands.call(
        "HSET", key, "h", f"announced {START} by=till\ninvented {START + 1}\n"
    )
    announced = LedgerEntry(LedgerKind.ANNOUNCED, START, number=2)
    other = LedgerEntry(LedgerKind.OTHER, START + 1, number=3)
    assert (await ledger(stores)).entries == (REQUESTED, announced, other)


async def test_a_record_of_another_format_is_left_alone(stores: Stores):
    """Neither read nor written."""
    await create(stores)
    await stores.commands.call("HSET", transaction_key(TRANSACTION), "v", "99")
    before = await stores.commands.call("HGETALL", transaction_key(TRANSACTION))
    with pytest.raises(UnknownRecordFormat):
        await stores.ledgers.read(TRANSACTION, now=START)
    with pytest.raises(UnknownRecordFormat):
        await stores.sca_receipts.read(TRANSACTION, now=START)
    with pytest.raises(UnknownRecordFormat):
        await stores.ledgers.announced(TRANSACTION, now=START)
    with pytest.raises(UnknownRecordFormat):
        await stores.ledgers.receipt(TRANSACTION, TAG, "phone", LedgerKind.SHOWN, now=START)
    assert await stores.commands.call("HGETALL", transaction_key(TRANSACTION)) == before
