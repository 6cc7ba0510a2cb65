"""A further phone waits until its user approves it on one that is there (PSD2 RTS art. 24)."""

import asyncio
import secrets
from typing import Any

import pytest

from ciba_service.channels.hub import SocketHub
from ciba_service.flow.operators.unlocking import Unlocking
from ciba_service.flow.operators.user_reset import UserReset
from ciba_service.flow.phones.activation import Activations
from ciba_service.flow.phones.device_revocation import DeviceRevocation
from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.ports import WaitingDevice
from ciba_service.sca.factors.activation import normal_code
from ciba_service.sca.messages import comparison_code, key_thumbprint
from ciba_service.sca.phones.devices import MAXIMUM_WAITING, user_tag
from ciba_service.stores.phones.waiting_devices import RedisWaitingDevices
from tests.services.running_service import RunningService
from tests.wire.phone import WirePhone, WireSocket

ALICE = user_tag("alice")
NOT_APPROVED = {
    "error": "device_not_approved",
    "error_description": "Another device of the user has to approve this one.",
}


@pytest.fixture
async def tablet(service: RunningService, phone: WirePhone) -> WirePhone:
    """Alice's next phone; it waits."""
    assert phone.device_id
    return await waiting(service)


async def waiting(service: RunningService, name: str = "Tablet") -> WirePhone:
    """A phone of Alice's that was let in by a code and not by her."""
    code = await service.activation_code("alice", "482913")
    return await service.phone().enrol(code, second_secret="482913", name=name)


def thumbprint(phone: WirePhone) -> str:
    """The name of its key."""
    return key_thumbprint({name: str(value) for name, value in phone.key.as_dict().items()})


async def approve(by: WirePhone, phone: WirePhone, **changed: Any) -> dict[str, Any]:
    """What the order to approve a phone is answered."""
    members = {"device_id": phone.device_id, "key": thumbprint(phone), **changed}
    return await by.give_order(await by.order("approve_device", **members))


async def said(phone: WirePhone, message: dict[str, Any]) -> list[dict[str, Any]]:
    """What a phone is answered over HTTPS."""
    answer = await phone.send(message)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["messages"])


async def refusal(phone: WirePhone) -> str:
    """Why a phone is not let in."""
    answer = await phone.send({"type": "fetch"})
    assert answer.status_code == 403, answer.text
    return str(answer.json()["error"])


async def enrolled(service: RunningService) -> list[str]:
    """The names of the phones that count."""
    return [each.name for each in await service.service.stores.devices.list(ALICE)]


@pytest.mark.clause("sca-art24-3", "nist63b-4.1-1")
async def test_a_further_phone_counts_once_it_was_approved_with_the_pin(
    service: RunningService, phone: WirePhone
):
    """All phones are told, both show one code; until the order it is nobody's phone."""
    async with phone.online() as socket:
        tablet = service.phone()
        code = await service.activation_code("alice", "482913")
        answer = await tablet.send_enrolment(
            tablet.enrolment(code, second_secret="482913", name="Tablet")
        )
        assert answer.json()["approval_until"] == service.clock.now() + 900
        tablet.learn(answer.json())
        told = await socket.next("device_waiting")
        assert told == {
            "type": "device_waiting",
            "device_id": tablet.device_id,
            "name": "Tablet",
            "key": thumbprint(tablet),
            "since": service.clock.now(),
            "until": service.clock.now() + 900,
        }
        assert comparison_code(told["device_id"], told["key"]) == comparison_code(
            tablet.device_id, thumbprint(tablet)
        )
        assert (await tablet.send({"type": "fetch"})).json() == NOT_APPROVED
        order = await phone.order("approve_device", device_id=told["device_id"], key=told["key"])
        await socket.send({"type": "order", "order": order})
        heard = [await socket.receive(), await socket.receive()]
        assert {each["type"] for each in heard} == {"device_enrolled", "order_done"}
    await service.till.started()
    assert (await tablet.approve_next())["type"] == "accepted"
    assert await enrolled(service) == ["Phone", "Tablet"]
    event = await service.telemetry.seen("device_approved")
    assert event.fields == {"device_id": tablet.device_id, "by": phone.device_id}


@pytest.mark.clause("sca-art24-3")
async def test_a_stolen_code_gives_a_phone_that_can_do_nothing(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """It sees no request, decides none, is asked by nobody, and cannot approve itself."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    for message in (
        {"type": "fetch"},
        {"type": "decide", "decision": tablet.approval(challenge)},
        {"type": "make_handle"},
        {"type": "list_devices"},
        {
            "type": "order",
            "order": await tablet.order(
                "approve_device", device_id=tablet.device_id, key=thumbprint(tablet)
            ),
        },
    ):
        refused = await tablet.send(message)
        assert (refused.status_code, refused.json()) == (403, NOT_APPROVED)
    async with tablet.raw_socket() as raw:
        socket = WireSocket(raw)
        hello = await socket.next("hello")
        await socket.send({"type": "authenticate", "proof": tablet.proof(hello["nonce"])})
        await raw.wait_closed()
        assert raw.close_code == 4425
    await said(phone, {"type": "give_up"})
    assert (await service.till.start()).json()["error"] == "unknown_user_id"
    assert await enrolled(service) == []


async def test_its_decision_is_worth_nothing_on_another_phones_way(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """What the waiting phone signed is no decision of the phone that carries it."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    refused = await phone.decide(tablet.approval(challenge))
    assert (refused["type"], refused["reason"]) == ("refused", "invalid_decision")


async def test_a_phone_that_asks_while_it_is_approved_is_let_in(
    phone: WirePhone, tablet: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """Between two looks it is never taken for one that was turned away, which forgets its keys."""
    look = RedisWaitingDevices.find

    async def a_moment_later(
        store: RedisWaitingDevices, device_id: str, *, now: int
    ) -> WaitingDevice | None:
        assert (await approve(phone, tablet))["type"] == "order_done"
        return await look(store, device_id, now=now)

    monkeypatch.setattr(RedisWaitingDevices, "find", a_moment_later)
    assert (await said(tablet, {"type": "fetch"}))[-1]["type"] == "fetched"


@pytest.mark.clause("sca-art24-3")
async def test_without_the_right_pin_nothing_is_approved(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """A wrong PIN counts as anywhere; locked factors approve nothing, and still turn away."""
    for left in range(4, -1, -1):
        refused = await approve(phone, tablet, pin=False)
        assert (refused["reason"], refused["attempts_left"]) == ("factors", left)
    assert (await approve(phone, tablet))["reason"] == "locked"
    assert await refusal(tablet) == "device_not_approved"
    (rejected,) = await said(phone, {"type": "reject_device", "device_id": tablet.device_id})
    assert rejected["type"] == "device_rejected"
    assert await enrolled(service) == ["Phone"]


async def test_an_approval_is_for_the_key_that_was_compared(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Another phone's code does not approve this one, and costs no attempt."""
    other = await waiting(service, "Other")
    refused = await approve(phone, tablet, key=thumbprint(other))
    assert refused["reason"] == "unknown_device"
    assert await refusal(tablet) == "device_not_approved"
    assert await service.service.stores.attempts.used(ALICE) == 0


async def test_nobody_elses_phone_approves(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Bob's PIN is good for Bob's phones."""
    assert phone.device_id
    bobs = await service.enrolled_phone("bob")
    assert (await approve(bobs, tablet))["reason"] == "unknown_device"
    (unknown,) = await said(bobs, {"type": "reject_device", "device_id": tablet.device_id})
    assert unknown == {"type": "device_unknown", "device_id": tablet.device_id}
    assert await refusal(tablet) == "device_not_approved"


@pytest.mark.parametrize(
    ("action", "changed"),
    [
        ("approve_device", {"key": None}),
        ("approve_device", {"device_id": None}),
        ("revoke_device", {}),
        ("invite_device", {"key": None}),
        ("invite_device", {"device_id": None}),
    ],
)
async def test_an_order_has_its_members_and_no_others(
    phone: WirePhone, tablet: WirePhone, action: str, changed: dict[str, None]
):
    """Nothing is evaluated otherwise."""
    members = {"device_id": tablet.device_id, "key": thumbprint(tablet), **changed}
    refused = await phone.give_order(await phone.order(action, **members))
    assert refused["reason"] == "invalid_order"
    assert "attempts_left" not in refused


@pytest.mark.clause("nist63b-4.1-1")
async def test_a_phone_that_was_away_finds_who_waits_and_what_became_of_others(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """With the next fetch, in the list of phones, and after the end for some days."""
    other = await waiting(service, "Other")
    (rejected,) = await said(
        phone, {"type": "reject_device", "device_id": other.device_id, "reason": "not_me"}
    )
    assert rejected == {
        "type": "device_rejected",
        "device_id": other.device_id,
        "name": "Other",
    }
    event = await service.telemetry.seen("device_rejected")
    assert event.fields == {
        "device_id": other.device_id,
        "by": phone.device_id,
        "reason": "not_me",
    }
    assert await refusal(other) == "device_revoked"
    listed = await said(phone, {"type": "list_devices"})
    assert [each["type"] for each in listed] == ["device", "device_waiting", "devices"]
    assert listed[1]["device_id"] == tablet.device_id
    service.clock.advance(1)
    fetched = await said(phone, {"type": "fetch"})
    assert [each["type"] for each in fetched] == ["device_waiting", "fetched"]
    second = await service.enrolled_phone("alice", "Second")
    service.clock.advance(1)
    async with second.online() as socket:
        third = await waiting(service, "Third")
        await said(phone, {"type": "reject_device", "device_id": third.device_id})
        assert (await socket.next("device_rejected"))["name"] == "Third"
    service.clock.advance(1)
    missed = await said(second, {"type": "fetch"})
    assert [(each["type"], each.get("name")) for each in missed][:1] == [
        ("device_rejected", "Third"),
    ]
    assert missed[0]["at"] == service.clock.now() - 1


async def test_what_was_turned_away_stays_away(phone: WirePhone, tablet: WirePhone):
    """An approval that was signed before does not bring it back."""
    order = await phone.order("approve_device", device_id=tablet.device_id, key=thumbprint(tablet))
    reject = {"type": "reject_device", "device_id": tablet.device_id}
    assert (await said(phone, reject))[0]["type"] == "device_rejected"
    assert (await said(phone, reject))[0]["type"] == "device_unknown"
    assert (await phone.give_order(order))["reason"] == "unknown_device"
    assert await refusal(tablet) == "device_revoked"


async def test_a_phone_waits_for_a_while_only(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Then it is as if it had never been."""
    service.clock.advance(900)
    assert await refusal(tablet) == "device_revoked"
    assert (await approve(phone, tablet))["reason"] == "unknown_device"
    assert [each["type"] for each in await said(phone, {"type": "fetch"})] == ["fetched"]


async def test_few_phones_wait_at_once(service: RunningService, phone: WirePhone):
    """One more is refused like any other enrolment."""
    assert phone.device_id
    for number in range(MAXIMUM_WAITING):
        await waiting(service, f"Phone {number}")
    late = service.phone()
    refused = await late.send_enrolment(
        late.enrolment(await service.activation_code("alice"), name="Late")
    )
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_enrolment")


async def test_an_enrolment_sent_again_says_how_it_stands(
    service: RunningService, phone: WirePhone
):
    """The same phone while it waits and once it counts; refused when it was turned away."""
    tablet, other = service.phone(), service.phone()
    enrolment = tablet.enrolment(await service.activation_code("alice"), name="Tablet")
    first, second = [(await tablet.send_enrolment(enrolment)).json() for _ in range(2)]
    assert first["device_id"] == second["device_id"]
    assert first["approval_until"] == second["approval_until"]
    tablet.learn(first)
    pin_key = tablet.pin_key
    await approve(phone, tablet)
    third = (await tablet.send_enrolment(enrolment)).json()
    assert "approval_until" not in third
    tablet.learn(third)
    assert tablet.pin_key == pin_key
    unwanted = other.enrolment(await service.activation_code("alice"), name="Other")
    other.learn((await other.send_enrolment(unwanted)).json())
    await said(phone, {"type": "reject_device", "device_id": other.device_id})
    assert (await other.send_enrolment(unwanted)).json()["error"] == "invalid_enrolment"


async def test_of_two_approvals_at_once_one_counts(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """The other is told that nothing waits; the phone is there once."""
    assert (await approve(phone, tablet))["type"] == "order_done"
    third = await waiting(service, "Third")
    outcomes = await asyncio.gather(approve(phone, third), approve(tablet, third))
    assert sorted(each["type"] for each in outcomes) == ["order_done", "order_refused"]
    assert await enrolled(service) == ["Phone", "Tablet", "Third"]


async def test_a_replayed_order_does_nothing_again(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """It gets its first outcome, and does not bring back a phone that was revoked since."""
    order = await phone.order("approve_device", device_id=tablet.device_id, key=thumbprint(tablet))
    first = await phone.give_order(order)
    revoke = await phone.order("revoke_device", device_id=tablet.device_id)
    assert (await phone.give_order(revoke))["type"] == "order_done"
    assert await phone.give_order(order) == first
    assert await refusal(tablet) == "device_revoked"
    service.clock.advance(361)
    assert (await phone.give_order(order))["reason"] == "stale"


async def test_a_phone_revoked_meanwhile_approves_nothing(
    service: RunningService,
    phone: WirePhone,
    tablet: WirePhone,
    monkeypatch: pytest.MonkeyPatch,
):
    """Even when it was enrolled as its order came: the very step looks again."""
    order = await phone.order("approve_device", device_id=tablet.device_id, key=thumbprint(tablet))
    stores = service.service.stores
    reserve = type(stores.attempts).reserve

    async def revoking(self: Any, *args: Any, **kwargs: Any) -> object:
        await stores.devices.revoke(phone.device_id, now=service.clock.now_ms())
        return await reserve(self, *args, **kwargs)

    monkeypatch.setattr(type(stores.attempts), "reserve", revoking)
    answer = await phone.send({"type": "order", "order": order})
    assert (answer.status_code, answer.json()["error"]) == (403, "device_revoked")
    assert await refusal(tablet) == "device_not_approved"


async def test_a_word_of_a_phone_that_waits_no_more_is_not_passed_on(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """The store knows who waits; the word of it may come too late."""
    async with phone.online() as socket:
        await service.service.stores.waiting_devices.reject(
            tablet.device_id, asking=None, operation="gone", now=service.clock.now_ms()
        )
        device = await service.service.stores.devices.find(phone.device_id)
        assert device is not None
        await service.approval().ask(device)
        await service.enrolled_phone("alice", "Later")
        assert (await socket.next("device_waiting"))["name"] == "Later"


async def test_a_phone_orders_the_code_for_the_next_one(service: RunningService, phone: WirePhone):
    """With its PIN, and nobody else's help; the next one waits for approval all the same."""
    order = await phone.order("invite_device")
    done = await phone.give_order(order)
    assert (done["type"], done["action"], done["expires_in"]) == (
        "order_done",
        "invite_device",
        600,
    )
    service.clock.advance(10)
    again = await phone.give_order(order)
    assert (again["activation_code"], again["expires_in"]) == (done["activation_code"], 590)
    tablet = await service.phone().enrol(done["activation_code"], name="Tablet")
    assert await refusal(tablet) == "device_not_approved"
    again = await phone.give_order(order)
    thief = service.phone()
    used = await thief.send_enrolment(thief.enrolment(again["activation_code"]))
    assert used.json()["error"] == "invalid_enrolment"
    assert (await approve(phone, tablet))["type"] == "order_done"
    assert await enrolled(service) == ["Phone", "Tablet"]
    another = await phone.give_order(await phone.order("invite_device"))
    assert another["activation_code"] != done["activation_code"]


async def test_a_wrong_pin_orders_no_code(phone: WirePhone):
    """It counts as a wrong attempt."""
    refused = await phone.give_order(await phone.order("invite_device", pin=False))
    assert (refused["reason"], refused["attempts_left"]) == ("factors", 4)
    assert "activation_code" not in refused


async def test_after_a_reset_nothing_of_before_gets_in(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Neither what waited nor a code that a phone ordered; a first phone counts at once."""
    invited = (await phone.give_order(await phone.order("invite_device")))["activation_code"]
    stores, telemetry = service.service.stores, service.telemetry
    notices = PhoneNotices(
        notices=stores.notices, hub=SocketHub(stores.broadcast), clock=service.clock
    )
    reset = UserReset(
        devices=stores.devices,
        revocation=DeviceRevocation(
            devices=stores.devices, notices=notices, clock=service.clock, telemetry=telemetry
        ),
        approval=service.approval(),
        unlocking=Unlocking(attempts=stores.attempts, telemetry=telemetry),
        activations=Activations(
            activations=stores.activations,
            devices=stores.devices,
            random=secrets.token_bytes,
            clock=service.clock,
            telemetry=telemetry,
        ),
    )
    issued = await reset.reset("alice")
    thief = service.phone()
    refused = await thief.send_enrolment(thief.enrolment(invited))
    assert refused.json()["error"] == "invalid_enrolment"
    assert await refusal(tablet) == "device_revoked"
    first = await service.phone().enrol(issued.code, second_secret=issued.second_secret)
    await service.till.started()
    assert (await first.approve_next())["type"] == "accepted"


@pytest.mark.parametrize("has_phone", [True, False])
async def test_an_operators_further_code_fits_what_is_there(
    service: RunningService, *, has_phone: bool
):
    """For a user without a phone it is one for a first phone, and says so."""
    stores = service.service.stores
    if has_phone:
        await service.enrolled_phone("alice")
    issued = await Activations(
        activations=stores.activations,
        devices=stores.devices,
        random=secrets.token_bytes,
        clock=service.clock,
        telemetry=service.telemetry,
    ).issue("alice", further=True, with_second_secret=False)
    assert issued.further is has_phone
    phone = service.phone()
    answer = await phone.send_enrolment(phone.enrolment(normal_code(issued.code)))
    assert ("approval_until" in answer.json()) is has_phone
