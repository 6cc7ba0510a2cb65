"""Users look after their phones: see them, name them, revoke a lost one, give one up."""

import asyncio
import secrets
from typing import Any

import pytest
from joserfc.jwk import ECKey

from ciba_service.channels.hub import SocketHub
from ciba_service.flow.operators.unlocking import Unlocking
from ciba_service.flow.operators.user_reset import UserReset
from ciba_service.flow.phones.activation import Activations, HasPhone
from ciba_service.flow.phones.device_revocation import DeviceRevocation
from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.protocol.jose.encryption import encrypt_to
from ciba_service.sca.messages import ORDER_FACTORS_TYP, ORDER_TYP, transaction_id
from ciba_service.sca.phones.devices import user_tag
from tests.services.running_service import RunningService
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, header_of, new_key, segment, sign

ALICE = user_tag("alice")


@pytest.fixture
async def tablet(service: RunningService, phone: WirePhone) -> WirePhone:
    """Alice's other phone, enrolled after the first."""
    assert phone.device_id
    return await service.enrolled_phone("alice", "Tablet")


async def said(phone: WirePhone, message: dict[str, Any]) -> list[dict[str, Any]]:
    """What a phone is answered over HTTPS."""
    answer = await phone.send(message)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["messages"])


async def used(service: RunningService) -> int:
    """How many attempts count against Alice."""
    return await service.service.stores.attempts.used(ALICE)


async def test_a_user_sees_all_phones_and_which_one_is_in_hand(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """The oldest first; nobody else's."""
    await service.enrolled_phone("bob")
    *devices, listed = await said(tablet, {"type": "list_devices"})
    assert [(each["device_id"], each["name"], each["this"]) for each in devices] == [
        (phone.device_id, "Phone", False),
        (tablet.device_id, "Tablet", True),
    ]
    assert {each["enrolled_at"] for each in devices} == {service.clock.now()}
    assert listed == {"type": "devices", "enrolled": [phone.device_id, tablet.device_id]}


async def test_a_phone_gets_another_name(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Seen by the others; what the phone can do stays as it was."""
    (renamed,) = await said(phone, {"type": "rename_device", "name": "Œuvre 2"})
    assert renamed == {
        "type": "device_renamed",
        "device_id": phone.device_id,
        "name": "Œuvre 2",
    }
    first, *_ = await said(tablet, {"type": "list_devices"})
    assert first["name"] == "Œuvre 2"
    await service.till.started()
    assert (await phone.approve_next())["type"] == "accepted"


@pytest.mark.parametrize("name", ["\u202ereversed", "two  spaces", "p\u0430ypal", "😀", "-"])
async def test_a_name_that_could_deceive_is_refused(phone: WirePhone, name: str):
    """The other phones show it; the old one stays."""
    assert await said(phone, {"type": "rename_device", "name": name}) == [{"type": "name_refused"}]
    first, _ = await said(phone, {"type": "list_devices"})
    assert first["name"] == "Phone"


@pytest.mark.parametrize("name", ["", "a" * 65, 7])
async def test_a_name_of_another_length_is_no_message(phone: WirePhone, name: object):
    """It is bounded before it is looked at."""
    answer = await phone.send({"type": "rename_device", "name": name})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.clause("nist63b-4.3-1")
async def test_a_lost_phone_is_revoked_by_another_one(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Its sockets end at once, what it approved is worth nothing, open prompts stay for others."""
    approved = await service.till.started()
    await phone.approve_next()
    async with phone.online() as lost, tablet.online() as kept:
        auth_req_id = await service.till.started()
        await lost.next("challenge")
        order = await tablet.order(device_id=phone.device_id)
        await kept.send({"type": "order", "order": order})
        heard = [await kept.next("challenge")]
        heard += [await kept.receive(), await kept.receive()]
        assert {message["type"] for message in heard[1:]} == {"order_done", "device_revoked"}
        told = next(message for message in heard if message["type"] == "device_revoked")
        assert told == {
            "type": "device_revoked",
            "device_id": phone.device_id,
            "name": "Phone",
        }
        await lost.raw.wait_closed()
        assert lost.raw.close_code == 4403
        assert (await kept.decide(tablet.approval(heard[0]["challenge"])))["type"] == "accepted"
    assert (await service.till.poll(auth_req_id)).status_code == 200
    assert (await service.till.poll(approved)).json()["error"] == "access_denied"
    assert (await phone.send({"type": "fetch"})).status_code == 403
    assert await used(service) == 0


async def test_a_wrong_pin_revokes_nothing_and_counts_like_any_other(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Decisions and orders share the attempts of the user; a right PIN forgets them all."""
    refused = await tablet.give_order(await tablet.order(device_id=phone.device_id, pin=False))
    assert (refused["reason"], refused["attempts_left"]) == ("factors", 4)
    await service.till.started()
    assert (await phone.approve_next(pin=False))["attempts_left"] == 3
    done = await tablet.give_order(await tablet.order(device_id=phone.device_id))
    assert (done["type"], done["action"]) == ("order_done", "revoke_device")
    assert await used(service) == 0


async def test_fifty_guesses_at_once_are_five(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Each is reserved before it is looked at; then even the right PIN is not."""
    orders = await asyncio.gather(
        *(tablet.order(device_id=phone.device_id, pin=False) for _ in range(50))
    )
    outcomes = await asyncio.gather(*map(tablet.give_order, orders))
    reasons = [outcome["reason"] for outcome in outcomes]
    assert (reasons.count("factors"), reasons.count("locked")) == (5, 45)
    left = sorted(outcome["attempts_left"] for outcome in outcomes if "attempts_left" in outcome)
    assert left == [0, 1, 2, 3, 4]
    right = await tablet.give_order(await tablet.order(device_id=phone.device_id))
    assert right["reason"] == "locked"
    assert len(await service.service.stores.devices.list(ALICE)) == 2


async def test_a_refused_order_sent_again_costs_nothing_more(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """To the byte it is the same attempt."""
    order = await tablet.order(device_id=phone.device_id, pin=False)
    outcomes = [await tablet.give_order(order) for _ in range(3)]
    assert {outcome["attempts_left"] for outcome in outcomes} == {4}
    assert await used(service) == 1


async def test_an_order_sent_again_gets_its_first_outcome(phone: WirePhone, tablet: WirePhone):
    """A lost answer is repeated, although the phone is gone by then."""
    order = await tablet.order(device_id=phone.device_id)
    outcomes = [await tablet.give_order(order) for _ in range(2)]
    assert [outcome["type"] for outcome in outcomes] == ["order_done", "order_done"]


@pytest.mark.clause("sca-art4-3")
async def test_a_proof_of_the_pin_is_good_for_one_order(service: RunningService, phone: WirePhone):
    """Signed anew it is a wrong PIN: whoever can sign wins neither a code nor new guesses by it."""
    order = await phone.order("invite_device")
    assert (await phone.give_order(order))["type"] == "order_done"
    wrong = await phone.give_order(await phone.order("invite_device", pin=False))
    header = {"alg": "ES256", "typ": ORDER_TYP, "kid": phone.device_id}
    anew = await phone.give_order(sign(header, claims_of(order), phone.key))
    assert (anew["type"], anew.get("reason")) == ("order_refused", "factors")
    assert (wrong["attempts_left"], anew["attempts_left"]) == (4, 3)
    assert await used(service) == 2


async def test_nobody_revokes_the_phone_of_another_user(service: RunningService, phone: WirePhone):
    """With the right PIN too, it is answered like a phone that never was."""
    bobs = await service.enrolled_phone("bob")
    for target in (phone.device_id, "A" * 43, bobs.device_id):
        refused = await bobs.give_order(await bobs.order(device_id=target))
        assert refused["reason"] == "unknown_device"
    assert await service.service.stores.devices.is_active(phone.device_id)
    assert await service.service.stores.attempts.used(user_tag("bob")) == 0


async def test_of_two_phones_that_revoke_each_other_one_stays(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """The asking phone must be enrolled in the very step that revokes the other."""
    orders = [
        await phone.order(device_id=tablet.device_id),
        await tablet.order(device_id=phone.device_id),
    ]
    answers = await asyncio.gather(
        phone.send({"type": "order", "order": orders[0]}),
        tablet.send({"type": "order", "order": orders[1]}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    assert len(await service.service.stores.devices.list(ALICE)) == 1


async def test_a_phone_revoked_while_its_order_travelled_orders_nothing(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """On an authenticated socket the phone is looked up again."""
    async with phone.online() as socket:
        order = await phone.order(device_id=tablet.device_id)
        await service.service.stores.devices.revoke(phone.device_id, now=service.clock.now_ms())
        await socket.send({"type": "order", "order": order})
        await socket.raw.wait_closed()
    assert socket.raw.close_code == 4403
    assert await service.service.stores.devices.is_active(tablet.device_id)


async def test_an_order_of_another_phone_is_not_this_ones(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Overheard and handed in by another phone of the same user, it proves nothing."""
    order = await tablet.order(device_id=phone.device_id)
    assert (await phone.give_order(order))["reason"] == "invalid_order"
    assert await used(service) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://other.example"},
        {"typ": "ciba-decision+jwt"},
        {"factors_jti": "another"},
        {"factors": "no.JWE"},
        {"pin_key": "A" * 43},
        {"device_id": None},
        {"iss": "A" * 43},
    ],
)
async def test_a_wrong_order_is_refused_and_not_counted(
    service: RunningService, phone: WirePhone, tablet: WirePhone, changed: dict[str, Any]
):
    """Nothing is evaluated before everything about it is right."""
    order = await tablet.order(**{"device_id": phone.device_id, **changed})
    assert (await tablet.give_order(order))["reason"] == "invalid_order"
    assert await used(service) == 0


async def test_what_is_nested_without_end_is_no_order(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Its payload cannot be read, and neither can what it carries for the PIN."""
    order = await tablet.order(device_id=phone.device_id)
    endless = b'{"x": ' + b"[" * 2_000
    unreadable = sign(header_of(order), endless, tablet.key)
    assert (await tablet.send({"type": "order", "order": unreadable})).status_code == 400
    recipient = ECKey.import_key(tablet.service_keys["encryption"])
    factors = encrypt_to(recipient, endless, typ=ORDER_FACTORS_TYP)
    order = sign(header_of(order), claims_of(order) | {"factors": factors}, tablet.key)
    assert (await tablet.give_order(order))["reason"] == "invalid_order"
    assert await used(service) == 0


async def test_an_order_that_its_phone_did_not_sign_is_refused_and_not_counted(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Whoever has the PIN and not the key orders nothing; nor is a word of an order changed."""
    order = await tablet.order(device_id=phone.device_id)
    header, _, signature = order.split(".")
    forged = sign(header_of(order), claims_of(order), new_key())
    changed = f"{header}.{segment({**claims_of(order), 'key': 'A' * 43})}.{signature}"
    for text in (forged, changed):
        assert (await tablet.give_order(text))["reason"] == "invalid_order"
    assert await used(service) == 0
    assert await service.service.stores.devices.is_active(phone.device_id)
    assert (await tablet.give_order(order))["type"] == "order_done"


@pytest.mark.parametrize("order", ["nonsense", "a.b.c"])
async def test_what_is_no_order_breaks_the_protocol(phone: WirePhone, order: str):
    """Over HTTPS 400, on a socket 4400."""
    answer = await phone.send({"type": "order", "order": order})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    async with phone.online() as socket:
        await socket.send({"type": "order", "order": order})
        await socket.raw.wait_closed()
    assert socket.raw.close_code == 4400


async def test_a_nonce_that_is_not_plain_is_no_order(phone: WirePhone, tablet: WirePhone):
    """Names are bounded before anything is kept of them."""
    order = await phone.order(device_id=tablet.device_id, nonce="n" * 129)
    answer = await phone.send({"type": "order", "order": order})
    assert answer.status_code == 400


@pytest.mark.clause("nist63b-3.2.7-1")
async def test_an_old_order_is_refused_and_not_counted(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """After five minutes it may be under way for one more; then it never counts."""
    order = await tablet.order(device_id=phone.device_id, pin=False)
    service.clock.advance(300)
    assert (await tablet.give_order(order))["reason"] == "unavailable"
    service.clock.advance(60)
    assert (await tablet.give_order(order))["reason"] == "stale"
    strange = await tablet.order(device_id=phone.device_id, nonce="of-somebody-else")
    assert (await tablet.give_order(strange))["reason"] == "stale"
    assert await used(service) == 0


async def test_a_phone_gives_itself_up(
    service: RunningService, phone: WirePhone, tablet: WirePhone
):
    """Without the PIN, even when it is locked; the other phone is told."""
    auth_req_id = await service.till.started()
    async with tablet.online() as kept, phone.online() as socket:
        await socket.send({"type": "give_up"})
        told = {"type": "device_revoked", "device_id": phone.device_id, "name": "Phone"}
        assert await kept.next("device_revoked") == told
        await socket.raw.wait_closed()
        assert socket.raw.close_code == 4403
        fetched = (await said(tablet, {"type": "fetch"}))[-1]
        assert fetched["open"] == [transaction_id(auth_req_id)]
    assert (await phone.send({"type": "give_up"})).status_code == 403


async def test_over_https_a_phone_hears_that_it_gave_up(phone: WirePhone):
    """The last thing it hears."""
    assert await said(phone, {"type": "give_up"}) == [
        {"type": "device_revoked", "device_id": phone.device_id, "name": "Phone"}
    ]


async def test_a_phone_that_went_between_proof_and_message_hears_nothing(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """Whatever it asks, it is told that it is revoked."""
    sessions = type(service.service.stores.replays)
    reserve = sessions.reserve

    async def revoking(self: Any, *args: Any, **options: Any) -> bool:
        await service.service.stores.devices.revoke(phone.device_id, now=service.clock.now_ms())
        return await reserve(self, *args, **options)

    monkeypatch.setattr(sessions, "reserve", revoking)
    for message in (
        {"type": "list_devices"},
        {"type": "rename_device", "name": "New"},
        {"type": "give_up"},
    ):
        phone = await service.enrolled_phone("alice")
        assert (await phone.send(message)).json()["error"] == "device_revoked"


async def test_a_reset_takes_every_phone_before_it_unlocks(
    service: RunningService,
    phone: WirePhone,
    tablet: WirePhone,
    monkeypatch: pytest.MonkeyPatch,
):
    """Whoever holds one gets no new guesses; who enrols meanwhile is not passed over."""
    stores, telemetry = service.service.stores, service.telemetry
    reset = UserReset(
        devices=stores.devices,
        revocation=DeviceRevocation(
            devices=stores.devices,
            notices=PhoneNotices(
                notices=stores.notices, hub=SocketHub(stores.broadcast), clock=service.clock
            ),
            clock=service.clock,
            telemetry=telemetry,
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
    await tablet.give_order(await tablet.order(device_id=phone.device_id, pin=False))
    unlock = type(stores.attempts).unlock

    async def looked_at(self: Any, tag: str) -> None:
        assert await stores.devices.list(tag) == []
        await unlock(self, tag)
        await service.enrolled_phone("alice")

    monkeypatch.setattr(type(stores.attempts), "unlock", looked_at)
    with pytest.raises(HasPhone):
        await reset.reset("alice")
    monkeypatch.setattr(type(stores.attempts), "unlock", unlock)
    issued = await reset.reset("alice")
    assert issued.second_secret is not None
    assert await stores.devices.list(ALICE) == []
    assert await used(service) == 0


async def test_a_phone_that_was_away_learns_what_happened(
    service: RunningService, phone: WirePhone
):
    """On its socket and over HTTPS, for seven days; nothing of itself or from before its time."""
    service.clock.advance(60)
    tablet = await service.enrolled_phone("alice", "Tablet")
    service.clock.advance(60)
    enrolled = {
        "type": "device_enrolled",
        "device_id": tablet.device_id,
        "name": "Tablet",
        "at": service.clock.now() - 60,
    }
    async with phone.online() as socket:
        assert socket.first == [enrolled]
    assert await said(tablet, {"type": "fetch"}) == [{"type": "fetched", "open": []}]
    await said(tablet, {"type": "give_up"})
    revoked = {**enrolled, "type": "device_revoked", "at": service.clock.now()}
    for _ in "ab":
        *told, _ = await said(phone, {"type": "fetch"})
        assert told == [enrolled, revoked]
    service.clock.advance(7 * 86_400)
    *told, _ = await said(phone, {"type": "fetch"})
    assert told == [revoked]
    service.clock.advance(1)
    assert await said(phone, {"type": "fetch"}) == [{"type": "fetched", "open": []}]


async def test_what_is_told_later_is_bounded(service: RunningService, phone: WirePhone):
    """The last twenty."""
    for number in range(12):
        service.clock.advance(1)
        other = await service.enrolled_phone("alice", f"Phone {number}")
        await said(other, {"type": "give_up"})
    *told, _ = await said(phone, {"type": "fetch"})
    assert len(told) == 20
    assert told[-1]["name"] == "Phone 11"
