"""Before wrong factors lock, and when they do, all phones are told (PSD2 RTS art. 4)."""

from typing import Any

import pytest

from ciba_service.sca.phones.devices import user_tag
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone

ALICE = user_tag("alice")


@pytest.fixture
async def tablet(service: RunningService, phone: WirePhone) -> WirePhone:
    """Alice's other phone."""
    assert phone.device_id
    return await service.enrolled_phone("alice", "Tablet")


def warning(service: RunningService, phone: WirePhone, left: int) -> dict[str, Any]:
    """What phones are told."""
    return {
        "type": "attempts_warning",
        "device_id": phone.device_id,
        "name": "Phone",
        "attempts_left": left,
        "at": service.clock.now(),
    }


@pytest.mark.clause("sca-art4-10")
async def test_all_phones_are_told_before_the_lock_and_of_it(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """With one attempt left, and with none; not before; by decisions and orders alike."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    async with tablet.online() as other, phone.online() as own:
        service.clock.advance(1)
        for left in (4, 3, 2):
            refused = await own.decide(phone.approval(challenge, pin=False))
            assert refused["attempts_left"] == left
        order = await phone.order(device_id=tablet.device_id, pin=False)
        assert (await phone.give_order(order))["attempts_left"] == 1
        for socket in (other, own):
            assert await socket.receive() == warning(service, phone, 1)
        refused = await own.decide(phone.approval(challenge, pin=False))
        assert refused["attempts_left"] == 0
        assert await other.receive() == warning(service, phone, 0)
    assert [each.fields for each in service.telemetry.named("last_attempt_left")] == [
        {"device_id": phone.device_id}
    ]
    assert len(service.telemetry.named("factors_locked")) == 1


@pytest.mark.clause("sca-art4-10")
async def test_a_phone_that_was_away_is_told_later(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Once for each time; a failure that is heard again is no further one."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    service.clock.advance(1)
    for _ in range(3):
        await phone.decide(phone.approval(challenge, pin=False))
    fourth = phone.approval(challenge, pin=False)
    first, again = [await phone.decide(fourth) for _ in range(2)]
    assert first == again
    expected = warning(service, phone, 1)
    service.clock.advance(5)
    for each in (tablet, phone):
        messages = (await each.send({"type": "fetch"})).json()["messages"]
        assert [one for one in messages if one["type"] == "attempts_warning"] == [expected]
    await service.service.stores.attempts.unlock(ALICE)
    for _ in range(4):
        await phone.decide(phone.approval(challenge, pin=False))
    messages = (await tablet.send({"type": "fetch"})).json()["messages"]
    told = [one for one in messages if one["type"] == "attempts_warning"]
    assert told == [expected, warning(service, phone, 1)]


@pytest.mark.clause("sca-art4-10", "sca-art4-7")
async def test_the_operator_says_how_many_attempts_there_are(
    run_service: ServiceRunner, till: WireClient
):
    """Fewer than five: the phone counts from there, the lock holds for requests and handles."""
    limits = {"limits": {"failed_attempts": 2}}
    async with run_service(clients=[till], sections=limits) as service:
        phone = await service.enrolled_phone("alice")
        approved = await service.till.started()
        await phone.approve_next()
        await service.till.started()
        (challenge,) = await phone.fetch()
        for left in (1, 0):
            refused = await phone.decide(phone.approval(challenge, pin=False))
            assert refused["attempts_left"] == left
        assert (await service.till.start()).json()["error"] == "unknown_user_id"
        (handle,) = (await phone.send({"type": "make_handle"})).json()["messages"]
        assert handle["reason"] == "locked"
        assert (await service.till.poll(approved)).status_code == 200
        await service.service.stores.attempts.unlock(ALICE)
        await service.till.started()


@pytest.mark.clause("sca-art4-10")
async def test_the_last_attempt_has_to_wait_where_the_operator_says_so(
    run_service: ServiceRunner, till: WireClient
):
    """A block that passes: not even the right PIN is looked at; afterwards it is, and counts."""
    limits = {"limits": {"failed_attempts": 3, "last_attempt_pause": 60}}
    async with run_service(clients=[till], sections=limits) as service:
        phone = await service.enrolled_phone("alice")
        auth_req_id = await service.till.started()
        (challenge,) = await phone.fetch()
        for left in (2, 1):
            refused = await phone.decide(phone.approval(challenge, pin=False))
            assert refused["attempts_left"] == left
        service.clock.advance(20)
        right = phone.approval(challenge)
        paused = await phone.decide(right)
        assert (paused["type"], paused["reason"], paused["retry_after"]) == (
            "refused",
            "paused",
            40,
        )
        order = await phone.give_order(await phone.order("invite_device"))
        assert (order["reason"], order["retry_after"]) == ("paused", 40)
        assert await service.service.stores.attempts.used(ALICE) == 2
        service.clock.advance(40)
        assert (await phone.decide(right))["type"] == "accepted"
        assert (await service.till.poll(auth_req_id)).status_code == 200
