"""What Redis holds gives nothing away: no secret is there in clear, in any common spelling."""

import base64
import json

import pytest

from ciba_service.ports import Activation, Push
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.transaction.state import Event
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import devices_key, grant_key, transaction_key
from ciba_service.stores.sealing import Ring, SealingError
from tests.contracts.store_builders import (
    CHALLENGE,
    CLIENT,
    CONTEXT,
    PARTITION,
    PAYEE,
    PHONE_JWK,
    RESOURCE,
    RING,
    START,
    TAG,
    TRANSACTION,
    Stores,
    dump,
    new_phone,
    new_transaction,
    stores_over,
    swap_of,
    transaction_name,
    with_callback,
)

HANDLE = "ciba-handle:UmVjb2duaXNhYmxlSGFuZA"
CODE, SECRET = "K7QM2RXP9D4T", "482913 second"
UNTIL = START + 600_000
PHONE = new_phone()


def spellings(secret: bytes) -> set[bytes]:
    """How a secret may be written: raw, hexadecimal, base32, both base64s at any offset."""
    found = {secret, secret.hex().encode(), base64.b32encode(secret).rstrip(b"=")}
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # The characters at both ends also depend on what stands beside the secret.
            found.add(encode(b"\0" * offset + secret)[4 if offset else 0 : -4])
    return found


async def everything(target: RedisTarget) -> bytes:
    """All keys and values, one after the other."""
    held = await dump(target)
    return repr(held).encode() + b"".join(flat(held))


def flat(value: object) -> list[bytes]:
    """Every byte string in a value."""
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, dict):
        return [part for pair in value.items() for part in flat(list(pair))]
    if isinstance(value, list | tuple):
        return [part for item in value for part in flat(item)]
    return []


async def fill(stores: Stores) -> None:
    """Store something of everything: an approved and a redeemed transaction, a phone, a code."""
    for name in (TRANSACTION, transaction_name(1)):
        await stores.transactions.create(new_transaction(name), operation="create")
        await stores.transactions.swap(swap_of(Event.APPROVE, "approval", transaction_id=name))
    await stores.transactions.swap(swap_of(Event.REDEEM, "redemption", transaction_id=TRANSACTION))
    pushed = transaction_name(2)
    await stores.transactions.create(with_callback(DeliveryMode.PUSH, pushed), operation="create")
    await stores.transactions.swap(swap_of(Event.APPROVE, "approval", transaction_id=pushed))
    push = Push("recognisable-pushed-tokens", UNTIL)
    await stores.transactions.swap(swap_of(Event.REDEEM, "push", transaction_id=pushed, push=push))
    await stores.payments.execute(
        TRANSACTION, "access by redemption", operation="payment", until=UNTIL
    )
    await stores.devices.add(TAG, PHONE, PHONE_JWK, further=True, operation="enrolment")
    await stores.activations.put(CODE, Activation("alice", further=False), SECRET, until=UNTIL)
    await stores.activations.attempt(CODE, "wrong", operation="wrong")
    await stores.login_handles.reserve(HANDLE, PHONE, now=START, until=UNTIL)


@pytest.mark.clause("sca-art22-4", "sca-art5-5", "sca-art6-1", "sca-art22-1")
async def test_no_secret_stands_in_clear(stores: Stores, redis_target: RedisTarget):
    """PIN key, OTP seed, codes, request, challenge, payee, decision, grant: none can be read."""
    await fill(stores)
    secrets = {
        "the PIN key": PHONE.pin_key,
        "the OTP seed": PHONE.totp_secret.encode(),
        "the activation code": CODE.encode(),
        "the login handle": HANDLE.removeprefix("ciba-handle:").encode(),
        "the second secret": SECRET.encode(),
        "the challenge": CHALLENGE.encode(),
        "the payee": PAYEE.encode(),
        "the resource": RESOURCE.encode(),
        "the context of the request": CONTEXT.encode(),
        "what was proved": b"recognisable-hash",
        "the deciding phone": b"recognisable-device",
        "the subject of the grant": b"recognisable-subject",
        "the scope of the grant": b"recognisable-scope",
        "the access token": b"recognisable-jti",
        "the auth_req_id of a callback": b"recognisable-auth-req-id",
        "the notification token": b"recognisable-notification-token",
        "what is pushed": b"recognisable-pushed-tokens",
        "the ring": b"r" * 32,
    }
    held = await everything(redis_target)
    shown = {
        name
        for name, secret in secrets.items()
        if any(spelling in held for spelling in spellings(secret))
    }
    assert not shown
    assert PHONE.name.encode() in held


async def test_the_search_for_secrets_finds_them(stores: Stores, redis_target: RedisTarget):
    """The test above can fail: what is written in any of those spellings is found."""
    for position, spelling in enumerate(sorted(spellings(PHONE.pin_key))):
        await stores.commands.call("HSET", f"{{x}}{position}", "field", b"..." + spelling + b"...")
        await stores.commands.call("PEXPIRE", f"{{x}}{position}", 60_000)
    held = await everything(redis_target)
    for secret in spellings(PHONE.pin_key):
        assert secret in held


@pytest.mark.clause("nist63b-3.1.3.2-1")
async def test_of_a_phones_identifying_key_only_the_public_half_is_kept(
    stores: Stores, redis_target: RedisTarget
):
    """The stored key has exactly the members of a public key."""
    await stores.devices.add(TAG, PHONE, PHONE_JWK, further=True, operation="enrolment")
    record = json.loads(await stores.commands.call("HGET", devices_key(TAG), PHONE.device_id))
    assert record["jwk"].keys() == {"kty", "crv", "x", "y"}
    assert b'"d"' not in await everything(redis_target)


@pytest.mark.parametrize(
    ("key", "field"),
    [
        (transaction_key(TRANSACTION), "r"),
        (transaction_key(TRANSACTION), "d"),
    ],
    ids=["request", "decided"],
)
async def test_a_value_from_another_place_does_not_open(stores: Stores, key: str, field: str):
    """A request or decision copied from another transaction is refused, not believed."""
    other = transaction_name(1)
    for name in (TRANSACTION, other):
        await stores.transactions.create(new_transaction(name), operation="create")
        await stores.transactions.swap(swap_of(Event.APPROVE, "approval", transaction_id=name))
    foreign = await stores.commands.call("HGET", transaction_key(other), field)
    await stores.commands.call("HSET", key, field, foreign)
    with pytest.raises(SealingError):
        await stores.transactions.read(TRANSACTION, now=START)


@pytest.mark.clause("sca-art5-5")
async def test_a_transaction_given_to_another_client_does_not_open(stores: Stores):
    """The request belongs to its client: changing the owner in the store breaks it."""
    await stores.transactions.create(new_transaction(), operation="create")
    await stores.commands.call("HSET", transaction_key(TRANSACTION), "c", "mallory")
    with pytest.raises(SealingError):
        await stores.transactions.read(TRANSACTION, now=START)


async def test_a_phone_given_another_name_does_not_open(stores: Stores):
    """The secrets of one phone are worth nothing in the record of another."""
    await stores.devices.add(TAG, PHONE, PHONE_JWK, further=True, operation="enrolment")
    other = new_phone(2).device_id
    record = await stores.commands.call("HGET", devices_key(TAG), PHONE.device_id)
    await stores.commands.call("HSET", devices_key(TAG), other, record)
    with pytest.raises(SealingError):
        await stores.devices.find(other)


async def test_after_a_rotation_everything_still_opens(commands: Commands):
    """A new first key seals from now on; what the old one sealed, and codes, are still found."""
    await fill(stores_over(commands))
    rotated = stores_over(commands, ring=Ring.of(b"n" * 32, *RING.keys.values()))
    found = await rotated.transactions.read(transaction_name(1), now=START)
    assert found is not None
    assert found.request is not None
    assert found.request.challenge == CHALLENGE
    assert (await rotated.devices.find(PHONE.device_id)) is not None
    assert await rotated.activations.attempt(CODE, SECRET, operation="enrolment") == Activation(
        "alice", further=False
    )


async def test_under_another_ring_nothing_opens(commands: Commands):
    """Whoever has the store and not the ring has nothing."""
    await fill(stores_over(commands))
    foreign = stores_over(commands, ring=Ring.of(b"x" * 32))
    with pytest.raises(SealingError):
        await foreign.transactions.read(transaction_name(1), now=START)
    with pytest.raises(SealingError):
        await foreign.devices.find(PHONE.device_id)
    assert await foreign.activations.attempt(CODE, SECRET, operation="enrolment") is None


async def test_keys_are_on_the_slots_they_should_be(stores: Stores, redis_target: RedisTarget):
    """All of a transaction shares its partition; all of a user shares the user's slot."""
    await fill(stores)
    await stores.prompts.reserve(TAG, CLIENT, TRANSACTION, now=START, until=UNTIL)
    await stores.attempts.reserve(TAG, operation="attempt", knowledge=True, now=START)
    await stores.attempts.succeeded(TAG, operation="attempt")
    await stores.attempts.spend_step(PHONE.device_id, 7, operation="use")
    await stores.due.claim(PARTITION, now=START, limit=1)
    tags = {key.split(b"{")[1].split(b"}")[0][:1] for key in await dump(redis_target)}
    assert tags == {b"p", b"u", b"a", b"l"}
    partition = transaction_key(TRANSACTION).split("}")[0]
    assert grant_key(TRANSACTION).startswith(partition)
