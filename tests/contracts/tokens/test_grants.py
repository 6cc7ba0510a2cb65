"""Grants: found with their tokens, refreshed while they are good, ended for good."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from ciba_service.ports import (
    AccessTokenRecord,
    RefreshTokenRecord,
    StoredGrant,
    TokenRecord,
    UnknownRecordFormat,
)
from ciba_service.protocol.transaction.state import Event
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import access_token_key, grant_key, transaction_key
from ciba_service.stores.sealing import SealingError
from tests.contracts.store_builders import (
    REFRESH_UNTIL,
    START,
    TRANSACTION,
    Stores,
    access_token,
    granted,
    new_transaction,
    processes,
    swap_of,
    transaction_name,
)

FIRST = RefreshTokenRecord("refresh by redeem", REFRESH_UNTIL)


async def redeem(stores: Stores, name: str = TRANSACTION) -> None:
    """Store a grant the way a redemption does."""
    await stores.transactions.create(new_transaction(name), operation="create")
    for event in (Event.APPROVE, Event.REDEEM):
        result = await stores.transactions.swap(swap_of(event, event, transaction_id=name))
        assert result.won


def second(jti: str = "second") -> AccessTokenRecord:
    """A further access token."""
    return AccessTokenRecord(f"access {jti}", access_token(jti=jti))


async def test_a_grant_is_found_with_each_of_its_tokens(stores: Stores):
    """By any hash: the grant and its refresh token; by its own hash: the access token, too."""
    await redeem(stores)
    by_access = await stores.grants.find(TRANSACTION, "access by redeem")
    assert by_access == StoredGrant(granted(), access_token(), FIRST)
    assert await stores.grants.find(TRANSACTION, FIRST.hash) == StoredGrant(granted(), None, FIRST)


async def test_a_grant_without_a_refresh_token_has_none(stores: Stores):
    """And lives as long as its access token."""
    await stores.transactions.create(new_transaction(), operation="create")
    await stores.transactions.swap(swap_of(Event.APPROVE, "approve"))
    swap = swap_of(Event.REDEEM, "redeem", with_refresh_token=False)
    await stores.transactions.swap(swap)
    found = await stores.grants.find(TRANSACTION, "access by redeem")
    assert found == StoredGrant(granted(), access_token(), None)
    ends = await stores.commands.call("PEXPIRETIME", grant_key(TRANSACTION))
    assert ends == access_token().exp * 1000
    empty = RefreshTokenRecord("", REFRESH_UNTIL)
    assert not await stores.grants.refresh(TRANSACTION, empty, second(), now=START)


async def test_a_grant_whose_tokens_are_anothers_is_kept_as_long_as_its_transaction(
    stores: Stores,
):
    """The same operation takes it again, another does not; and it has no token of ours."""
    await stores.transactions.create(new_transaction(), operation="create")
    await stores.transactions.swap(swap_of(Event.APPROVE, "approve"))
    swap = replace(swap_of(Event.REDEEM, "redeem"), tokens=TokenRecord(granted()))
    for _ in range(2):
        assert (await stores.transactions.swap(swap)).won
    assert not (await stores.transactions.swap(replace(swap, operation="another"))).won
    assert await stores.grants.read(TRANSACTION) == StoredGrant(granted(), None, None)
    grant_ends, transaction_ends = [
        await stores.commands.call("PEXPIRETIME", key)
        for key in (grant_key(TRANSACTION), transaction_key(TRANSACTION))
    ]
    assert grant_ends == transaction_ends > 0


async def test_what_was_never_granted_is_not_found(stores: Stores):
    """Neither found nor refreshed nor ended, and nothing is written."""
    assert await stores.grants.find(TRANSACTION, "hash") is None
    assert not await stores.grants.refresh(TRANSACTION, FIRST, second(), now=START)
    await stores.grants.end(TRANSACTION)
    await stores.grants.end_access_token(TRANSACTION, "hash")
    assert await stores.commands.call("EXISTS", grant_key(TRANSACTION)) == 0


async def test_a_refresh_stores_a_token_and_lasts_longer(stores: Stores):
    """The new access token is found, the old one stays, the refresh token is good for longer."""
    await redeem(stores)
    later = RefreshTokenRecord(FIRST.hash, REFRESH_UNTIL + 1000)
    assert await stores.grants.refresh(TRANSACTION, later, second(), now=START)
    for name, jti in (("access second", "second"), ("access by redeem", "recognisable-jti")):
        found = await stores.grants.find(TRANSACTION, name)
        assert found == StoredGrant(granted(), access_token(jti=jti), later)
    ends = await stores.commands.call("PEXPIRETIME", grant_key(TRANSACTION))
    assert ends == later.good_until
    token = access_token_key(TRANSACTION, "access second")
    assert await stores.commands.call("PEXPIRETIME", token) == access_token().exp * 1000


async def test_a_grant_outlives_its_last_access_token(stores: Stores):
    """A use at the very end of the refresh token's life still gets a whole access token."""
    await redeem(stores)
    lasting = msgspec.structs.replace(access_token(jti="second"), exp=REFRESH_UNTIL // 1000 + 300)
    last = AccessTokenRecord("access second", lasting)
    assert await stores.grants.refresh(TRANSACTION, FIRST, last, now=REFRESH_UNTIL - 1)
    ends = await stores.commands.call("PEXPIRETIME", grant_key(TRANSACTION))
    assert ends == lasting.exp * 1000
    assert await stores.grants.refresh(TRANSACTION, FIRST, second(), now=REFRESH_UNTIL - 1)
    assert await stores.commands.call("PEXPIRETIME", grant_key(TRANSACTION)) == ends
    assert not await stores.grants.refresh(TRANSACTION, FIRST, last, now=REFRESH_UNTIL)


@pytest.mark.parametrize(
    ("digest", "now"),
    [("refresh by another", START), (FIRST.hash, REFRESH_UNTIL)],
    ids=["another token", "too late"],
)
async def test_a_token_that_is_not_good_refreshes_nothing(stores: Stores, digest: str, now: int):
    """Another hash, or the right one too late: nothing changes."""
    await redeem(stores)
    before = await stores.commands.call("HGETALL", grant_key(TRANSACTION))
    other = RefreshTokenRecord(digest, REFRESH_UNTIL + 1000)
    assert not await stores.grants.refresh(TRANSACTION, other, second(), now=now)
    assert await stores.commands.call("HGETALL", grant_key(TRANSACTION)) == before
    found = await stores.grants.find(TRANSACTION, "access second")
    assert found is not None
    assert found.access_token is None


async def test_an_ended_grant_has_nothing(stores: Stores):
    """No token of it is found any more, and none can be made; ending it again is nothing."""
    await redeem(stores)
    for _ in range(2):
        await stores.grants.end(TRANSACTION)
        assert await stores.grants.find(TRANSACTION, "access by redeem") is None
        assert not await stores.grants.refresh(TRANSACTION, FIRST, second(), now=START)


async def test_a_resent_redemption_does_not_bring_back_what_ended(stores: Stores):
    """The retry of a redemption finds that it happened, and writes nothing."""
    await redeem(stores)
    await stores.grants.end(TRANSACTION)
    assert (await stores.transactions.swap(swap_of(Event.REDEEM, Event.REDEEM))).won
    assert await stores.grants.find(TRANSACTION, "access by redeem") is None


async def test_an_access_token_ends_alone(stores: Stores):
    """The others of the grant stay."""
    await redeem(stores)
    await stores.grants.refresh(TRANSACTION, FIRST, second(), now=START)
    await stores.grants.end_access_token(TRANSACTION, "access by redeem")
    ended = await stores.grants.find(TRANSACTION, "access by redeem")
    kept = await stores.grants.find(TRANSACTION, "access second")
    assert ended == StoredGrant(granted(), None, FIRST)
    assert kept == StoredGrant(granted(), access_token(jti="second"), FIRST)


async def test_of_refreshes_and_an_end_at_once_nothing_survives(redis_target: RedisTarget):
    """Several processes refresh while one ends the grant: afterwards no token of it is good."""
    async with processes(redis_target, 3) as several:
        await redeem(several[0])
        await asyncio.gather(
            *(
                stores.grants.refresh(TRANSACTION, FIRST, second(f"{number}"), now=START)
                for stores in several
                for number in range(5)
            ),
            several[1].grants.end(TRANSACTION),
        )
        for number in range(5):
            assert await several[2].grants.find(TRANSACTION, f"access {number}") is None


@pytest.mark.parametrize("version", ["1", "3", ""])
async def test_a_grant_of_another_format_is_refused_and_left_alone(stores: Stores, version: str):
    """Neither found nor refreshed."""
    await redeem(stores)
    await stores.commands.call("HSET", grant_key(TRANSACTION), "v", version)
    before = await stores.commands.call("HGETALL", grant_key(TRANSACTION))
    with pytest.raises(UnknownRecordFormat):
        await stores.grants.find(TRANSACTION, "access by redeem")
    with pytest.raises(UnknownRecordFormat):
        await stores.grants.refresh(TRANSACTION, FIRST, second(), now=START)
    assert await stores.commands.call("HGETALL", grant_key(TRANSACTION)) == before


async def test_a_grant_from_another_place_does_not_open(stores: Stores):
    """Nor does an access token under another hash, or of another grant."""
    other = transaction_name(1)
    for name in (TRANSACTION, other):
        await redeem(stores, name)
    call = stores.commands.call
    token = await call("GET", access_token_key(other, "access by redeem"))
    await call("SET", access_token_key(TRANSACTION, "access by redeem"), token, "KEEPTTL")
    with pytest.raises(SealingError):
        await stores.grants.find(TRANSACTION, "access by redeem")
    foreign = await call("HGET", grant_key(other), "g")
    await call("HSET", grant_key(TRANSACTION), "g", foreign)
    with pytest.raises(SealingError):
        await stores.grants.find(TRANSACTION, "no token of it")


async def test_a_grant_of_another_shape_is_refused(stores: Stores):
    """What opens but lacks a member was written by another version."""
    await redeem(stores)
    key = grant_key(TRANSACTION)
    sealer = stores.grants._seals._sealer
    await stores.commands.call("HSET", key, "g", sealer.seal(b"{}", key=key, name="grant"))
    with pytest.raises(UnknownRecordFormat):
        await stores.grants.find(TRANSACTION, "access by redeem")
