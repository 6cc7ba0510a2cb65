"""Sharing round trips: batches, errors of one's own, scripts, cancelled callers, lost replies."""

import asyncio
from dataclasses import replace

import pytest

from ciba_service.ports import StoreUnavailable, UnknownRecordFormat
from ciba_service.stores.driver.commands import Commands, StoreFault, StoreProgrammingError
from ciba_service.stores.driver.connection import connect, server_time_ms
from ciba_service.stores.driver.faults import RecordNotUnderstood
from ciba_service.stores.driver.script import Script
from ciba_service.stores.driver.target import RedisTarget
from tests.redis.reply_dropping_proxy import reply_dropping
from tests.redis.servers import flush_all

COUNT = Script.of(
    "count",
    "local n = redis.call('INCR', KEYS[1]) redis.call('PEXPIRE', KEYS[1], ARGV[1]) return n",
)
BROKEN = Script.of("broken", "return redis.call('INCR', KEYS[1], KEYS[1])")
EXISTING = Script.of(
    "existing",
    "local r = {} for i, key in ipairs(KEYS) do r[i] = redis.call('EXISTS', key) end return r",
)
MINUTE = 60_000


async def count(commands: Commands, key: str = "n") -> int:
    """Run the script that counts its runs."""
    answer: int = await commands.evaluate(COUNT, [key], [MINUTE])
    return answer


async def test_commands_of_one_tick_share_a_round_trip(commands: Commands):
    """A hundred commands at once are one flush, and each caller gets its own reply."""
    await count(commands)
    before = commands.flushes
    answers = await asyncio.gather(*(count(commands, f"n{number}") for number in range(100)))
    assert answers == [1] * 100
    assert commands.flushes == before + 1


async def test_commands_one_after_the_other_are_a_round_trip_each(commands: Commands):
    """Nothing waits for company."""
    for expected in (1, 2, 3):
        await commands.call("EXISTS", "n")
        assert commands.flushes == expected


async def test_a_batch_is_bounded(redis_target: RedisTarget):
    """More commands than fit into one pipeline go out in further ones."""
    commands = Commands(connect(redis_target), max_batch=10)
    try:
        answers = await asyncio.gather(*(commands.call("EXISTS", "n") for _ in range(25)))
        assert answers == [0] * 25
        assert commands.flushes == 3
    finally:
        await commands.aclose()


async def test_more_pipelines_than_allowed_wait_for_their_turn(redis_target: RedisTarget):
    """With one pipeline at a time, and one command in each, every caller is still answered."""
    commands = Commands(connect(redis_target), max_batch=1, max_flushes=1)
    try:
        answers = await asyncio.gather(*(commands.call("EXISTS", "n") for _ in range(20)))
        assert answers == [0] * 20
    finally:
        await commands.aclose()


async def test_an_error_belongs_to_the_command_that_caused_it(commands: Commands):
    """A wrong command fails its own caller, and its neighbours succeed."""
    await count(commands)
    answers = await asyncio.gather(
        commands.call("HGET", "n", "field"),
        count(commands),
        commands.evaluate(BROKEN, ["n"], []),
        commands.call("NOSUCHCOMMAND", "topsecret"),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [
        RecordNotUnderstood,
        int,
        StoreProgrammingError,
        StoreProgrammingError,
    ]
    assert not any("topsecret" in str(answer) for answer in answers)


ARITHMETIC = Script.of("arithmetic", "return redis.call('GET', KEYS[1]) + 1")
WRONG_TYPE = Script.of("wrong_type", "return redis.call('HGET', KEYS[1], 'f')")
NOT_A_NUMBER = Script.of("not_a_number", "return redis.call('INCR', KEYS[1])")


@pytest.mark.parametrize(
    "script", [ARITHMETIC, WRONG_TYPE, NOT_A_NUMBER], ids=lambda each: each.name
)
async def test_a_record_that_is_not_what_it_should_be_is_one_of_another_format(
    commands: Commands, script: Script
):
    """Whatever a script or a command stumbles over there: others are not concerned."""
    await commands.call("SET", "n", "changed", "PX", MINUTE)
    with pytest.raises(UnknownRecordFormat, match="ResponseError"):
        await commands.evaluate(script, ["n"], [])
    with pytest.raises(UnknownRecordFormat):
        await commands.call("HGET", "n", "f")


async def test_what_a_user_may_not_do_is_no_matter_of_records(
    commands: Commands, redis_target: RedisTarget
):
    """It is the store that is not to be used, in a script or without one."""
    await commands.call("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@all", "-incr")
    limited = Commands(connect(replace(redis_target, username="reader", password="secret")))
    try:
        answers = await asyncio.gather(
            limited.call("INCR", "n"),
            limited.evaluate(NOT_A_NUMBER, ["n"], []),
            return_exceptions=True,
        )
        assert [type(answer) for answer in answers] == [StoreProgrammingError] * 2
        assert all(isinstance(answer, StoreUnavailable) for answer in answers)
    finally:
        await limited.aclose()
        await commands.call("ACL", "DELUSER", "reader")


async def test_an_argument_that_cannot_be_sent_fails_before_it_is_sent(commands: Commands):
    """Only text, bytes and integers go to Redis; anything else harms nobody but its caller."""
    answers = await asyncio.gather(
        commands.call("SET", "n", None),  # type: ignore[arg-type]
        commands.call("SET", "n", True),  # noqa: FBT003
        commands.call("EXISTS", "n"),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [TypeError, TypeError, int]


async def test_a_script_the_server_has_forgotten_is_sent_as_text(
    commands: Commands, redis_target: RedisTarget
):
    """NOSCRIPT costs one more round trip and nothing else; it then is known again."""
    assert await count(commands) == 1
    assert commands.flushes == 2
    await flush_all(redis_target)
    assert await asyncio.gather(count(commands, "a"), count(commands, "b")) == [1, 1]
    assert commands.flushes == 4
    assert await count(commands) == 1
    assert commands.flushes == 5


async def test_arguments_arrive_as_they_are(commands: Commands):
    """Bytes are not decoded, text is UTF-8, integers are decimal."""
    echo = Script.of("echo", "return {ARGV[1], ARGV[2], ARGV[3]}")
    answer = await commands.evaluate(echo, ["n"], [b"\xff\x00", "é", -7])
    assert answer == [b"\xff\x00", "é".encode(), b"-7"]


async def test_a_caller_that_goes_away_harms_no_other(commands: Commands):
    """Cancelling one of several waiters leaves the replies of the others where they belong."""
    await count(commands)
    waiters = [asyncio.create_task(count(commands, f"n{number % 10}")) for number in range(30)]
    await asyncio.sleep(0)
    for waiter in waiters[::3]:
        waiter.cancel()
    answers = await asyncio.gather(*waiters, return_exceptions=True)
    for number, answer in enumerate(answers):
        assert isinstance(answer, asyncio.CancelledError if number % 3 == 0 else int)
    assert await count(commands) == 2


async def test_a_command_whose_caller_left_before_it_was_sent_never_runs(commands: Commands):
    """What nobody waits for is not sent at all."""
    await count(commands)
    waiter = asyncio.create_task(count(commands))
    asyncio.get_running_loop().call_soon(waiter.cancel)
    await asyncio.wait({waiter})
    assert await count(commands) == 2


async def test_a_lost_reply_is_a_fault_and_the_script_ran_once(redis_target: RedisTarget):
    """Nothing below the caller sends a script again whose reply did not arrive."""
    async with reply_dropping(redis_target) as (proxy, target):
        commands = Commands(connect(target))
        try:
            assert await count(commands) == 1
            proxy.drop_next_reply(matching=COUNT.sha.encode())
            with pytest.raises(StoreFault):
                await count(commands)
            assert proxy.dropped == 1
            assert await count(commands) == 3
        finally:
            await commands.aclose()


async def test_a_lost_reply_is_a_fault_for_every_command_of_the_batch(redis_target: RedisTarget):
    """All callers of a broken round trip learn it, and none waits for ever."""
    async with reply_dropping(redis_target) as (proxy, target):
        commands = Commands(connect(target))
        try:
            await commands.call("EXISTS", "n")
            proxy.drop_next_reply(matching=b"EXISTS")
            answers = await asyncio.gather(
                *(commands.call("EXISTS", f"n{number}") for number in range(20)),
                return_exceptions=True,
            )
            assert {type(answer) for answer in answers} == {StoreFault}
            assert await commands.call("EXISTS", "n") == 0
        finally:
            await commands.aclose()


async def test_a_script_over_many_keys_answers_for_each_in_one_round_trip(commands: Commands):
    """Keys of any slots are asked at once; the answers stand in the order of the keys."""
    keys = [f"{{p{number}}}:n" for number in range(40)]
    await asyncio.gather(*(count(commands, key) for key in keys[::2]))
    await commands.evaluate_each(EXISTING, keys, [])
    before = commands.flushes
    assert await commands.evaluate_each(EXISTING, keys, []) == [1, 0] * 20
    assert commands.flushes == before + 1


async def test_what_is_wrong_for_one_of_many_keys_is_wrong_for_all(commands: Commands):
    """No part of an answer is given for the whole, at any kind of server."""
    with pytest.raises(StoreProgrammingError):
        await commands.evaluate_each(BROKEN, ["{a}n", "{b}n"], [])


async def test_after_closing_every_command_is_a_fault(redis_target: RedisTarget):
    """A closed connection says so; what was under way was answered before."""
    commands = Commands(connect(redis_target))
    last = asyncio.create_task(commands.call("EXISTS", "n"))
    await asyncio.sleep(0)
    await commands.aclose()
    assert await last == 0
    with pytest.raises(StoreFault):
        await commands.call("EXISTS", "n")


async def test_the_server_tells_its_time(redis_target: RedisTarget):
    """The clock is in milliseconds since the epoch: this century, not seconds or microseconds."""
    client = connect(redis_target)
    assert 1_700_000_000_000 < await server_time_ms(client) < 4_000_000_000_000
    await client.aclose()
