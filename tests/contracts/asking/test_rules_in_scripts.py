"""The scripts decide exactly as the tables in Python do."""

import itertools

import pytest

from ciba_service.ports import PollStatus
from ciba_service.protocol.transaction.polling import Throttle, poll
from ciba_service.protocol.transaction.state import (
    Deadlines,
    Event,
    IllegalTransition,
    State,
    advance,
    effective_state,
    redeemable_until,
)
from ciba_service.sca.factors.attempts import (
    ATTEMPT_LIMIT,
    Attempt,
    AttemptLimits,
    LockedError,
    PausedError,
    reserve_attempt,
)
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.asking.transition_table import STATE_PRELUDE
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import attempts_key, transaction_key
from tests.contracts.store_builders import (
    CLIENT,
    EXPIRES_AT,
    START,
    TAG,
    Stores,
    new_transaction,
    stores_over,
    swap_of,
    transaction_name,
)
from tests.contracts.turns import in_turns

GRACE_ENDS = EXPIRES_AT + 30_000
DEADLINES = [Deadlines(EXPIRES_AT, until) for until in (0, EXPIRES_AT, GRACE_ENDS)]
INSTANTS = [deadline + beside for deadline in (EXPIRES_AT, GRACE_ENDS) for beside in (-1, 0, 1)] + [
    START
]
EFFECTIVE = Script.of(
    "effective", STATE_PRELUDE + "return effective_state(ARGV[1], ARGV[2], ARGV[3], ARGV[4] + 0)"
)
REDEEMABLE = Script.of(
    "redeemable", STATE_PRELUDE + "return integer(redeemable_until(ARGV[1], ARGV[2] + 0))"
)


def answer_of_the_table(
    state: State, event: Event, deadlines: Deadlines, now: int
) -> tuple[bool, State]:
    """Whether the event happens, and the state after it or the one that forbids it."""
    try:
        return True, advance(state, event, deadlines, now)
    except IllegalTransition as refusal:
        return False, refusal.state


async def store_as(stores: Stores, name: str, state: State, deadlines: Deadlines) -> None:
    """A transaction in any state, as if it had got there."""
    await stores.transactions.create(new_transaction(name), operation="create")
    await stores.commands.call(
        "HSET", transaction_key(name), "s", state, "u", deadlines.redeem_until
    )


async def test_the_swap_script_is_the_table(stores: Stores):
    """For every state, event, deadline and instant the store and the table say the same."""
    cases = list(enumerate(itertools.product(State, Event, DEADLINES, INSTANTS)))
    assert len(cases) == len(State) * len(Event) * 3 * 7

    async def compare(number: int, state: State, event: Event, at: Deadlines, now: int) -> None:
        name = transaction_name(number)
        await store_as(stores, name, state, at)
        result = await stores.transactions.swap(
            swap_of(event, "the operation", now=now, transaction_id=name)
        )
        expected = answer_of_the_table(state, event, at, now)
        assert (result.won, result.state) == expected, (state, event, at, now)
        written = await stores.commands.call("HGET", transaction_key(name), "s")
        assert State(written.decode()) is (expected[1] if result.won else state)

    await in_turns(compare(number, *case) for number, case in cases)


async def test_the_state_at_an_instant_is_the_same_in_both_languages(stores: Stores):
    """A deadline that has passed means the same to the scripts, to a poll and to Python."""
    cases = list(enumerate(itertools.product(State, DEADLINES, INSTANTS)))

    async def compare(number: int, state: State, deadlines: Deadlines, now: int) -> None:
        name, expected = transaction_name(number), effective_state(state, deadlines, now)
        arguments = [state, deadlines.expires_at, deadlines.redeem_until, now]
        in_lua = await stores.commands.evaluate(EFFECTIVE, [name], arguments)
        assert State(in_lua.decode()) is expected, (state, deadlines, now)
        await store_as(stores, name, state, deadlines)
        seen = await stores.transactions.poll(name, client_id=CLIENT, operation="poll", now=now)
        settled = seen.transaction.state if seen.transaction else State.PENDING
        assert settled is expected, (state, deadlines, now)
        read = await stores.transactions.read(name, now=now)
        assert read is not None
        assert read.state is expected

    await in_turns(compare(number, *case) for number, case in cases)


@pytest.mark.parametrize(
    "approved_at",
    [START, EXPIRES_AT - 60_000, EXPIRES_AT - 59_999],
    ids=["early", "at the limit", "late"],
)
async def test_an_approval_extends_the_deadline_as_the_rule_says(stores: Stores, approved_at: int):
    """Sixty seconds after the approval, or the expiry, whichever is later."""
    reply = await stores.commands.evaluate(REDEEMABLE, ["any"], [EXPIRES_AT, approved_at])
    assert int(reply) == redeemable_until(expires_at=EXPIRES_AT, approved_at=approved_at)


INTERVALS = (0, 1, 999, 1_000, 1_001, 5_000, 9_999, 10_000, 10_009, 10_010, 25_000, 600_000)
GAPS = (
    -600_000,
    -5_001,
    -4_000,
    -3_999,
    -1,
    0,
    1,
    999,
    1_000,
    4_000,
    5_000,
    9_000,
    9_008,
    9_009,
    22_499,
    22_500,
    540_000,
)


async def test_the_poll_script_is_the_rate_rule(stores: Stores):
    """Every interval with every gap, and one beside the limit of each, gets the rule's answer."""
    limits = [
        (interval, gap)
        for interval in INTERVALS
        for limit in (interval - max(1_000, interval // 10),)
        for gap in {*GAPS, limit - 1, limit, limit + 1}
    ]
    first = [(interval, None) for interval in INTERVALS]

    async def compare(number: int, interval: int, gap: int | None) -> None:
        name = transaction_name(number)
        new = new_transaction(name, interval_ms=interval, expires_at=START + 3_600_000)
        await stores.transactions.create(new, operation="create")
        last = 0 if gap is None else START + 1_000_000
        if last:
            await stores.commands.call("HSET", transaction_key(name), "l", last)
        now = START + 1_000_000 + (gap or 0)
        reply = await stores.transactions.poll(name, client_id=CLIENT, operation="poll", now=now)
        too_early, after = poll(Throttle(interval, last), now)
        expected = PollStatus.SLOW_DOWN if too_early else PollStatus.PENDING
        told = (reply.status, reply.interval)
        assert told == (expected, after.interval_ms // 1000), (interval, gap)
        kept = await stores.commands.call("HMGET", transaction_key(name), "i", "l")
        assert [int(value) for value in kept] == [after.interval_ms, after.last_poll_at]

    cases = [*limits, *first]
    assert len(cases) > 150
    await in_turns(compare(number, *case) for number, case in enumerate(cases))


async def test_polls_in_a_row_follow_the_rate_rule(stores: Stores):
    """Whatever the rhythm of five polls, the store and the rule agree on each of them."""
    rhythms = list(enumerate(itertools.product((0, 3_999, 4_000, 8_999, 9_000), repeat=4)))

    async def compare(number: int, gaps: tuple[int, ...]) -> None:
        name, now, throttle = transaction_name(number), START, Throttle(5_000)
        await stores.transactions.create(new_transaction(name), operation="create")
        for gap in (0, *gaps):
            now += gap
            reply = await stores.transactions.poll(
                name, client_id=CLIENT, operation=f"poll at {now} {throttle}", now=now
            )
            too_early, throttle = poll(throttle, now)
            expected = PollStatus.SLOW_DOWN if too_early else PollStatus.PENDING
            assert (reply.status, reply.interval) == (expected, throttle.interval_ms // 1000), gaps

    await in_turns(compare(*rhythm) for rhythm in rhythms)


@pytest.mark.parametrize("used", range(ATTEMPT_LIMIT + 3))
async def test_the_attempt_script_is_the_rule(stores: Stores, used: int):
    """After any number of attempts the store gives what the rule gives, or is locked with it."""
    tag = user_tag(f"user with {used}")
    for number in range(used):
        await stores.commands.call("ZADD", attempts_key(tag), number, f"attempt {number}")
    try:
        expected = reserve_attempt(used, START, AttemptLimits())
    except LockedError:
        with pytest.raises(LockedError):
            await stores.attempts.reserve(tag, operation="attempt", knowledge=True, now=START)
    else:
        assert (
            await stores.attempts.reserve(tag, operation="attempt", knowledge=True, now=START)
            == expected
        )
    assert await stores.attempts.used(tag) == min(used + 1, max(used, ATTEMPT_LIMIT))


@pytest.mark.parametrize("attempts", range(2, ATTEMPT_LIMIT + 1))
@pytest.mark.parametrize("pause", [0, 60_000])
async def test_the_attempt_script_waits_as_the_rule_does(
    commands: Commands, attempts: int, pause: int
):
    """Attempt for attempt, at all the moments that matter, for any limit."""
    limits = AttemptLimits(attempts, pause)
    stores = stores_over(commands, attempt_limits=limits)
    last_but_one_at: int | None = None
    used = 0
    moments = [START + step for step in (0, 1, 2, 3, 4, 60_000 - 1, 60_000 + 4, 120_000)]
    for number, now in enumerate(moments):
        reserving = stores.attempts.reserve(
            TAG, operation=f"attempt {number}", knowledge=True, now=now
        )
        expected = given(used, now, limits, last_but_one_at)
        if isinstance(expected, Attempt):
            assert await reserving == expected
            used += 1
            last_but_one_at = now if used == attempts - 1 else last_but_one_at
        else:
            with pytest.raises(type(expected)) as refused:
                await reserving
            assert refused.value.args == expected.args
    assert await stores.attempts.used(TAG) == used == attempts


def given(
    used: int, now: int, limits: AttemptLimits, last_but_one_at: int | None
) -> Attempt | LockedError | PausedError:
    """What the rule gives, or how it refuses."""
    try:
        return reserve_attempt(used, now, limits, last_but_one_at=last_but_one_at)
    except (LockedError, PausedError) as refusal:
        return refusal
