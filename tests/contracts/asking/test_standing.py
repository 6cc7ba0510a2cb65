"""What users said of clients: denials, blocks, and prompts since the last approval."""

import itertools
from dataclasses import replace

import pytest

from ciba_service.ports import Block, PromptReservation
from ciba_service.sca.prompting import blocked_until, paused_until
from ciba_service.stores.keys import blocks_key, denials_key
from tests.contracts.store_builders import (
    CLIENT,
    EXPIRES_AT,
    LIMITS,
    PHONE_JWK,
    PROMPT_CAP,
    START,
    TAG,
    Stores,
    new_phone,
    stores_over,
    transaction_name,
)
from tests.contracts.turns import in_turns

DAY = 86_400_000
TIMES = (START - DAY - 1, START - DAY, START - DAY + 1, START - 3_600_000, START - 300_000, START)
RULES = [
    replace(LIMITS, denials=denials, pause=pause, longest_pause=longest)
    for denials in (0, 1, 2, 3)
    for pause, longest in ((300_000, 3_600_000), (1, 1), (DAY, DAY))
]


@pytest.fixture
async def ready(stores: Stores) -> Stores:
    """A server on which Alice has a phone."""
    await stores.devices.add(TAG, new_phone(), PHONE_JWK, further=True, operation="enrolment")
    return stores


async def reserve(
    stores: Stores, number: int, client: str = CLIENT, now: int = START
) -> PromptReservation:
    """Take a slot and give it back, so that only the prompt counts."""
    name = transaction_name(number)
    reserved = await stores.prompts.reserve(TAG, client, name, now=now, until=now + 1)
    await stores.prompts.release(TAG, name)
    return reserved


async def test_the_script_pauses_as_the_rule_says(ready: Stores):
    """For every set of denials, rule and instant the store hears a client when the rule does."""
    denied = [
        times
        for length in range(5)
        for times in itertools.combinations_with_replacement(TIMES, length)
    ]
    cases = list(itertools.product(enumerate(denied), enumerate(RULES)))

    async def compare(number: int, times: tuple[int, ...], rule: int) -> None:
        client = f"client {number} {rule}"
        for place, at in enumerate(times):
            await ready.commands.call("ZADD", denials_key(TAG, client), at, f"{place}")
        limits = replace(RULES[rule], open_prompts=10_000, of_user=0, of_client=0)
        store = stores_over(ready.commands, limits=limits)
        heard = await reserve(store, number * len(RULES) + rule, client)
        is_paused = paused_until(times, limits, START) > 0
        expected = PromptReservation.PAUSED if is_paused else PromptReservation.RESERVED
        assert heard is expected, (times, RULES[rule])
        await ready.commands.call("DEL", denials_key(TAG, client))

    await in_turns(compare(number, times, rule) for (number, times), (rule, _) in cases)


async def test_denials_of_one_client_are_no_others(ready: Stores):
    """Each counts once, against its client alone."""
    for number in (0, 0, 0, 1):
        await ready.standing.denied(TAG, CLIENT, transaction_name(number), now=START)
    assert await reserve(ready, 10) is PromptReservation.RESERVED
    await ready.standing.denied(TAG, CLIENT, transaction_name(2), now=START)
    assert await reserve(ready, 11) is PromptReservation.PAUSED
    assert await reserve(ready, 12, "other") is PromptReservation.RESERVED
    await ready.standing.unblock(TAG, CLIENT)
    assert await reserve(ready, 13) is PromptReservation.RESERVED


async def test_a_prompt_taken_back_does_not_count(ready: Stores):
    """No phone was told of it; those that were count up to the limits."""
    for number in range(LIMITS.of_client):
        assert await reserve(ready, number) is PromptReservation.RESERVED
    assert await reserve(ready, 99) is PromptReservation.UNANSWERED
    await ready.prompts.take_back(TAG, CLIENT, transaction_name(0))
    assert await reserve(ready, 98) is PromptReservation.RESERVED
    for number in range(100, 100 + LIMITS.of_user - LIMITS.of_client):
        assert await reserve(ready, number, "other") is PromptReservation.RESERVED
    assert await reserve(ready, 97, "other") is PromptReservation.UNANSWERED
    assert await reserve(ready, 96, now=START + LIMITS.window) is PromptReservation.RESERVED


async def leave_open(
    stores: Stores, number: int, client: str, now: int = START
) -> PromptReservation:
    """Take a slot and keep it for longer than prompts count."""
    until = START + 2 * LIMITS.window
    return await stores.prompts.reserve(TAG, client, transaction_name(number), now=now, until=until)


async def test_the_place_beyond_the_cap_is_one_and_forgives_nothing(ready: Stores):
    """Whoever gets it has still left unanswered what it left."""
    for number in range(LIMITS.of_client - 1):
        await reserve(ready, number)
    for number in range(100, 100 + PROMPT_CAP):
        assert await leave_open(ready, number, "other") is PromptReservation.RESERVED
    assert await reserve(ready, 97) is PromptReservation.RESERVED
    assert await reserve(ready, 98) is PromptReservation.UNANSWERED
    assert await leave_open(ready, 99, "third") is PromptReservation.RESERVED
    assert await leave_open(ready, 96, "fourth") is PromptReservation.FULL


async def test_what_counts_no_more_says_whose_it_is_while_it_is_open(ready: Stores):
    """Whoever asks in between: its client gets no place beyond the cap."""
    for number in range(PROMPT_CAP):
        await leave_open(ready, number, CLIENT)
    later = START + LIMITS.window + 1
    assert await reserve(ready, 97, "other", now=later) is PromptReservation.RESERVED
    assert await leave_open(ready, 98, CLIENT, now=later) is PromptReservation.FULL


async def test_an_approval_forgets_what_came_before_it(ready: Stores):
    """And nothing later, however late it is told; telling it twice is no more than once."""
    for number in range(LIMITS.of_client):
        await reserve(ready, number, now=START + number)
    for _ in range(2):
        await ready.standing.approved(TAG, CLIENT, transaction_name(LIMITS.of_client - 2))
    for number in range(100, 100 + LIMITS.of_client - 1):
        assert await reserve(ready, number, now=START + 99) is PromptReservation.RESERVED
    assert await reserve(ready, 99, now=START + 99) is PromptReservation.UNANSWERED


async def test_what_is_open_while_another_is_approved_counts_no_more(ready: Stores):
    """It came before; it stays open, and all that its client may leave unanswered is there anew."""
    await ready.prompts.reserve(TAG, CLIENT, transaction_name(0), now=START, until=EXPIRES_AT)
    await ready.prompts.reserve(TAG, CLIENT, transaction_name(1), now=START + 1, until=EXPIRES_AT)
    await ready.standing.approved(TAG, CLIENT, transaction_name(1))
    assert await ready.prompts.open(TAG, now=START + 1) == [transaction_name(0)]
    for number in range(100, 100 + LIMITS.of_client):
        assert await reserve(ready, number, now=START + 2) is PromptReservation.RESERVED
    assert await reserve(ready, 99, now=START + 2) is PromptReservation.UNANSWERED


async def test_an_approval_forgets_denials_though_another_was_approved_meanwhile(ready: Stores):
    """A prompt that was open while another client's was approved is as good as any."""
    for number in range(LIMITS.denials - 1):
        await ready.standing.denied(TAG, CLIENT, transaction_name(number), now=START)
    for number, client in ((10, CLIENT), (11, "other")):
        await ready.prompts.reserve(
            TAG, client, transaction_name(number), now=START + number, until=EXPIRES_AT
        )
    await ready.standing.approved(TAG, "other", transaction_name(11))
    await ready.standing.approved(TAG, CLIENT, transaction_name(10))
    await ready.standing.denied(TAG, CLIENT, transaction_name(20), now=START + 20)
    assert await reserve(ready, 21, now=START + 21) is PromptReservation.RESERVED


async def test_a_block_is_made_once(stores: Stores):
    """By the first who reports, again and again; another report makes it no longer."""
    until = blocked_until(LIMITS, START)
    assert until == START + LIMITS.block
    for _ in range(2):
        assert await stores.standing.block(TAG, CLIENT, "first", now=START, until=until)
    assert not await stores.standing.block(TAG, CLIENT, "second", now=START + 1, until=until + 1)
    assert await stores.standing.blocks(TAG, now=until - 1) == [Block(CLIENT, until)]
    assert await stores.standing.blocks(TAG, now=until) == []
    assert await stores.standing.block(TAG, CLIENT, "third", now=until, until=until + 1)


async def test_blocks_live_as_long_as_the_longest(stores: Stores):
    """The key has the end of the last of them, or none as long as one of them has none."""
    ends = {"a": START + 50, "b": START + 90, "c": START + 70}
    for client, until in ends.items():
        await stores.standing.block(TAG, client, client, now=START, until=until)
    assert await stores.commands.call("PEXPIRETIME", blocks_key(TAG)) == START + 90
    await stores.standing.block(TAG, "d", "d", now=START + 60, until=0)
    assert await stores.commands.call("PEXPIRETIME", blocks_key(TAG)) == -1
    await stores.standing.block(TAG, "e", "e", now=START + 60, until=START + 80)
    assert await stores.commands.call("PEXPIRETIME", blocks_key(TAG)) == -1
    blocks = await stores.standing.blocks(TAG, now=START + 60)
    assert blocks == [
        Block("b", START + 90),
        Block("c", START + 70),
        Block("d", None),
        Block("e", START + 80),
    ]
    names = await stores.commands.call("HKEYS", blocks_key(TAG))
    assert sorted(names) == [b"b", b"c", b"d", b"e"]  # what is over is kept no longer
    await stores.standing.unblock(TAG, "d")
    await stores.standing.block(TAG, "f", "f", now=START + 60, until=START + 61)
    assert await stores.commands.call("PEXPIRETIME", blocks_key(TAG)) == START + 90


async def test_a_blocked_client_is_not_heard(ready: Stores):
    """Until its time is over, or for good where it has no end."""
    await ready.standing.block(TAG, CLIENT, "it", now=START, until=EXPIRES_AT)
    await ready.standing.block(TAG, "other", "it", now=START, until=0)
    assert blocked_until(replace(LIMITS, block=0), START) == 0
    assert await reserve(ready, 0, now=EXPIRES_AT - 1) is PromptReservation.BLOCKED
    assert await reserve(ready, 1, now=EXPIRES_AT) is PromptReservation.RESERVED
    assert await reserve(ready, 2, "other", now=START + 400 * DAY) is PromptReservation.BLOCKED
