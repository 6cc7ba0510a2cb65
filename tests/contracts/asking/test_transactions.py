"""Transactions: stored with their due work, owned by their client, changed once by one winner."""

import asyncio
from dataclasses import replace

import pytest

from ciba_service.ports import (
    LEASE_MS,
    DueKind,
    DueWork,
    PollStatus,
    Swap,
    SwapResult,
    UnknownRecordFormat,
)
from ciba_service.protocol.transaction.state import Event, State
from ciba_service.sca.messages import DenialReason
from ciba_service.stores.asking.transactions import KEPT_AFTER_EXPIRY_MS
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import access_token_key, grant_key, transaction_key
from tests.contracts.store_builders import (
    CLIENT,
    EXPIRES_AT,
    PARTITION,
    REFRESH_UNTIL,
    START,
    TAG,
    TRANSACTION,
    Stores,
    access_token,
    decided_by,
    new_transaction,
    processes,
    stored_request,
    swap_of,
    transaction_name,
)


async def events(stores: Stores, *happening: Event, now: int = START) -> SwapResult:
    """Let events happen, each under an operation of its own; the result of the last."""
    result = SwapResult(won=False, state=None)
    for event in happening:
        result = await stores.transactions.swap(swap_of(event, f"first {event}", now=now))
    return result


async def test_a_new_transaction_is_pending_with_its_work_due(stores: Stores):
    """Record and due work are there together: announce at once, expire at the deadline."""
    await stores.transactions.create(new_transaction(), operation="create")
    found = await stores.transactions.read(TRANSACTION, now=START)
    assert found is not None
    assert (found.state, found.client_id, found.user_tag) == (State.PENDING, CLIENT, TAG)
    assert (found.request, found.decided, found.decision) == (stored_request(), None, "")
    assert found.expires_at == EXPIRES_AT
    (announce,) = await stores.due.claim(PARTITION, now=START, limit=10)
    assert (announce.kind, announce.transaction_id) == (DueKind.ANNOUNCE, TRANSACTION)
    await stores.due.finish(announce)
    (expire,) = await stores.due.claim(PARTITION, now=EXPIRES_AT, limit=10)
    assert expire.kind is DueKind.EXPIRE


async def test_a_name_drawn_twice_is_never_overwritten(stores: Stores):
    """Another operation that draws the same name fails, and the first record stays."""
    await stores.transactions.create(new_transaction(), operation="create")
    with pytest.raises(AssertionError):
        await stores.transactions.create(
            new_transaction(expires_at=EXPIRES_AT + 1), operation="another"
        )
    found = await stores.transactions.read(TRANSACTION, now=START)
    assert found is not None
    assert found.expires_at == EXPIRES_AT


async def test_what_was_never_stored_is_not_found(stores: Stores):
    """Reading, polling and swapping an unknown name say so and write nothing."""
    name = transaction_name(7)
    assert await stores.transactions.read(name, now=START) is None
    reply = await stores.transactions.poll(name, client_id=CLIENT, operation="p", now=START)
    assert reply.status is PollStatus.UNKNOWN
    result = await stores.transactions.swap(swap_of(Event.DENY, "op", transaction_id=name))
    assert result == SwapResult(won=False, state=None)
    await stores.transactions.forget_poll(name, operation="p")
    assert await stores.commands.call("EXISTS", transaction_key(name)) == 0


@pytest.mark.clause("ciba-10.1-2", "ciba-11-9")
@pytest.mark.parametrize(
    "happened",
    [(), (Event.APPROVE,), (Event.DENY,), (Event.CANCEL,), (Event.APPROVE, Event.REDEEM)],
    ids=["pending", "approved", "denied", "cancelled", "redeemed"],
)
@pytest.mark.parametrize("now", [START, EXPIRES_AT], ids=["open", "expired"])
async def test_another_clients_transaction_is_none_of_ones_own(
    stores: Stores, happened: tuple[Event, ...], now: int
):
    """A client learns nothing of, and does nothing to, what it did not start."""
    await stores.transactions.create(new_transaction(), operation="create")
    await events(stores, *happened)
    before = await stores.commands.call("HGETALL", transaction_key(TRANSACTION))
    reply = await stores.transactions.poll(
        TRANSACTION, client_id="other-till", operation="poll", now=now
    )
    assert (reply.status, reply.transaction) == (PollStatus.FOREIGN, None)
    assert await stores.commands.call("HGETALL", transaction_key(TRANSACTION)) == before


async def test_an_approval_is_what_the_client_collects(stores: Stores):
    """A poll after the approval carries the request, what was proved, and who decided."""
    await stores.transactions.create(new_transaction(), operation="create")
    assert await events(stores, Event.APPROVE) == SwapResult(won=True, state=State.APPROVED)
    reply = await stores.transactions.poll(TRANSACTION, client_id=CLIENT, operation="p", now=START)
    assert reply.status is PollStatus.SETTLED
    assert reply.transaction is not None
    assert reply.transaction.state is State.APPROVED
    assert reply.transaction.request == stored_request()
    assert reply.transaction.decided == decided_by("first approve")
    assert reply.transaction.decision == "first approve"


async def test_a_denial_remembers_its_decision(stores: Stores):
    """The resent denial is recognised by its operation."""
    await stores.transactions.create(new_transaction(), operation="create")
    await events(stores, Event.DENY)
    found = await stores.transactions.read(TRANSACTION, now=START)
    assert found is not None
    assert (found.state, found.decision) == (State.DENIED, "first deny")


async def test_the_reason_of_a_failure_is_kept(stores: Stores):
    """What failed is written with its reason."""
    await stores.transactions.create(new_transaction(), operation="create")
    await events(stores, Event.FAIL)
    assert await stores.commands.call("HGET", transaction_key(TRANSACTION), "f") == b"gate_refused"


@pytest.mark.parametrize(
    ("first", "second"),
    [(Event.APPROVE, Event.DENY), (Event.DENY, Event.APPROVE), (Event.APPROVE, Event.APPROVE)],
)
async def test_a_second_decision_changes_nothing(stores: Stores, first: Event, second: Event):
    """The first decision stands, whatever the second is."""
    await stores.transactions.create(new_transaction(), operation="create")
    await events(stores, first)
    before = await stores.commands.call("HGETALL", transaction_key(TRANSACTION))
    result = await stores.transactions.swap(swap_of(second, "second"))
    assert result == SwapResult(won=False, state=State(before[b"s"].decode()))
    assert await stores.commands.call("HGETALL", transaction_key(TRANSACTION)) == before


async def test_a_decision_replaces_the_expiry_by_settling(stores: Stores):
    """Once decided, nothing is left to expire; the prompt is to be withdrawn now."""
    await stores.transactions.create(new_transaction(), operation="create")
    (announce,) = await stores.due.claim(PARTITION, now=START, limit=10)
    await stores.due.finish(announce)
    await events(stores, Event.DENY)
    works = await stores.due.claim(PARTITION, now=EXPIRES_AT + 1, limit=10)
    assert [work.kind for work in works] == [DueKind.SETTLE]


async def test_who_withdraws_the_prompt_itself_has_the_lease_of_that(stores: Stores):
    """Nobody else does it meanwhile, and somebody does when its time is over."""
    await stores.transactions.create(new_transaction(), operation="create")
    (announce,) = await stores.due.claim(PARTITION, now=START, limit=10)
    await stores.due.finish(announce)
    until = START + LEASE_MS
    await stores.transactions.swap(replace(swap_of(Event.DENY, "deny"), settled_until=until))
    assert await stores.due.claim(PARTITION, now=until - 1, limit=10) == []
    await stores.due.finish(DueWork(DueKind.SETTLE, TRANSACTION, START))
    (settle,) = await stores.due.claim(PARTITION, now=until, limit=10)
    assert settle.kind is DueKind.SETTLE


async def test_a_redemption_stores_hashes_and_forgets_the_request(stores: Stores):
    """The grant lives as long as its tokens; what was asked is no longer there."""
    await stores.transactions.create(new_transaction(), operation="create")
    assert await events(stores, Event.APPROVE, Event.REDEEM) == SwapResult(
        won=True, state=State.REDEEMED
    )
    found = await stores.transactions.read(TRANSACTION, now=START)
    assert found is not None
    assert (found.state, found.request, found.decided) == (State.REDEEMED, None, None)
    grant = await stores.commands.call("HGETALL", grant_key(TRANSACTION))
    assert (grant[b"v"], grant[b"r"]) == (b"2", b"refresh by first redeem")
    ends = await stores.commands.call("PEXPIRETIME", grant_key(TRANSACTION))
    assert ends == REFRESH_UNTIL
    token = access_token_key(TRANSACTION, "access by first redeem")
    assert await stores.commands.call("PEXPIRETIME", token) == access_token().exp * 1000


async def test_a_losing_redemption_stores_nothing(stores: Stores):
    """Without an approval there is no grant, and after one redemption no second."""
    await stores.transactions.create(new_transaction(), operation="create")
    assert await events(stores, Event.REDEEM) == SwapResult(won=False, state=State.PENDING)
    assert await stores.commands.call("EXISTS", grant_key(TRANSACTION)) == 0
    await events(stores, Event.APPROVE, Event.REDEEM)
    result = await stores.transactions.swap(swap_of(Event.REDEEM, "second redeem"))
    assert result == SwapResult(won=False, state=State.REDEEMED)
    kept = await stores.commands.call("HGET", grant_key(TRANSACTION), "r")
    assert kept == b"refresh by first redeem"


@pytest.mark.clause("ciba-11-8")
async def test_the_record_outlives_its_expiry(stores: Stores):
    """The answer stays right for ten minutes after the deadline, and then the key is gone."""
    await stores.transactions.create(new_transaction(), operation="create")
    ends = await stores.commands.call("PEXPIRETIME", transaction_key(TRANSACTION))
    assert ends == EXPIRES_AT + KEPT_AFTER_EXPIRY_MS
    late = await stores.transactions.read(TRANSACTION, now=EXPIRES_AT)
    assert late is not None
    assert late.state is State.EXPIRED


@pytest.mark.parametrize("denial", DenialReason)
async def test_the_reason_of_a_denial_is_kept(stores: Stores, denial: DenialReason):
    """Whoever comes back for it later must know whether the user said that it was not them."""
    await stores.transactions.create(new_transaction(), operation="create")
    await stores.transactions.swap(replace(swap_of(Event.DENY, "denial"), denial=denial))
    found = await stores.transactions.read(TRANSACTION, now=START)
    assert found is not None
    assert found.denial is denial


async def test_a_forgotten_poll_never_happened(stores: Stores):
    """After it is undone the throttle is as before; one that was not the last stays counted."""
    poll = stores.transactions.poll
    await stores.transactions.create(new_transaction(), operation="create")
    await poll(TRANSACTION, client_id=CLIENT, operation="first", now=START)
    early = await poll(TRANSACTION, client_id=CLIENT, operation="second", now=START + 10)
    assert early.status is PollStatus.SLOW_DOWN
    await stores.transactions.forget_poll(TRANSACTION, operation="first")
    kept = await stores.commands.call("HMGET", transaction_key(TRANSACTION), "i", "l")
    assert kept == [b"10000", b"%d" % (START + 10)]
    await stores.transactions.forget_poll(TRANSACTION, operation="second")
    kept = await stores.commands.call("HMGET", transaction_key(TRANSACTION), "i", "l")
    assert kept == [b"5000", b"%d" % START]
    again = await poll(TRANSACTION, client_id=CLIENT, operation="second", now=START + 5_000)
    assert again.status is PollStatus.PENDING


async def test_the_first_poll_is_free_again_once_it_is_forgotten(stores: Stores):
    """A request that failed authentication does not use up the free poll."""
    await stores.transactions.create(new_transaction(), operation="create")
    for operation in ("first", "second"):
        reply = await stores.transactions.poll(
            TRANSACTION, client_id=CLIENT, operation=operation, now=START
        )
        assert reply.status is PollStatus.PENDING
        await stores.transactions.forget_poll(TRANSACTION, operation=operation)


@pytest.mark.clause("ciba-10.1.1-2", "sca-art4-2")
async def test_of_fifty_redemptions_at_once_one_wins(redis_target: RedisTarget):
    """Five processes redeem ten times each, all at once: one grant, one winner."""
    async with processes(redis_target, 5) as several:
        await several[0].transactions.create(new_transaction(), operation="create")
        await events(several[0], Event.APPROVE)
        results = await asyncio.gather(
            *(
                stores.transactions.swap(swap_of(Event.REDEEM, f"redemption {number} of {process}"))
                for process, stores in enumerate(several)
                for number in range(10)
            )
        )
        winners = [number for number, result in enumerate(results) if result.won]
        assert len(results) == 50
        assert len(winners) == 1
        assert {result.state for result in results} == {State.REDEEMED}
        process, number = divmod(winners[0], 10)
        stored = await several[0].commands.call("HGET", grant_key(TRANSACTION), "r")
        assert stored == f"refresh by redemption {number} of {process}".encode()


async def test_of_fifty_decisions_at_once_one_stands(redis_target: RedisTarget):
    """Approvals and denials from several phones race; the winner's decision is the only one."""
    async with processes(redis_target, 5) as several:
        await several[0].transactions.create(new_transaction(), operation="create")
        kinds = (Event.APPROVE, Event.DENY)
        swaps = [swap_of(kinds[number % 2], f"decision {number}") for number in range(50)]
        results = await asyncio.gather(
            *(several[number % 5].transactions.swap(swap) for number, swap in enumerate(swaps))
        )
        (winner,) = [swap for swap, result in zip(swaps, results, strict=True) if result.won]
        found = await several[0].transactions.read(TRANSACTION, now=START)
        assert found is not None
        assert found.decision == winner.operation


@pytest.mark.parametrize("version", ["1", "3", "", "2 "])
async def test_a_record_of_another_format_is_refused_and_left_alone(stores: Stores, version: str):
    """Reading, polling and swapping refuse it cleanly; not a byte of it changes."""
    await stores.transactions.create(new_transaction(), operation="create")
    await stores.commands.call("HSET", transaction_key(TRANSACTION), "v", version)
    before = await stores.commands.call("HGETALL", transaction_key(TRANSACTION))
    with pytest.raises(UnknownRecordFormat):
        await stores.transactions.read(TRANSACTION, now=START)
    with pytest.raises(UnknownRecordFormat):
        await stores.transactions.poll(TRANSACTION, client_id=CLIENT, operation="p", now=START)
    for event in Event:
        with pytest.raises(UnknownRecordFormat):
            await stores.transactions.swap(Swap(TRANSACTION, event, "op", START))
    assert await stores.commands.call("HGETALL", transaction_key(TRANSACTION)) == before


@pytest.mark.parametrize(
    "hostile",
    ["'; redis.call('FLUSHALL') --", "}:x{p1", "\r\nFLUSHALL\r\n", "\0", "'] or 1", "%d%s", "🂡é"],
)
async def test_hostile_values_stay_values(stores: Stores, hostile: str):
    """What clients and phones send is data to the scripts, whatever it looks like."""
    await stores.transactions.create(new_transaction(), operation=hostile)
    await stores.transactions.create(new_transaction(), operation=hostile)
    reply = await stores.transactions.poll(
        TRANSACTION, client_id=hostile, operation=hostile, now=START
    )
    assert reply.status is PollStatus.FOREIGN
    await stores.transactions.poll(TRANSACTION, client_id=CLIENT, operation=hostile, now=START)
    result = await stores.transactions.swap(swap_of(Event.APPROVE, hostile))
    assert result == SwapResult(won=True, state=State.APPROVED)
    found = await stores.transactions.read(TRANSACTION, now=START)
    assert found is not None
    assert found.decision == hostile
