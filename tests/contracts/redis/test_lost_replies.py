"""A reply is lost after its script ran; the retry gets the first result, and it happened once.

Each case runs twice on equal stores: undisturbed, and with the reply dropped. Results and
everything the server then holds must be equal to the byte.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from importlib import resources
from types import ModuleType

import pytest

from ciba_service.ports import (
    AccessTokenRecord,
    Activation,
    CallbackProgress,
    DueKind,
    DueSet,
    DueWork,
    EvidenceBatch,
    Push,
    QueuedRecord,
    RecordKey,
    RefreshTokenRecord,
    ReplayKind,
)
from ciba_service.ports.phones.notices import Notice, NoticeKind
from ciba_service.ports.phones.wake_up import WakeUpCall, WakeUpRound
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.operators.sessions import MOST_SESSIONS
from ciba_service.protocol.security_events.kinds import FactorsUnlocked
from ciba_service.protocol.security_events.record import record_of
from ciba_service.protocol.transaction.callbacks import AbandonReason, CallbackState
from ciba_service.protocol.transaction.ledger import LedgerKind
from ciba_service.protocol.transaction.state import Event
from ciba_service.sca.factors.passkey_proofs import VerifiedPasskey
from ciba_service.sca.messages import key_thumbprint
from ciba_service.sca.phones.accesses import MAXIMUM_ACCESSES
from ciba_service.sca.phones.wake_up import PushAddress
from ciba_service.sca.records.evidence_chain import GENESIS, ChainHead
from ciba_service.stores.asking import budgets, ledger, prompts, standing, transactions, user_codes
from ciba_service.stores.clients import registrations, replay
from ciba_service.stores.driver.script import Script
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.due import callbacks, deliveries, due
from ciba_service.stores.due.due import LEASE_MS
from ciba_service.stores.evidence import evidence_queue
from ciba_service.stores.operators import operator_sessions, recent_events, set_outbox
from ciba_service.stores.phones import (
    activations,
    attempts,
    devices,
    login_handles,
    notices,
    presence,
    waiting_devices,
    wake_ups,
)
from ciba_service.stores.tokens import accesses, grants, payments
from tests.contracts.store_builders import (
    CLIENT,
    EXPIRES_AT,
    PARTITION,
    PASSKEY,
    PHONE_JWK,
    REFRESH_UNTIL,
    START,
    TAG,
    TRANSACTION,
    Stores,
    access_token,
    dump,
    evidence,
    new_phone,
    new_transaction,
    registration,
    remove_all,
    stores_at,
    swap_of,
    transaction_name,
    with_callback,
)
from tests.redis.reply_dropping_proxy import reply_dropping

PHONE = new_phone().device_id
HANDLE = "ciba-handle:" + "A" * 22
CODE, SECRET = "K7QM2RXP9D4T", "482913"
UNTIL = START + 600_000
MODULES: tuple[ModuleType, ...] = (
    accesses,
    activations,
    attempts,
    budgets,
    callbacks,
    deliveries,
    devices,
    due,
    evidence_queue,
    grants,
    ledger,
    login_handles,
    notices,
    operator_sessions,
    payments,
    presence,
    prompts,
    registrations,
    recent_events,
    replay,
    set_outbox,
    standing,
    transactions,
    user_codes,
    waiting_devices,
    wake_ups,
)
SCRIPTS = {
    script.name: script
    for module in MODULES
    for script in vars(module).values()
    if isinstance(script, Script)
}

Act = Callable[[Stores], Awaitable[object]]


async def nothing(stores: Stores) -> None:
    """Prepare nothing."""


def in_a_row(*acts: Act) -> Act:
    """One act after the other; the result of the last."""

    async def together(stores: Stores) -> object:
        result: object = None
        for act in acts:
            result = await act(stores)
        return result

    return together


async def create(stores: Stores) -> object:
    """Store the transaction."""
    return await stores.transactions.create(new_transaction(), operation="create")


async def create_with_callback(stores: Stores) -> object:
    """Store a transaction whose client is to be told."""
    new = with_callback(DeliveryMode.PUSH)
    return await stores.transactions.create(new, operation="create")


async def push(stores: Stores) -> object:
    """Redeem with what is to be pushed."""
    what = Push("recognisable-push", UNTIL)
    return await stores.transactions.swap(swap_of(Event.REDEEM, "redeem it", push=what))


async def claim(stores: Stores) -> object:
    """Lease whatever is due."""
    return await stores.due.claim(PARTITION, now=START, limit=10)


def note(progress: CallbackProgress) -> Act:
    """Write down how a callback stands, under the lease."""
    work = DueWork(DueKind.CALLBACK, TRANSACTION, START + LEASE_MS)
    return lambda stores: stores.callbacks.note(work, progress, now=START)


async def use_identifier(stores: Stores) -> object:
    """Use up the identifier of an assertion."""
    return await stores.replays.reserve(
        ReplayKind.CLIENT_ASSERTION, "till", "jti", operation="use", until=START
    )


def poll(operation: str, now: int = START) -> Act:
    """Poll it."""
    return lambda stores: stores.transactions.poll(
        TRANSACTION, client_id=CLIENT, operation=operation, now=now
    )


def swap(event: Event, now: int = START) -> Act:
    """Let an event happen."""
    return lambda stores: stores.transactions.swap(swap_of(event, f"{event} it", now=now))


async def with_evidence(stores: Stores) -> object:
    """Approve and queue evidence of it."""
    return await stores.transactions.swap(
        replace(swap_of(Event.APPROVE, "approve it"), evidence=evidence())
    )


async def claim_evidence(stores: Stores) -> EvidenceBatch | None:
    """Lease what waits."""
    return await stores.evidence.claim(PARTITION, now=START)


def commit_evidence(fence: int) -> Act:
    """Trim one record under a lease."""
    records = (QueuedRecord("", RecordKey("", "", "")),)
    batch = EvidenceBatch(PARTITION, fence, GENESIS, records, START, is_full=False)
    return lambda stores: stores.evidence.commit(batch, ChainHead(1, "1" * 64))


SET = record_of(FactorsUnlocked(user=TAG), entropy=bytes(16), now=START)


async def put_set(stores: Stores) -> object:
    """Let an event wait for its push."""
    return await stores.outbox.put([SET], now=START)


async def put_recent_events(stores: Stores) -> object:
    """Keep an event for operators."""
    await stores.recent_events.put([SET], now=START)
    return await stores.recent_events.after(0, limit=10)


async def claim_set(stores: Stores) -> object:
    """Lease it."""
    return await stores.outbox.claim(now=START, limit=10)


def settle_set(again: int = 0) -> Act:
    """Say what came of the push."""
    leased = DueSet(SET, 0, START + set_outbox.LEASE_MS)

    async def settle(stores: Stores) -> object:
        if again:
            return await stores.outbox.put_off(leased, until=again)
        return await stores.outbox.finish(leased)

    return settle


async def announced(stores: Stores) -> object:
    """Write down that the phones are told."""
    return await stores.ledgers.announced(TRANSACTION, now=START)


async def receipt(stores: Stores) -> object:
    """Write down that a phone shows it."""
    return await stores.ledgers.receipt(TRANSACTION, TAG, PHONE, LedgerKind.SHOWN, now=START)


async def redeemed(stores: Stores) -> object:
    """A grant."""
    return await in_a_row(create, swap(Event.APPROVE), swap(Event.REDEEM))(stores)


def refresh(redemption: str) -> Act:
    """Refresh the grant with the refresh token of a redemption."""
    return lambda stores: stores.grants.refresh(
        TRANSACTION,
        RefreshTokenRecord(f"refresh by {redemption}", REFRESH_UNTIL + 1),
        AccessTokenRecord("second access", access_token(jti="second")),
        now=START,
    )


def reserve_access(number: int, later: int = 0) -> Act:
    """Keep a place for an access that lasts."""
    return lambda stores: stores.accesses.reserve(
        TAG, transaction_name(number), now=START, until=UNTIL + number + later
    )


def execute_payment(operation: str) -> Act:
    """Execute the payment of the grant."""
    return lambda stores: stores.payments.execute(
        TRANSACTION, "access by redeem it", operation=operation, until=UNTIL
    )


async def enrol(stores: Stores) -> object:
    """Enrol a phone."""
    return await stores.devices.add(
        TAG, new_phone(), PHONE_JWK, further=True, operation="enrolment"
    )


async def let_wait(stores: Stores) -> object:
    """Let a further phone wait."""
    return await stores.waiting_devices.put(
        TAG, new_phone(2), PHONE_JWK, until=UNTIL, now=START, operation="enrolment of the second"
    )


async def approve(stores: Stores) -> object:
    """Approve it."""
    return await stores.waiting_devices.approve(
        new_phone(2).device_id,
        key=key_thumbprint(PHONE_JWK),
        asking=PHONE,
        now=START,
        operation="order",
    )


async def reject(stores: Stores) -> object:
    """Turn it away."""
    return await stores.waiting_devices.reject(
        new_phone(2).device_id, asking=PHONE, operation="rejection", now=START
    )


async def set_wake_up(stores: Stores) -> object:
    """Say where the phone is woken."""
    return await stores.wake_ups.put(PHONE, PushAddress("https://push.example/1", "p", "a"))


async def wake_up_due(stores: Stores) -> object:
    """A pending transaction whose user is to be woken."""
    await create(stores)
    return await stores.due.add(DueKind.WAKE, TRANSACTION, at=LEASE_MS)


def note_wake_up(again_at: int | None) -> Act:
    """Write down that the phone was woken, or is to be woken again."""
    work = DueWork(DueKind.WAKE, TRANSACTION, LEASE_MS)
    found = WakeUpRound(WakeUpCall(TRANSACTION, EXPIRES_AT), 0, ())
    settled = [PHONE] if again_at is None else []
    return lambda stores: stores.wake_ups.note(work, found, settled=settled, again_at=again_at)


def change_pin(operation: str) -> Act:
    """Change the PIN of the phone."""
    return lambda stores: stores.devices.change_pin(new_phone(), bytes(32), operation=operation)


async def put_notice(stores: Stores) -> object:
    """Keep that a phone was revoked."""
    notice = Notice(NoticeKind.REVOKED, PHONE, "Phone")
    return await stores.notices.put(TAG, notice, now=START)


async def put_code(stores: Stores) -> object:
    """Store an activation code."""
    return await stores.activations.put(
        CODE, Activation("alice", further=False), SECRET, until=UNTIL
    )


def try_code(secret: str) -> Act:
    """Try the activation code."""
    return lambda stores: stores.activations.attempt(CODE, secret, operation="enrolment")


def spend(step: int, operation: str) -> Act:
    """Spend a time step."""
    return lambda stores: stores.attempts.spend_step(PHONE, step, operation=operation)


def spend_count(count: int, operation: str) -> Act:
    """Spend a sign count of a passkey."""
    verified = VerifiedPasskey(PASSKEY, count)
    return lambda stores: stores.attempts.spend_count(PHONE, verified, operation=operation)


async def add_passkey(stores: Stores) -> object:
    """Register a passkey."""
    return await stores.devices.add_passkey(new_phone(), PASSKEY)


def reserve_attempt(operation: str) -> Act:
    """Reserve an attempt."""
    return lambda stores: stores.attempts.reserve(
        TAG, operation=operation, knowledge=True, now=START
    )


def open_session(session: str) -> Act:
    """Open a session of an operator."""

    async def opening(stores: Stores) -> object:
        return await stores.operator_sessions.open("token", session, now=START, until=UNTIL)

    return opening


async def report_presence(stores: Stores) -> object:
    """Say how many phones a process has."""
    return await stores.presence.report("one", 3, now=START, until=UNTIL)


async def reserve_handle(stores: Stores) -> object:
    """Let a handle count."""
    return await stores.login_handles.reserve(HANDLE, new_phone(), now=START, until=UNTIL)


def use_handle(operation: str) -> Act:
    """Find the handle and use it."""

    async def use(stores: Stores) -> object:
        found = await stores.login_handles.find(HANDLE)
        assert found is not None
        return await stores.login_handles.use(found, operation=operation, now=START)

    return use


@dataclass(frozen=True)
class Case:
    """What is done after what, and whose reply is lost."""

    script: str
    act: Act
    prepare: Act = nothing
    note: str = ""

    @property
    def name(self) -> str:
        """How pytest calls it."""
        return f"{self.script} {self.note}".strip()


def replace_client(name: str, operation: str) -> Act:
    """Replace the registration of the shop."""
    return lambda stores: stores.registrations.replace(
        registration(client_name=name), operation=operation
    )


async def add_client(stores: Stores) -> object:
    """Register the shop."""
    return await stores.registrations.add(registration())


async def reserve_prompt(stores: Stores) -> object:
    """Take a slot."""
    return await stores.prompts.reserve(TAG, CLIENT, TRANSACTION, now=START, until=EXPIRES_AT)


def block(transaction_id: str) -> Act:
    """Block the till because of a transaction."""
    return lambda stores: stores.standing.block(TAG, CLIENT, transaction_id, now=START, until=UNTIL)


CASES = [
    Case("replace_client", replace_client("Another", "update"), add_client),
    Case("replace_client", replace_client("Another", "update"), note="of nobody"),
    Case(
        "remove_client",
        lambda stores: stores.registrations.remove("shop", operation="removal"),
        add_client,
    ),
    Case("use_identifier", use_identifier),
    Case("create_transaction", create),
    Case("note_announced", announced, create, "pending"),
    Case("note_announced", announced, in_a_row(create, swap(Event.DENY)), "decided"),
    Case("note_receipt", receipt, create, "pending"),
    Case("note_receipt", receipt, in_a_row(create, swap(Event.DENY)), "decided"),
    Case("poll", poll("first"), create, "free"),
    Case("poll", poll("second", START + 1), in_a_row(create, poll("first")), "too early"),
    Case(
        "forget_poll",
        lambda stores: stores.transactions.forget_poll(TRANSACTION, operation="second"),
        in_a_row(create, poll("first"), poll("second", START + 1)),
    ),
    *(
        Case("swap", swap(event), create, f"{event} while pending")
        for event in Event
        if event not in {Event.EXPIRE, Event.REDEEM}
    ),
    *(
        Case("swap", swap(event), in_a_row(create, swap(Event.APPROVE)), f"{event} once approved")
        for event in (Event.REDEEM, Event.FAIL, Event.CANCEL)
    ),
    Case("swap", swap(Event.EXPIRE, EXPIRES_AT), create, "expire"),
    Case("swap", swap(Event.DENY), in_a_row(create, swap(Event.APPROVE)), "refused"),
    Case("swap", swap(Event.DENY), create_with_callback, "with a callback"),
    Case(
        "swap", swap(Event.EXPIRE, EXPIRES_AT), create_with_callback, "telling of expiry"
    ),
    Case("put_set", put_set),
    Case("put_recent_events", put_recent_events),
    Case("claim_due", claim_set, put_set, "of sets"),
    Case("settle_set", settle_set(), in_a_row(put_set, claim_set)),
    Case("settle_set", settle_set(START + 5), in_a_row(put_set, claim_set), "again"),
    Case("swap", with_evidence, create, "with evidence"),
    Case("claim_evidence", claim_evidence, in_a_row(create, with_evidence)),
    Case("claim_evidence", claim_evidence, note="of nothing"),
    Case(
        "count_evidence",
        lambda stores: stores.evidence.partitions(),
        in_a_row(create, with_evidence),
    ),
    Case("count_due", lambda stores: stores.due.partitions_with_work(now=START), create),
    Case(
        "commit_evidence",
        commit_evidence(1),
        in_a_row(create, with_evidence, claim_evidence),
    ),
    Case(
        "commit_evidence",
        commit_evidence(0),
        in_a_row(create, with_evidence, claim_evidence),
        "without the lease",
    ),
    Case("swap", push, in_a_row(create_with_callback, swap(Event.APPROVE)), "with a push"),
    Case(
        "extend_due",
        lambda stores: stores.due.extend(
            DueWork(DueKind.ANNOUNCE, TRANSACTION, START + LEASE_MS), until=START + 2 * LEASE_MS
        ),
        in_a_row(create, claim),
    ),
    *(
        Case(
            "note_callback",
            note(progress),
            in_a_row(create_with_callback, swap(Event.DENY), claim),
            progress.state,
        )
        for progress in (
            CallbackProgress(CallbackState.DELIVERED, 1, status=204),
            CallbackProgress(CallbackState.DUE, 1, again_at=START + 5_000, status=500),
            CallbackProgress(CallbackState.ABANDONED, 3, reason=AbandonReason.REFUSED),
        )
    ),
    Case(
        "redeliver_callback",
        lambda stores: stores.deliveries.redeliver(TRANSACTION, operation="it", now=START),
        in_a_row(
            create_with_callback,
            swap(Event.DENY),
            claim,
            note(CallbackProgress(CallbackState.ABANDONED, 3, reason=AbandonReason.REFUSED)),
        ),
    ),
    Case(
        "claim_due", lambda stores: stores.due.claim(PARTITION, now=START, limit=10), create
    ),
    Case(
        "finish_due",
        lambda stores: stores.due.finish(
            DueWork(DueKind.ANNOUNCE, TRANSACTION, START + LEASE_MS)
        ),
        in_a_row(create, lambda stores: stores.due.claim(PARTITION, now=START, limit=10)),
    ),
    Case(
        "reserve_prompt",
        reserve_prompt,
        enrol,
    ),
    Case("reserve_attempt", reserve_attempt("second"), reserve_attempt("first")),
    Case(
        "count_in_window",
        lambda stores: stores.user_codes.reserve(TAG, CLIENT, operation="it", now=START),
    ),
    Case(
        "take_back_prompt",
        lambda stores: stores.prompts.take_back(TAG, CLIENT, TRANSACTION),
        in_a_row(enrol, reserve_prompt),
    ),
    Case(
        "prompt_approved",
        lambda stores: stores.standing.approved(TAG, CLIENT, TRANSACTION),
        in_a_row(enrol, reserve_prompt),
    ),
    Case("block_client", block(TRANSACTION)),
    Case("block_client", block(TRANSACTION), block(transaction_name(7)), "blocked before"),
    Case(
        "unblock_client",
        lambda stores: stores.standing.unblock(TAG, CLIENT),
        block(TRANSACTION),
    ),
    Case(
        "attempt_succeeded",
        lambda stores: stores.attempts.succeeded(TAG, operation="second"),
        in_a_row(*(reserve_attempt(name) for name in ("first", "second", "third"))),
    ),
    Case(
        "find_grant",
        lambda stores: stores.grants.find(TRANSACTION, "access by redeem it"),
        redeemed,
    ),
    Case("refresh_grant", refresh("redeem it"), redeemed),
    Case("refresh_grant", refresh("another"), redeemed, "refused"),
    Case("reserve_access", reserve_access(0)),
    Case(
        "reserve_access",
        reserve_access(0, later=1),
        in_a_row(*(reserve_access(number) for number in range(MAXIMUM_ACCESSES + 2))),
        "too many",
    ),
    Case("execute_payment", execute_payment("first"), redeemed),
    Case(
        "execute_payment",
        execute_payment("second"),
        in_a_row(redeemed, execute_payment("first")),
        "executed before",
    ),
    Case("execute_payment", execute_payment("first"), create, "nothing granted"),
    Case("spend_step", spend(7, "first"), note="fresh"),
    Case("spend_step", spend(7, "second"), spend(7, "first"), "spent before"),
    Case("spend_count", spend_count(7, "first"), enrol, "fresh"),
    Case(
        "spend_count",
        spend_count(7, "second"),
        in_a_row(enrol, spend_count(7, "first")),
        "spent before",
    ),
    Case("replace_device", add_passkey, enrol, "with a passkey"),
    Case("add_device", enrol),
    Case("revoke_device", lambda stores: stores.devices.revoke(PHONE, now=START), enrol),
    Case(
        "revoke_device",
        lambda stores: stores.devices.revoke_for(PHONE, PHONE, operation="order", now=START),
        enrol,
        "for a phone",
    ),
    Case("replace_device", lambda stores: stores.devices.rename(PHONE, "New"), enrol, "renamed"),
    Case("replace_device", change_pin("order"), enrol, "with another PIN"),
    Case("put_waiting", let_wait, enrol),
    Case("approve_device", approve, in_a_row(enrol, let_wait)),
    Case("reject_device", reject, in_a_row(enrol, let_wait)),
    Case("reserve_handle", reserve_handle, enrol),
    Case("reserve_handle", reserve_handle, note="of nobody's phone"),
    Case("use_handle", use_handle("first"), in_a_row(enrol, reserve_handle), "fresh"),
    Case(
        "use_handle",
        use_handle("second"),
        in_a_row(enrol, reserve_handle, use_handle("first")),
        "used before",
    ),
    Case(
        "suspend_client",
        lambda stores: stores.registrations.suspend("shop", enabled=False),
        lambda stores: stores.registrations.add(registration()),
    ),
    Case("set_wake_up", set_wake_up, enrol),
    Case("drop_wake_up", lambda stores: stores.wake_ups.drop(PHONE), in_a_row(enrol, set_wake_up)),
    Case("note_wake_up", note_wake_up(None), wake_up_due, "woken"),
    Case("note_wake_up", note_wake_up(EXPIRES_AT), wake_up_due, "to be woken again"),
    Case("open_session", open_session("first")),
    Case(
        "open_session",
        open_session("one more"),
        in_a_row(*(open_session(f"session-{number}") for number in range(MOST_SESSIONS))),
        "one too many",
    ),
    Case("report_presence", report_presence),
    Case("put_notice", put_notice),
    Case("put_code", put_code),
    Case("try_code", try_code(SECRET), put_code, "right"),
    Case("try_code", try_code("wrong"), put_code, "wrong"),
    Case("use_code", try_code(SECRET), put_code),
]  # fmt: skip


async def held_after(case: Case, stores: Stores, target: RedisTarget) -> tuple[object, object]:
    """Prepare and act; the result, and everything the server then holds."""
    await case.prepare(stores)
    return await case.act(stores), await dump(target)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_a_lost_reply_changes_neither_result_nor_effect(
    redis_target: RedisTarget, case: Case
):
    """The retry gets the first result under the same operation, and the effect is there once."""
    async with stores_at(redis_target) as stores:
        expected, held = await held_after(case, stores, redis_target)
        await remove_all(stores, list(await dump(redis_target)))
    async with reply_dropping(redis_target) as (proxy, through), stores_at(through) as stores:
        await case.prepare(stores)
        proxy.drop_next_reply(matching=SCRIPTS[case.script].sha.encode())
        result = await case.act(stores)
        assert proxy.dropped == 1
        assert (result, await dump(redis_target)) == (expected, held)


async def test_a_lost_reply_to_a_replay_record_is_no_replay(redis_target: RedisTarget):
    """The request whose first reply was lost is still the first; another is not."""
    async with reply_dropping(redis_target) as (proxy, through), stores_at(through) as stores:
        proxy.drop_next_reply(matching=SCRIPTS["use_identifier"].sha.encode())
        reserve = stores.replays.reserve
        assert await reserve(
            ReplayKind.CLIENT_ASSERTION, "till", "jti", operation="first", until=UNTIL
        )
        assert proxy.dropped == 1
        assert not await reserve(
            ReplayKind.CLIENT_ASSERTION, "till", "jti", operation="second", until=UNTIL
        )


def test_every_script_that_changes_something_is_tested():
    """No script is added without a case: all of them, but for the rules they share."""
    folder = resources.files("ciba_service.stores") / "scripts"
    files = {file.name.removesuffix(".lua") for file in folder.iterdir()}
    assert {case.script for case in CASES} == set(SCRIPTS) == files - {"state", "ledger", "notices"}
