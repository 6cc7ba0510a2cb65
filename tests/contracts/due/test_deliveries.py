"""What operators see of callbacks, and which of those given up may be made once more."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from ciba_service.ports import (
    AccessTokenRecord,
    Callback,
    CallbackProgress,
    Delivery,
    DeliveryState,
    DueKind,
    DueWork,
    FoundDelivery,
    Push,
    Redelivery,
    RefreshTokenRecord,
    UnknownRecordFormat,
)
from ciba_service.ports.due.deliveries import DeliveryPlace
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.transaction.callbacks import AbandonReason, CallbackState
from ciba_service.protocol.transaction.ledger import LedgerKind
from ciba_service.protocol.transaction.state import Event, State, redeemable_until
from ciba_service.stores.asking.transactions import KEPT_AFTER_EXPIRY_MS
from ciba_service.stores.due import callbacks as callbacks_module
from ciba_service.stores.due import deliveries as deliveries_module
from ciba_service.stores.due.callbacks import ABANDONED_KEPT_MS
from ciba_service.stores.due.due import LEASE_MS, due_member
from ciba_service.stores.keys import (
    abandoned_key,
    due_key,
    grant_key,
    partition_of,
    transaction_key,
)
from tests.contracts.store_builders import (
    CLIENT,
    EXPIRES_AT,
    PARTITION,
    REFRESH_UNTIL,
    START,
    TRANSACTION,
    Stores,
    access_token,
    new_transaction,
    swap_of,
    transaction_name,
)

AUTH_REQ_ID, TOKEN = "recognisable-auth-req-id", "recognisable-token"
_LEASES = itertools.count(LEASE_MS)
REFUSED = CallbackProgress(CallbackState.ABANDONED, 3, reason=AbandonReason.REFUSED)


async def decided(
    stores: Stores,
    transaction_id: str = TRANSACTION,
    event: Event = Event.APPROVE,
    client_id: str = CLIENT,
) -> None:
    """A decided request whose callback is due."""
    callback = Callback(AUTH_REQ_ID, TOKEN, DeliveryMode.PING)
    new = replace(new_transaction(transaction_id), callback=callback, client_id=client_id)
    await stores.transactions.create(new, operation="create")
    await stores.transactions.swap(swap_of(event, "decision", transaction_id=transaction_id))


async def noted(
    stores: Stores,
    progress: CallbackProgress = REFUSED,
    transaction_id: str = TRANSACTION,
    now: int = START,
) -> None:
    """An attempt on it has ended."""
    lease = now + next(_LEASES)
    member = due_member(DueKind.CALLBACK, transaction_id)
    await stores.commands.call("ZADD", due_key(partition_of(transaction_id)), lease, member)
    work = DueWork(DueKind.CALLBACK, transaction_id, lease)
    assert await stores.callbacks.note(work, progress, now=now)


async def abandoned(stores: Stores, now: int = START) -> list[Delivery]:
    """All that were given up."""
    return await stores.deliveries.abandoned(client_id=None, limit=10_000, now=now)


async def due(stores: Stores) -> list[Delivery]:
    """All that are due."""
    return await stores.deliveries.due(client_id=None, limit=10_000)


async def test_a_callback_from_due_to_delivered(stores: Stores):
    """Its attempts and when the next is due; once delivered, it is in no list."""
    await decided(stores)
    expected = Delivery(TRANSACTION, CLIENT, DeliveryState.DUE, 0, START)
    assert await due(stores) == [expected]
    await noted(stores, CallbackProgress(CallbackState.DUE, 1, again_at=START + 5_000))
    again = replace(expected, attempts=1, at=START + 5_000)
    assert await due(stores) == [again]
    found = await stores.deliveries.find(TRANSACTION, now=START)
    assert found == FoundDelivery(
        again, State.APPROVED, is_kept=True, kept_until=EXPIRES_AT + KEPT_AFTER_EXPIRY_MS
    )
    await noted(stores, CallbackProgress(CallbackState.DELIVERED, 2))
    assert (await due(stores), await abandoned(stores)) == ([], [])
    found = await stores.deliveries.find(TRANSACTION, now=START)
    assert found is not None
    assert (found.delivery.state, found.delivery.at) == (DeliveryState.DELIVERED, None)
    assert not found.is_kept
    outcome = await stores.deliveries.redeliver(TRANSACTION, operation="it", now=START)
    assert outcome is Redelivery.NOT_ABANDONED


async def test_an_abandoned_callback_is_listed_and_made_due_again(stores: Stores):
    """With its reason; made due, it has what it carried and all its attempts before it."""
    await decided(stores)
    await noted(stores)
    given_up = Delivery(
        TRANSACTION, CLIENT, DeliveryState.ABANDONED, 3, START, AbandonReason.REFUSED
    )
    assert (await due(stores), await abandoned(stores)) == ([], [given_up])
    assert await stores.callbacks.find(TRANSACTION, now=START) is None
    found = await stores.deliveries.find(TRANSACTION, now=START)
    assert found is not None
    assert (found.delivery, found.is_kept) == (given_up, True)
    later = START + 1_000
    outcome = await stores.deliveries.redeliver(TRANSACTION, operation="it", now=later)
    assert outcome is Redelivery.DUE
    assert await abandoned(stores) == []
    assert await due(stores) == [Delivery(TRANSACTION, CLIENT, DeliveryState.DUE, 0, later)]
    ledger = await stores.ledgers.read(TRANSACTION, now=later)
    assert ledger is not None
    told = [(entry.kind, entry.at, entry.reason) for entry in ledger.entries[-2:]]
    assert told == [
        (LedgerKind.CALLBACK_ABANDONED, START, "refused"),
        (LedgerKind.CALLBACK_DUE, later, "redelivered"),
    ]
    assert not ledger.is_complete
    (work,) = [
        work
        for work in await stores.due.claim(PARTITION, now=later, limit=10)
        if work.kind is DueKind.CALLBACK
    ]
    pending = await stores.callbacks.find(work.transaction_id, now=later)
    assert pending is not None
    assert (pending.callback, pending.attempts) == (
        Callback(AUTH_REQ_ID, TOKEN, DeliveryMode.PING),
        0,
    )
    assert await stores.callbacks.note(
        work, CallbackProgress(CallbackState.DELIVERED, 1), now=later
    )
    assert await stores.commands.call("HEXISTS", transaction_key(TRANSACTION), "n") == 0


async def test_a_callback_is_found_with_where_its_request_stands_by_then(stores: Stores):
    """An approval that can be redeemed no more is shown as expired, whatever is written down."""
    await decided(stores)
    end = redeemable_until(expires_at=EXPIRES_AT, approved_at=START)
    for now, state in ((end - 1, State.APPROVED), (end, State.EXPIRED)):
        found = await stores.deliveries.find(TRANSACTION, now=now)
        assert found is not None
        assert found.transaction is state


async def test_it_may_be_given_up_and_made_due_more_than_once(stores: Stores):
    """It is listed once, as it ended last; each wish counts once, however often it is repeated."""
    await decided(stores)
    for number in range(3):
        await noted(stores, now=START + number)
        (listed,) = await abandoned(stores, START + number)
        assert listed.at == START + number
        outcomes = [
            await stores.deliveries.redeliver(TRANSACTION, operation=name, now=START + number)
            for name in (f"wish {number}", f"wish {number}", "another's")
        ]
        assert outcomes == [Redelivery.DUE, Redelivery.DUE, Redelivery.NOT_ABANDONED]
    assert len(await due(stores)) == 1


async def test_what_was_collected_is_not_told_again(stores: Stores):
    """The client polled its tokens after the last attempt; the list still says what happened."""
    await decided(stores)
    await noted(stores)
    await stores.transactions.swap(swap_of(Event.REDEEM, "redemption"))
    outcome = await stores.deliveries.redeliver(TRANSACTION, operation="it", now=START)
    assert outcome is Redelivery.REDEEMED
    found = await stores.deliveries.find(TRANSACTION, now=START)
    assert found is not None
    assert (found.transaction, found.is_kept) == (State.REDEEMED, False)
    assert found.delivery == (await abandoned(stores))[0]
    assert len(await abandoned(stores)) == 1


@pytest.mark.parametrize("state", [CallbackState.ABANDONED, CallbackState.DUE])
async def test_what_nobody_made_until_its_record_ended_is_listed(
    stores: Stores, state: CallbackState
):
    """Whose it was is not known any more; an attempt that ends too late says nothing."""
    await decided(stores)
    await stores.commands.call("DEL", transaction_key(TRANSACTION))
    member, lease = due_member(DueKind.CALLBACK, TRANSACTION), START + 1
    await stores.commands.call("ZADD", due_key(PARTITION), lease, member)
    progress = CallbackProgress(state, 0, again_at=START + 9, reason=AbandonReason.RECORD_GONE)
    work = DueWork(DueKind.CALLBACK, TRANSACTION, lease)
    is_listed = state is CallbackState.ABANDONED
    for _ in range(2):
        assert await stores.callbacks.note(work, progress, now=START) is is_listed
    gone = Delivery(TRANSACTION, "", DeliveryState.ABANDONED, 0, START, AbandonReason.RECORD_GONE)
    assert await abandoned(stores) == ([gone] if is_listed else [])
    assert await stores.commands.call("EXISTS", transaction_key(TRANSACTION)) == 0
    assert await stores.commands.call("ZSCORE", due_key(PARTITION), member) is None


async def test_what_was_collected_meanwhile_is_not_given_up(stores: Stores):
    """Its due work is over, and it is in no list."""
    await decided(stores)
    await noted(stores, CallbackProgress(CallbackState.DELIVERED, 1))
    member, lease = due_member(DueKind.CALLBACK, TRANSACTION), START + 1
    await stores.commands.call("ZADD", due_key(PARTITION), lease, member)
    work = DueWork(DueKind.CALLBACK, TRANSACTION, lease)
    assert not await stores.callbacks.note(work, REFUSED, now=START)
    assert (await due(stores), await abandoned(stores)) == ([], [])
    assert await stores.commands.call("ZSCORE", due_key(PARTITION), member) is None


async def test_tokens_that_were_pushed_in_vain_are_not_pushed_again(stores: Stores):
    """They were revoked; neither they nor whom the callback named are kept."""
    await decided(stores)
    push = Push("recognisable-push", START + 60_000)
    await stores.transactions.swap(swap_of(Event.REDEEM, "redemption", push=push))
    await noted(stores)
    outcome = await stores.deliveries.redeliver(TRANSACTION, operation="it", now=START)
    assert outcome is Redelivery.REDEEMED
    left = await stores.commands.call("HMGET", transaction_key(TRANSACTION), "n", "p")
    assert left == [None, None]
    assert len(await abandoned(stores)) == 1


async def test_what_was_cancelled_is_not_told(stores: Stores):
    """Nothing is kept of it that could be sent."""
    await decided(stores)
    await noted(stores)
    await stores.transactions.swap(swap_of(Event.CANCEL, "cancellation"))
    outcome = await stores.deliveries.redeliver(TRANSACTION, operation="it", now=START)
    assert outcome is Redelivery.NOTHING_KEPT


@pytest.mark.parametrize("event", [Event.CANCEL, Event.REDEEM])
async def test_what_nobody_waits_for_any_more_is_not_due(stores: Stores, event: Event):
    """Cancelled, or collected after the first attempt: no worker comes back for it."""
    await decided(stores)
    await noted(stores, CallbackProgress(CallbackState.DUE, 1, again_at=START + 5_000))
    await stores.transactions.swap(swap_of(event, "it"))
    works = await stores.due.claim(PARTITION, now=START + 5_000, limit=10)
    assert DueKind.CALLBACK not in {work.kind for work in works}


async def test_an_expiry_that_is_not_told_leaves_nothing_to_tell(stores: Stores):
    """Neither the request's name nor the client's token is kept any longer."""
    callback = Callback(AUTH_REQ_ID, TOKEN, DeliveryMode.PING)
    new = replace(new_transaction(), callback=callback)
    await stores.transactions.create(new, operation="create")
    assert await stores.commands.call("HEXISTS", transaction_key(TRANSACTION), "n") == 1
    await stores.transactions.swap(swap_of(Event.EXPIRE, "expiry", now=EXPIRES_AT))
    assert await stores.commands.call("HEXISTS", transaction_key(TRANSACTION), "n") == 0
    assert (await due(stores), await abandoned(stores)) == ([], [])


async def test_what_became_needless_is_said_to_be(stores: Stores):
    """Collected between two attempts: neither due nor given up."""
    await decided(stores)
    await noted(stores, CallbackProgress(CallbackState.DUE, 1, again_at=START + 5_000))
    await stores.transactions.swap(swap_of(Event.REDEEM, "redemption"))
    assert (await due(stores), await abandoned(stores)) == ([], [])
    found = await stores.deliveries.find(TRANSACTION, now=START)
    assert found is not None
    assert found.delivery.state is DeliveryState.NEEDLESS


async def test_a_record_that_is_gone_took_with_it_what_the_callback_carried(stores: Stores):
    """That it was given up is known for longer; nothing can be made of it any more."""
    await decided(stores)
    await noted(stores)
    await stores.commands.call("DEL", transaction_key(TRANSACTION))
    (listed,) = await abandoned(stores)
    assert await stores.deliveries.find(TRANSACTION, now=START) == FoundDelivery(listed)
    outcome = await stores.deliveries.redeliver(TRANSACTION, operation="it", now=START)
    assert outcome is Redelivery.GONE
    member = due_member(DueKind.CALLBACK, TRANSACTION)
    assert await stores.commands.call("ZSCORE", due_key(PARTITION), member) is None


@pytest.mark.parametrize(
    "name", ["", "x", "AAEC", "A" * 22, "é" * 22, "=" * 22, "*", TRANSACTION + "AA", "A" * 10_000]
)
async def test_what_names_no_transaction_is_found_nowhere(stores: Stores, name: str):
    """Whatever an operator may type."""
    assert await stores.deliveries.find(name, now=START) is None
    outcome = await stores.deliveries.redeliver(name, operation="it", now=START)
    assert outcome is Redelivery.GONE


async def test_a_request_that_is_not_decided_has_no_callback_yet(stores: Stores):
    """Nor has one of a client that polls, ever."""
    callback = Callback(AUTH_REQ_ID, TOKEN, DeliveryMode.PING)
    await stores.transactions.create(
        replace(new_transaction(), callback=callback), operation="create"
    )
    polling = transaction_name(1)
    await stores.transactions.create(new_transaction(polling), operation="create")
    await stores.transactions.swap(swap_of(Event.DENY, "denial", transaction_id=polling))
    for name in (TRANSACTION, polling):
        assert await stores.deliveries.find(name, now=START) is None
        outcome = await stores.deliveries.redeliver(name, operation="it", now=START)
        assert outcome is Redelivery.NOT_ABANDONED
    assert await due(stores) == []


async def test_lists_are_ordered_filtered_and_bounded(stores: Stores):
    """The next first, the last given up first; of one client only, and no more than asked for."""
    names = [transaction_name(number * 256 + number) for number in range(6)]
    assert len({partition_of(name) for name in names}) == 6
    clients = [CLIENT, 'a "quoted" \\ client/%d {"t":1}']
    for number, name in enumerate(names):
        await decided(stores, name, client_id=clients[number % 2])
        progress = CallbackProgress(CallbackState.DUE, 1, again_at=START + 9 - number)
        await noted(stores, progress, name)
    found = await due(stores)
    assert [each.transaction_id for each in found] == names[::-1]
    for client in clients:
        own = await stores.deliveries.due(client_id=client, limit=2)
        assert own == [each for each in found if each.client_id == client][:2]
    for number, name in enumerate(names):
        await noted(stores, transaction_id=name, now=START + number)
    given_up = await abandoned(stores)
    assert [each.transaction_id for each in given_up] == names[::-1]
    for client in clients:
        own = await stores.deliveries.abandoned(client_id=client, limit=2, now=START)
        assert own == [each for each in given_up if each.client_id == client][:2]


async def test_what_was_given_up_is_listed_for_seven_days(stores: Stores):
    """Older entries are not shown, and go with the next; the whole list fades by itself."""
    first, second = TRANSACTION, transaction_name(1)
    await decided(stores, first)
    await decided(stores, second)
    await noted(stores, transaction_id=first)
    key = abandoned_key(PARTITION)
    assert await stores.commands.call("PTTL", key) > ABANDONED_KEPT_MS - 60_000
    end = START + ABANDONED_KEPT_MS
    assert len(await abandoned(stores, end)) == 1
    assert await abandoned(stores, end + 1) == []
    await noted(stores, transaction_id=second, now=end + 1)
    assert await stores.commands.call("ZCARD", key) == 1


async def test_the_list_of_a_partition_is_bounded(stores: Stores, monkeypatch: pytest.MonkeyPatch):
    """The oldest entries make room; what they stood for can be made due all the same."""
    monkeypatch.setattr(callbacks_module, "MOST_ABANDONED", 2)
    names = [transaction_name(number) for number in range(3)]
    for number, name in enumerate(names):
        await decided(stores, name)
        await noted(stores, transaction_id=name, now=START + number)
    assert [each.transaction_id for each in await abandoned(stores)] == [names[2], names[1]]
    found = await stores.deliveries.find(names[0], now=START)
    assert found is not None
    assert (found.delivery.state, found.delivery.at) == (DeliveryState.ABANDONED, None)
    outcome = await stores.deliveries.redeliver(names[0], operation="it", now=START)
    assert outcome is Redelivery.DUE


async def test_many_that_are_due_are_all_found(stores: Stores, monkeypatch: pytest.MonkeyPatch):
    """Whatever number of looks at a partition it takes, beside other work."""
    monkeypatch.setattr(deliveries_module, "_SCANNED_AT_ONCE", 100)
    names = [transaction_name(number) for number in range(300)]
    await asyncio.gather(*(decided(stores, name) for name in names))
    assert {each.transaction_id for each in await due(stores)} == set(names)


async def test_a_page_goes_on_among_those_of_one_time(stores: Stores):
    """Then their names say which comes next, so that none is left out and none comes twice."""
    names = [transaction_name(number) for number in range(3)]
    for name in names:
        await decided(stores, name)
    shown, after = [], None
    while page := await stores.deliveries.due(client_id=None, limit=1, after=after):
        shown += page
        after = DeliveryPlace(START, page[-1].transaction_id)
    assert [(each.transaction_id, each.at) for each in shown] == [(name, START) for name in names]


async def test_what_is_delivered_while_a_list_is_read_is_not_in_it(stores: Stores):
    """The record counts, whatever the queue of due work said before it was read."""
    await decided(stores)
    await noted(stores, CallbackProgress(CallbackState.DELIVERED, 1))
    member = due_member(DueKind.CALLBACK, TRANSACTION)
    await stores.commands.call("ZADD", due_key(PARTITION), START, member)
    assert await due(stores) == []


async def test_what_was_given_up_in_another_format_hides_no_other(stores: Stores):
    """Neither what is no JSON nor what is no entry."""
    await decided(stores)
    await noted(stores)
    for member in (b"{", b"{}", b"[" * 3_000):
        await stores.commands.call("ZADD", abandoned_key(PARTITION), START, member)
    assert [each.transaction_id for each in await abandoned(stores)] == [TRANSACTION]


async def test_a_record_of_another_format_hides_no_other(stores: Stores):
    """It is in no list, and asked for by name it is said to be unreadable."""
    other = transaction_name(1)
    await decided(stores)
    await decided(stores, other)
    await noted(stores, transaction_id=other)
    await stores.commands.call("HSET", transaction_key(TRANSACTION), "v", "9")
    assert await due(stores) == []
    assert [each.transaction_id for each in await abandoned(stores)] == [other]
    with pytest.raises(UnknownRecordFormat):
        await stores.deliveries.find(TRANSACTION, now=START)
    with pytest.raises(UnknownRecordFormat):
        await stores.deliveries.redeliver(TRANSACTION, operation="it", now=START)


async def test_lists_hold_no_secret(stores: Stores):
    """Neither the auth_req_id nor the token stands there in clear."""
    await decided(stores)
    await noted(stores)
    held = await stores.commands.call("ZRANGE", abandoned_key(PARTITION), 0, -1)
    held += await stores.commands.call("HVALS", transaction_key(TRANSACTION))
    for secret in (AUTH_REQ_ID, TOKEN):
        assert all(secret.encode() not in value for value in held)


async def claimed(stores: Stores, now: int) -> DueWork:
    """The callback, leased at that time."""
    works = await stores.due.claim(PARTITION, now=now, limit=10)
    (work,) = [each for each in works if each.kind is DueKind.CALLBACK]
    return work


async def test_what_a_client_has_it_has_whoever_holds_the_lease(stores: Stores):
    """A host whose clock is ahead took over too early; the 204 of the other one counts."""
    await decided(stores)
    mine = await claimed(stores, START)
    theirs = await claimed(stores, mine.lease_until)
    delivered = CallbackProgress(CallbackState.DELIVERED, 1, status=204)
    assert await stores.callbacks.note(mine, delivered, now=START)
    refused = CallbackProgress(CallbackState.ABANDONED, 1, reason=AbandonReason.REFUSED)
    assert not await stores.callbacks.note(theirs, refused, now=theirs.lease_until)
    assert (await due(stores), await abandoned(stores)) == ([], [])


async def test_late_word_of_a_push_shortens_no_grant(stores: Stores):
    """Its client used the refresh token before anybody wrote down that it has it."""
    await decided(stores)
    push = Push("recognisable-push", START + 60_000)
    await stores.transactions.swap(swap_of(Event.REDEEM, "redemption", push=push))
    work = await claimed(stores, START)
    used = RefreshTokenRecord("refresh by redemption", REFRESH_UNTIL + 1_000)
    token = AccessTokenRecord("second", access_token(jti="second"))
    assert await stores.grants.refresh(TRANSACTION, used, token, now=START)
    delivered = CallbackProgress(CallbackState.DELIVERED, 1, status=204)
    assert await stores.callbacks.note(work, delivered, now=START)
    ends = await stores.commands.call("PEXPIRETIME", grant_key(TRANSACTION))
    assert ends == used.good_until


async def test_what_was_made_due_again_is_written_down_under_the_lease_of_before(stores: Stores):
    """Hosts' clocks differ: another may lease it until the very millisecond of the last one."""
    await decided(stores)
    before = await claimed(stores, START)
    assert await stores.callbacks.note(before, REFUSED, now=START)
    await stores.deliveries.redeliver(TRANSACTION, operation="it", now=START)
    assert await claimed(stores, START) == before
    delivered = CallbackProgress(CallbackState.DELIVERED, 1, status=204)
    assert await stores.callbacks.note(before, delivered, now=START)
    found = await stores.deliveries.find(TRANSACTION, now=START)
    assert found is not None
    assert found.delivery.state is DeliveryState.DELIVERED


async def test_a_ping_that_only_found_no_place_is_made_although_its_client_polled(stores: Stores):
    """It was never tried: clients count on the first one."""
    await decided(stores)
    await noted(stores, CallbackProgress(CallbackState.DUE, 0, again_at=START + 1_500))
    await stores.transactions.swap(swap_of(Event.REDEEM, "collected"))
    assert await stores.callbacks.find(TRANSACTION, now=START) is not None


async def test_that_a_record_has_gone_is_noted_once(stores: Stores):
    """And answered alike when the reply was lost."""
    await decided(stores)
    work = await claimed(stores, START)
    await stores.commands.call("DEL", transaction_key(TRANSACTION))
    gone = CallbackProgress(CallbackState.ABANDONED, 0, reason=AbandonReason.RECORD_GONE)
    for _ in range(2):
        assert await stores.callbacks.note(work, gone, now=START)
    assert [each.reason for each in await abandoned(stores)] == [AbandonReason.RECORD_GONE]
