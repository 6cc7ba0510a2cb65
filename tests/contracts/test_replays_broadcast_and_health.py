"""The small stores: identifiers used once, announcements to all processes, the server's clock."""

import asyncio

import pytest

from ciba_service.ports import ReplayKind
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.clients import replay
from ciba_service.stores.clients.replay import LASTING_MS, MARGIN_MS
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.subscription import Subscription
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import hub_channel, hub_channels, replay_keys
from ciba_service.stores.operations import Operations
from ciba_service.stores.phones.broadcast import RedisBroadcast
from tests.contracts.store_builders import START, TAG, NoWaiting, Stores, processes

UNTIL = START + 300_000
ASSERTION = ReplayKind.CLIENT_ASSERTION


@pytest.mark.clause("rfc7523-3-6")
async def test_of_fifty_uses_of_an_identifier_at_once_one_is_fresh(redis_target: RedisTarget):
    """Whoever is first has it, and everybody else has not."""
    async with processes(redis_target, 5) as several:
        fresh = await asyncio.gather(
            *(
                stores.replays.reserve(
                    ASSERTION, "till", "jti", operation=f"{number} of {process}", until=UNTIL
                )
                for process, stores in enumerate(several)
                for number in range(10)
            )
        )
        assert sorted(fresh) == [False] * 49 + [True]


async def test_the_operation_that_used_an_identifier_may_ask_again(stores: Stores):
    """A retry is no replay."""
    reserve = stores.replays.reserve
    assert await reserve(ASSERTION, "till", "jti", operation="first", until=UNTIL)
    assert await reserve(ASSERTION, "till", "jti", operation="first", until=UNTIL)
    assert not await reserve(ASSERTION, "till", "jti", operation="second", until=UNTIL)


@pytest.mark.parametrize(
    "other",
    [
        (ReplayKind.REQUEST_OBJECT, "till", "jti"),
        (ASSERTION, "other", "jti"),
        (ASSERTION, "till", "jti2"),
        (ASSERTION, "till\0jti", ""),
    ],
    ids=repr,
)
async def test_identifiers_are_of_their_kind_and_owner(
    stores: Stores, other: tuple[ReplayKind, str, str]
):
    """The same text of another client, or for another purpose, is another identifier."""
    assert await stores.replays.reserve(ASSERTION, "till", "jti", operation="a", until=UNTIL)
    assert await stores.replays.reserve(*other, operation="b", until=UNTIL)


@pytest.fixture
def one_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    """All identifiers are in one partition, where they meet."""
    monkeypatch.setattr(replay, "REPLAY_PARTITIONS", 1)


async def kept_until(stores: Stores) -> dict[str, int]:
    """Until when what was used is kept in the first partition, by what it is called there."""
    ends = {
        key.partition("}:")[2]: await stores.commands.call("PEXPIRETIME", key)
        for key in replay_keys(0)
    }
    return {name: end for name, end in ends.items() if end > 0}


async def use(stores: Stores, identifier: str, until: int, operation: str = "first") -> bool:
    """Use it up."""
    return await stores.replays.reserve(
        ASSERTION, "till", identifier, operation=operation, until=until
    )


@pytest.mark.usefixtures("one_partition")
async def test_a_used_identifier_is_remembered_as_long_as_it_could_be_shown(stores: Stores):
    """Its record ends no earlier than a minute after what it protects has expired."""
    await use(stores, "sooner", UNTIL)
    assert await kept_until(stores) == {"used": UNTIL + MARGIN_MS}
    await use(stores, "later", UNTIL + 40_000)
    await use(stores, "between", UNTIL + 20_000)
    assert await kept_until(stores) == {
        "before": UNTIL + MARGIN_MS,
        "used": UNTIL + 40_000 + MARGIN_MS,
    }


@pytest.mark.usefixtures("one_partition")
async def test_used_identifiers_are_found_wherever_they_are_kept(stores: Stores):
    """Older and newer ones, those that last long, and whatever is shown with another lifetime."""
    lasting = START + LASTING_MS
    for number, until in enumerate([UNTIL, lasting, UNTIL, lasting, UNTIL, lasting]):
        assert await use(stores, str(number), until)
    assert set(await kept_until(stores)) == {"used", "before", "lasting", "lasted"}
    for number in range(6):
        assert not await use(stores, str(number), UNTIL, "second")
        assert not await use(stores, str(number), lasting, "second")
        assert await use(stores, str(number), UNTIL)


@pytest.mark.usefixtures("one_partition")
async def test_what_was_used_before_gives_way_to_what_is_used_now(stores: Stores):
    """It is not kept on by identifiers that come after it, and these are not lost with it."""
    for identifier in ("old", "one", "two"):
        await use(stores, identifier, UNTIL)
    _, before, *_ = replay_keys(0)
    assert await stores.commands.call("PEXPIREAT", before, 1)  # "old" has faded
    assert await use(stores, "three", UNTIL + 40_000)
    assert await kept_until(stores) == {
        "before": UNTIL + MARGIN_MS,
        "used": UNTIL + 40_000 + MARGIN_MS,
    }
    for identifier in ("one", "two", "three"):
        assert not await use(stores, identifier, UNTIL, "second")


async def test_many_used_identifiers_take_few_bytes(stores: Stores):
    """Thousands of them are packed: no more than forty bytes each, hashes and names aside."""
    number = 400
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "REPLAY_PARTITIONS", 1)
        await asyncio.gather(*(use(stores, str(each), UNTIL) for each in range(number)))
    sizes = [await stores.commands.call("MEMORY", "USAGE", key) or 0 for key in replay_keys(0)]
    assert sum(sizes) < number * 40


async def test_announcements_reach_every_process(redis_target: RedisTarget, commands: Commands):
    """Each listener first hears that it may have missed something, then what is published."""
    operations = Operations(commands, clock=NoWaiting(), deadline_ms=10_000)
    async with (
        Subscription(redis_target, commands, hub_channels()) as one,
        Subscription(redis_target, commands, hub_channels()) as other,
    ):
        heard = [RedisBroadcast(operations, subscription).listen() for subscription in (one, other)]
        for listening in heard:
            assert await anext(listening) is None
        for subject in ("alice", "bob", "carol"):
            await RedisBroadcast(operations, one).publish(user_tag(subject), subject.encode())
        for listening in heard:
            received = {await anext(listening) for _ in range(3)}
            assert received == {b"alice", b"bob", b"carol"}


async def test_a_user_has_one_channel_among_sixteen():
    """All announcements of a user use the same channel, and users are spread over them."""
    channels = {hub_channel(user_tag(f"user {number}")) for number in range(300)}
    assert channels == set(hub_channels())
    assert hub_channel(TAG) == hub_channel(TAG)


async def test_health_is_the_servers_own_clock(stores: Stores):
    """Milliseconds since the epoch, never running backwards."""
    first = await stores.health.server_time_ms()
    assert 1_700_000_000_000 < first <= await stores.health.server_time_ms() < 4_000_000_000_000
