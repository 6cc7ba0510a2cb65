"""The PIN is changed: the old one proven, the new key in its place, and never neither of them."""

import asyncio
import base64
import secrets
from typing import Any

import pytest

from ciba_service.ports import StoreUnavailable
from ciba_service.sca.phones.devices import user_tag
from tests.services.running_service import RunningService
from tests.wire.phone import WirePhone

ALICE = user_tag("alice")
NEW = secrets.token_bytes(32)


def text(key: bytes) -> str:
    """A key as the order carries it."""
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


async def change(phone: WirePhone, key: bytes = NEW, **options: Any) -> str:
    """An order for another PIN."""
    return await phone.order("change_pin", pin_key=text(key), **options)


async def used(service: RunningService) -> int:
    """How many attempts count against Alice."""
    return await service.service.stores.attempts.used(ALICE)


async def test_the_new_pin_counts_and_the_old_one_does_not(
    service: RunningService, phone: WirePhone
):
    """From the answer on; the user's other phone keeps its own."""
    tablet = await service.enrolled_phone("alice", "Tablet")
    done = await phone.give_order(await change(phone))
    assert (done["type"], done["action"]) == ("order_done", "change_pin")
    await service.till.started()
    assert (await phone.approve_next())["reason"] == "factors"
    phone.pin_key = NEW
    assert (await phone.approve_next())["type"] == "accepted"
    await service.till.started()
    assert (await tablet.approve_next())["type"] == "accepted"


async def test_a_wrong_old_pin_changes_nothing_and_is_counted(
    service: RunningService, phone: WirePhone
):
    """And is never told apart by what follows: the old PIN goes on counting."""
    refused = await phone.give_order(await change(phone, pin=False))
    assert (refused["reason"], refused["attempts_left"]) == ("factors", 4)
    await service.till.started()
    assert (await phone.approve_next())["type"] == "accepted"


async def test_guessing_the_old_pin_fifty_times_at_once_is_five_guesses(
    service: RunningService, phone: WirePhone
):
    """The change of a PIN is no way around the counter."""
    orders = await asyncio.gather(*(change(phone, pin=False) for _ in range(50)))
    reasons = [
        outcome["reason"] for outcome in await asyncio.gather(*map(phone.give_order, orders))
    ]
    assert (reasons.count("factors"), reasons.count("locked")) == (5, 45)
    assert (await phone.give_order(await change(phone)))["reason"] == "locked"
    assert await used(service) == 5


async def test_a_change_whose_answer_was_lost_is_confirmed_as_long_as_it_lasts(
    service: RunningService, phone: WirePhone
):
    """Days later the same order gets the same answer, and costs no attempt."""
    order = await change(phone)
    outcomes = [await phone.give_order(order)]
    service.clock.advance(3 * 86_400)
    outcomes += [await phone.give_order(order)]
    assert [outcome["type"] for outcome in outcomes] == ["order_done", "order_done"]
    assert await used(service) == 0


async def test_a_change_that_was_cut_short_costs_no_attempt(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """The key was in place when the store went away; the same order, later, ends what was left."""
    order, attempts = await change(phone), type(service.service.stores.attempts)

    async def away(*_: Any, **_options: Any) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(attempts, "succeeded", away)
        assert (await phone.send({"type": "order", "order": order})).status_code == 503
    service.telemetry.failures.clear()
    assert await used(service) == 1
    service.clock.advance(86_400)
    assert (await phone.give_order(order))["type"] == "order_done"
    assert await used(service) == 0


async def test_an_order_that_never_arrived_can_be_given_up(
    service: RunningService, phone: WirePhone
):
    """Once it is stale it never counts, and the old PIN does."""
    order = await change(phone)
    service.clock.advance(361)
    assert (await phone.give_order(order))["reason"] == "stale"
    await service.till.started()
    assert (await phone.approve_next())["type"] == "accepted"


async def test_of_two_changes_at_once_one_counts(service: RunningService, phone: WirePhone):
    """The other is refused for good: the phone knows which key it has."""
    keys = [secrets.token_bytes(32) for _ in "ab"]
    orders = [await change(phone, key) for key in keys]
    outcomes = await asyncio.gather(*map(phone.give_order, orders))
    (winner,) = [
        key for key, got in zip(keys, outcomes, strict=True) if got["type"] == "order_done"
    ]
    (loser,) = [outcome for outcome in outcomes if outcome["type"] == "order_refused"]
    assert loser["reason"] in {"stale", "factors"}
    phone.pin_key = winner
    await service.till.started()
    assert (await phone.approve_next())["type"] == "accepted"


async def test_an_overtaken_change_is_refused_for_good(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """Proven with a key that another change replaced in between, it does nothing."""
    first, second = await change(phone), await change(phone, secrets.token_bytes(32))
    attempts = type(service.service.stores.attempts)
    reserve = attempts.reserve

    async def overtaken(self: Any, tag: str, **options: Any) -> object:
        monkeypatch.setattr(attempts, "reserve", reserve)
        assert (await phone.give_order(first))["type"] == "order_done"
        return await reserve(self, tag, **options)

    monkeypatch.setattr(attempts, "reserve", overtaken)
    assert (await phone.give_order(second))["reason"] == "stale"
    assert await used(service) == 0


@pytest.mark.parametrize("key", ["", "A" * 42, "A" * 86, "!" * 43])
async def test_a_key_of_another_shape_is_refused(
    service: RunningService, phone: WirePhone, key: str
):
    """Nothing is evaluated."""
    refused = await phone.give_order(await phone.order("change_pin", pin_key=key))
    assert refused["reason"] == "invalid_order"
    assert await used(service) == 0


async def test_a_change_without_a_key_is_refused(phone: WirePhone):
    """And one about another phone."""
    assert (await phone.give_order(await phone.order("change_pin")))["reason"] == "invalid_order"
    order = await change(phone, device_id=phone.device_id)
    assert (await phone.give_order(order))["reason"] == "invalid_order"


async def test_the_new_key_is_kept_encrypted(service: RunningService, phone: WirePhone):
    """Neither as bytes nor as text does it stand in the store."""
    await phone.give_order(await change(phone))
    stored = await service.commands.call("HGETALL", f"ciba:{{u{ALICE}}}:devices")
    held = b"".join(stored.values())
    assert NEW not in held
    for form in (text(NEW), base64.b64encode(NEW).decode(), NEW.hex()):
        assert form.encode() not in held
