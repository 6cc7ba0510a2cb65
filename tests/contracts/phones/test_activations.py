"""Activation codes: found by their keyed hash, tried five times, used once."""

import asyncio
from collections.abc import Sequence

import pytest

from ciba_service.ports import Activation, UnknownRecordFormat
from ciba_service.sca.factors.activation import ATTEMPT_LIMIT
from ciba_service.stores.driver.commands import Argument, Commands
from ciba_service.stores.driver.script import Script
from ciba_service.stores.driver.target import RedisTarget
from tests.contracts.store_builders import START, Stores, dump, processes

CODE = "K7QM2RXP9D4T"
SECRET = "482913"
UNTIL = START + 600_000
ALICE = Activation("alice", further=False)


async def put(stores: Stores, *, second_secret: str | None = SECRET, preset: bool = False) -> bool:
    """Store the code."""
    until = None if preset else UNTIL
    return await stores.activations.put(CODE, ALICE, second_secret, until=until)


@pytest.mark.parametrize("preset", [False, True])
async def test_code_and_second_secret_give_the_subject(stores: Stores, *, preset: bool):
    """Both must hold; then the code is used."""
    assert await put(stores, preset=preset)
    assert await stores.activations.attempt(CODE, SECRET, operation="enrolment") == ALICE


@pytest.mark.parametrize("preset", [False, True])
async def test_a_code_is_used_once(stores: Stores, *, preset: bool):
    """A second phone gets nothing for it; the first gets its answer again."""
    await put(stores, preset=preset)
    attempt = stores.activations.attempt
    assert await attempt(CODE, SECRET, operation="first") == ALICE
    assert await attempt(CODE, SECRET, operation="second") is None
    assert await attempt(CODE, SECRET, operation="first") == ALICE


@pytest.mark.parametrize("preset", [False, True])
async def test_a_retry_is_a_replay_when_it_comes_too_late(
    stores: Stores, redis_target: RedisTarget, *, preset: bool
):
    """Once the outcome is forgotten, not even the same enrolment gets anything for the code."""
    await put(stores, preset=preset)
    assert await stores.activations.attempt(CODE, SECRET, operation="first") == ALICE
    (mark,) = [key for key in await dump(redis_target) if b":use:" in key]
    assert await stores.commands.call("DEL", mark) == 1
    assert await stores.activations.attempt(CODE, SECRET, operation="first") is None


async def test_a_code_that_ends_while_it_is_tried_is_not_used(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
):
    """Between the look at its second secret and its use; nothing is left of it."""
    issue_script = Commands.issue_script

    def ending(
        commands: Commands, script: Script, keys: Sequence[str], args: Sequence[Argument]
    ) -> asyncio.Future[object]:
        if script.name == "use_code":
            commands.issue("DEL", keys[0])
        return issue_script(commands, script, keys, args)

    await put(stores)
    monkeypatch.setattr(Commands, "issue_script", ending)
    assert await stores.activations.attempt(CODE, SECRET, operation="enrolment") is None


@pytest.mark.parametrize("wrong", [None, "", "482914", "4829130", "é", "\0", SECRET + "\0"])
async def test_a_wrong_second_secret_gives_nothing(stores: Stores, wrong: str | None):
    """Missing, other or odd, it is refused; the right one is still good afterwards."""
    await put(stores)
    assert await stores.activations.attempt(CODE, wrong, operation="wrong") is None
    assert await stores.activations.attempt(CODE, SECRET, operation="right") == ALICE


async def test_a_code_without_a_second_secret_needs_none(stores: Stores):
    """In development the code alone is enough, and a secret that was never set fits nothing."""
    await put(stores, second_secret=None)
    assert await stores.activations.attempt(CODE, "482913", operation="odd") is None
    assert await stores.activations.attempt(CODE, None, operation="right") == ALICE


@pytest.mark.parametrize("code", ["", "K7QM2RXP9D4S", "k7qm2rxp9d4t", "}:{", "é"])
async def test_an_unknown_code_gives_nothing(stores: Stores, code: str):
    """What was never stored has no subject."""
    await put(stores)
    assert await stores.activations.attempt(code, SECRET, operation="enrolment") is None


async def test_a_code_is_stored_once(stores: Stores):
    """The second to store the same code is told, and the first stands."""
    assert await put(stores, preset=True)
    again = await stores.activations.put(
        CODE, Activation("mallory", further=True), None, until=None
    )
    assert not again
    assert await stores.activations.attempt(CODE, SECRET, operation="enrolment") == ALICE


async def test_a_preset_code_that_was_used_is_not_put_back(stores: Stores):
    """After a restart the configuration offers the code again, in vain."""
    await put(stores, preset=True)
    await stores.activations.attempt(CODE, SECRET, operation="first")
    assert not await put(stores, preset=True)
    assert await stores.activations.attempt(CODE, SECRET, operation="second") is None


async def test_a_code_whose_time_has_passed_is_gone(stores: Stores):
    """Its record ends with its lifetime."""
    await stores.activations.put(CODE, ALICE, SECRET, until=1)
    assert await stores.activations.attempt(CODE, SECRET, operation="enrolment") is None


async def test_a_code_lives_until_its_time(stores: Stores, redis_target: RedisTarget):
    """The record says itself when it ends."""
    await put(stores)
    (key,) = await dump(redis_target)
    assert await stores.commands.call("PEXPIRETIME", key) == UNTIL


@pytest.mark.clause("sca-art4-7")
@pytest.mark.parametrize("preset", [False, True])
async def test_of_fifty_wrong_secrets_at_once_five_are_evaluated(
    redis_target: RedisTarget, *, preset: bool
):
    """Five wrong second secrets burn the code: 50 at once count five, and the right one is late."""
    async with processes(redis_target, 5) as several:
        await put(several[0], preset=preset)
        outcomes = await asyncio.gather(
            *(
                stores.activations.attempt(
                    CODE, f"{number}{process}", operation=f"{number}{process}"
                )
                for process, stores in enumerate(several)
                for number in range(10)
            )
        )
        assert outcomes == [None] * 50
        ((_, record),) = (await dump(redis_target)).items()
        assert isinstance(record, dict)
        assert record[b"n"] == b"%d" % ATTEMPT_LIMIT == b"5"
        assert sum(field.startswith(b"a:") for field in record) == 5
        assert await several[0].activations.attempt(CODE, SECRET, operation="right") is None


async def test_the_fifth_try_may_still_be_right(stores: Stores):
    """Four wrong secrets do no harm to the right one."""
    await put(stores)
    for number in range(ATTEMPT_LIMIT - 1):
        await stores.activations.attempt(CODE, "wrong", operation=f"wrong {number}")
    assert await stores.activations.attempt(CODE, SECRET, operation="right") == ALICE


async def test_a_wrong_try_sent_again_is_counted_once(stores: Stores):
    """Resending the same enrolment burns nothing."""
    await put(stores)
    for _ in range(ATTEMPT_LIMIT + 1):
        await stores.activations.attempt(CODE, "wrong", operation="the same")
    assert await stores.activations.attempt(CODE, SECRET, operation="right") == ALICE


async def test_of_fifty_right_enrolments_at_once_one_gets_the_code(redis_target: RedisTarget):
    """Several phones with the right code and secret race: one is enrolled."""
    async with processes(redis_target, 5) as several:
        await put(several[0])
        outcomes = await asyncio.gather(
            *(several[number % 5].activations.attempt(CODE, SECRET, operation=f"phone {number}")
              for number in range(50))
        )  # fmt: skip
        assert outcomes.count(ALICE) == 1
        assert outcomes.count(None) == 49


@pytest.mark.parametrize("preset", [False, True])
@pytest.mark.parametrize(
    ("second_secret", "changed"),
    [
        (SECRET, {"s": "mallory"}),
        (SECRET, {"f": "1"}),
        (SECRET, {"h": ""}),
        (SECRET, {"t": ""}),
        (None, {"s": "mallory"}),
        (None, {"f": "1"}),
    ],
    ids=str,
)
async def test_a_code_that_was_changed_in_the_store_is_worth_nothing(
    stores: Stores,
    redis_target: RedisTarget,
    second_secret: str | None,
    changed: dict[str, str],
    *,
    preset: bool,
):
    """Whoever writes to the store turns no code into one of another user, or of a further phone."""
    await put(stores, second_secret=second_secret, preset=preset)
    (key,) = await dump(redis_target)
    for field, value in changed.items():
        await stores.commands.call("HSET", key, field, value)
    for shown in (second_secret, None):
        operation = f"enrolment with {shown}"
        assert await stores.activations.attempt(CODE, shown, operation=operation) is None


async def test_a_code_is_worth_nothing_in_the_place_of_another(
    stores: Stores, redis_target: RedisTarget
):
    """The record of a code that somebody knows, copied over another, does not open that one."""
    await put(stores)
    (target,) = await dump(redis_target)
    known = Activation("mallory", further=True)
    await stores.activations.put("KN0WNC0DE123", known, None, until=UNTIL)
    (source,) = [key for key in await dump(redis_target) if key != target]
    record = await stores.commands.call("HGETALL", source)
    for field, value in record.items():
        await stores.commands.call("HSET", target, field, value)
    assert await stores.activations.attempt(CODE, None, operation="enrolment") is None
    found = await stores.activations.attempt("KN0WNC0DE123", None, operation="other")
    assert found == known


async def test_a_code_of_another_format_is_refused(stores: Stores, redis_target: RedisTarget):
    """An unknown format is refused cleanly, and no try is counted."""
    await put(stores)
    (key,) = await dump(redis_target)
    await stores.commands.call("HSET", key, "v", "2")
    with pytest.raises(UnknownRecordFormat):
        await stores.activations.attempt(CODE, SECRET, operation="enrolment")
    assert await stores.commands.call("HGET", key, "n") is None


@pytest.mark.parametrize("field", ["f", "h", "t"])
async def test_a_code_of_which_something_is_missing_is_refused(
    stores: Stores, redis_target: RedisTarget, field: str
):
    """Half a record is an unknown format, too."""
    await put(stores)
    (key,) = await dump(redis_target)
    await stores.commands.call("HDEL", key, field)
    with pytest.raises(UnknownRecordFormat):
        await stores.activations.attempt(CODE, SECRET, operation="enrolment")
