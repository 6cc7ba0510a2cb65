"""What was answered just before the master died: kept with replicas waited for, lost without."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from ciba_service.ports import PaymentOutcome, ReplayKind
from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.transaction.state import Event
from ciba_service.sca.factors.passkey_proofs import VerifiedPasskey
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.replicas import DurableCommands
from ciba_service.stores.driver.script import Script
from ciba_service.stores.driver.target import RedisTarget, ReplicaWait
from tests.contracts.redis.test_lost_replies import MODULES
from tests.contracts.store_builders import (
    CLIENT,
    PASSKEY,
    PHONE_JWK,
    START,
    TAG,
    Stores,
    new_phone,
    new_transaction,
    registration,
    stores_over,
    swap_of,
    transaction_name,
)
from tests.redis.replicated import replicated

WAIT = ReplicaWait(replicas=1, milliseconds=5_000)
PHONE, OTHER_PHONE = new_phone(1), new_phone(2)
UNTIL = START + 300_000
REDEEMED = f"access by {Event.REDEEM}"

Act = Callable[[Stores], Awaitable[object]]


@dataclass(frozen=True)
class Promise:
    """What is done, and whether it still counts when somebody comes with another operation."""

    before: Act
    act: Act
    holds: Callable[[Stores], Awaitable[bool]]


def transaction(number: int, *happened: Event) -> Act:
    """Store a transaction to which this has happened."""

    async def prepare(stores: Stores) -> None:
        name = transaction_name(number)
        await stores.transactions.create(new_transaction(name), operation=f"create {number}")
        for event in happened:
            assert (await stores.transactions.swap(swap_of(event, event, transaction_id=name))).won

    return prepare


def swap(number: int, event: Event, operation: str = "first") -> Act:
    """Let an event happen to it."""
    return lambda stores: stores.transactions.swap(
        swap_of(event, operation, transaction_id=transaction_name(number))
    )


def lost_to(number: int, event: Event) -> Callable[[Stores], Awaitable[bool]]:
    """Whether it can happen no more."""

    async def holds(stores: Stores) -> bool:
        name = transaction_name(number)
        return not (
            await stores.transactions.swap(swap_of(event, "second", transaction_id=name))
        ).won

    return holds


async def nothing(_: Stores) -> None:
    """Prepare nothing."""


async def phones(stores: Stores) -> None:
    """Enrol two."""
    for number, phone in enumerate((PHONE, OTHER_PHONE)):
        await stores.devices.add(TAG, phone, PHONE_JWK, further=True, operation=f"add {number}")


def reserve_assertion(stores: Stores, operation: str = "first") -> Awaitable[bool]:
    """Use an assertion."""
    return stores.replays.reserve(
        ReplayKind.CLIENT_ASSERTION, CLIENT, "jti", operation=operation, until=UNTIL
    )


def execute(stores: Stores, operation: str = "first") -> Awaitable[PaymentOutcome]:
    """Execute the third transaction's payment."""
    return stores.payments.execute(transaction_name(3), REDEEMED, operation=operation, until=UNTIL)


def count(stores: Stores, operation: str = "first") -> Awaitable[bool]:
    """Spend a count of a passkey."""
    verified = VerifiedPasskey(PASSKEY, sign_count=9)
    return stores.attempts.spend_count(PHONE.device_id, verified, operation=operation)


async def is_taken(outcome: Awaitable[bool]) -> bool:
    """Whether another operation finds it used."""
    return not await outcome


PROMISES = {
    "an approval": Promise(transaction(1), swap(1, Event.APPROVE), lost_to(1, Event.DENY)),
    "a denial": Promise(transaction(5), swap(5, Event.DENY), lost_to(5, Event.APPROVE)),
    "a redemption": Promise(
        transaction(2, Event.APPROVE), swap(2, Event.REDEEM), lost_to(2, Event.REDEEM)
    ),
    "an executed payment": Promise(
        transaction(3, Event.APPROVE, Event.REDEEM),
        execute,
        lambda stores: _is(execute(stores, "second"), PaymentOutcome.EXECUTED_BEFORE),
    ),
    "an ended grant": Promise(
        transaction(4, Event.APPROVE, Event.REDEEM),
        lambda stores: stores.grants.end(transaction_name(4)),
        lambda stores: _is(stores.grants.read(transaction_name(4)), None),
    ),
    "an ended access token": Promise(
        transaction(6, Event.APPROVE, Event.REDEEM),
        lambda stores: stores.grants.end_access_token(transaction_name(6), REDEEMED),
        lambda stores: _is(_access_token(stores, 6), None),
    ),
    "a closed session of an operator": Promise(
        lambda stores: stores.operator_sessions.open("token", "session", now=START, until=UNTIL),
        lambda stores: stores.operator_sessions.close("token", "session"),
        lambda stores: _is(stores.operator_sessions.until("token", "session", now=START), None),
    ),
    "a failed attempt": Promise(
        nothing,
        lambda stores: stores.attempts.reserve(TAG, operation="first", knowledge=True, now=START),
        lambda stores: _is(stores.attempts.used(TAG), 1),
    ),
    "a spent code": Promise(
        nothing,
        lambda stores: stores.attempts.spend_step(PHONE.device_id, 5, operation="first"),
        lambda stores: is_taken(stores.attempts.spend_step(PHONE.device_id, 5, operation="second")),
    ),
    "a passkey's count": Promise(nothing, count, lambda stores: is_taken(count(stores, "second"))),
    "a used assertion": Promise(
        nothing, reserve_assertion, lambda stores: is_taken(reserve_assertion(stores, "second"))
    ),
    "a revoked phone": Promise(
        phones,
        lambda stores: stores.devices.revoke(OTHER_PHONE.device_id, now=START),
        lambda stores: is_taken(stores.devices.is_active(OTHER_PHONE.device_id)),
    ),
    "a renamed phone": Promise(
        nothing,
        lambda stores: stores.devices.rename(PHONE.device_id, "Another"),
        lambda stores: _is(_name(stores), "Another"),
    ),
    "a blocked client": Promise(
        nothing,
        lambda stores: stores.standing.block(TAG, CLIENT, "tx", now=START, until=UNTIL),
        lambda stores: _any(stores.standing.blocks(TAG, now=START)),
    ),
    "a disabled client": Promise(
        lambda stores: stores.registrations.add(registration()),
        lambda stores: stores.registrations.suspend("shop", enabled=False),
        lambda stores: is_taken(_is_enabled(stores)),
    ),
}


async def _is(found: Awaitable[object], expected: object) -> bool:
    return await found == expected


async def _any(found: Awaitable[object]) -> bool:
    return bool(await found)


async def _access_token(stores: Stores, number: int) -> AccessToken | None:
    found = await stores.grants.find(transaction_name(number), REDEEMED)
    assert found is not None
    return found.access_token


async def _name(stores: Stores) -> str | None:
    found = await stores.devices.find(PHONE.device_id)
    return found and found.name


async def _is_enabled(stores: Stores) -> bool:
    found = await stores.registrations.find("shop")
    return found is not None and found.client.enabled


@asynccontextmanager
async def stores_on(target: RedisTarget, *, durable: bool) -> AsyncIterator[Stores]:
    """Stores that wait for a replica, or that do not."""
    async with AsyncExitStack() as stack:
        commands = Commands(connect(target))
        stack.push_async_callback(commands.aclose)
        patient = None
        if durable:
            patient = DurableCommands(connect(replace(target, command_timeout=10.0)), WAIT)
            stack.push_async_callback(patient.aclose)
        yield stores_over(commands, durable=patient, deadline_ms=20_000)


async def kept(*, durable: bool) -> dict[str, bool]:
    """Do everything that is promised, kill the master, and see what its replica knows of it."""
    async with replicated() as servers:
        async with stores_on(servers.master, durable=True) as stores:
            for promise in PROMISES.values():
                await promise.before(stores)
            await stores.attempts.unlock(TAG)  # From here on the replica has all of it.
        (link,) = servers.links
        link.delay = 0.05
        async with stores_on(servers.master, durable=durable) as stores:
            if not durable:
                link.hold()
            for promise in PROMISES.values():
                await promise.act(stores)
        new_master = await servers.fail_over()
        async with stores_on(new_master, durable=False) as stores:
            return {name: await promise.holds(stores) for name, promise in PROMISES.items()}


async def test_what_replicas_acknowledged_outlives_the_master():
    """Each promise holds at the new master, a moment after it was made."""
    assert await kept(durable=True) == dict.fromkeys(PROMISES, True)


async def test_without_the_setting_a_failover_forgets_what_was_answered():
    """Nothing of what the replica had not heard of yet holds: all of it could be done again."""
    assert await kept(durable=False) == dict.fromkeys(PROMISES, False)


def test_the_scripts_that_wait_are_a_closed_set():
    """Whatever can be done twice, or undone, by forgetting it; nothing that merely is in vain."""
    scripts = (each for module in MODULES for each in vars(module).values())
    waiting = {each.name for each in scripts if isinstance(each, Script) and each.durable}
    assert waiting == {
        "add_device",
        "approve_device",
        "block_client",
        "claim_due",
        "claim_evidence",
        "count_in_window",
        "execute_payment",
        "refresh_grant",
        "reject_device",
        "remove_client",
        "replace_client",
        "replace_device",
        "reserve_access",
        "reserve_attempt",
        "revoke_device",
        "spend_count",
        "spend_step",
        "suspend_client",
        "swap",
        "try_code",
        "unblock_client",
        "use_code",
        "use_handle",
        "use_identifier",
    }
