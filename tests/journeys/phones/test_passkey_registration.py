"""A phone registers passkeys with its PIN, looks at them and removes them; the others are told."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from webauthn.helpers import parse_registration_options_json
from webauthn.helpers.structs import UserVerificationRequirement

from authenticator_sim.core.identity.passkeys import Gesture, new_passkey
from ciba_service.sca.phones.devices import Device, user_tag
from tests.journeys.running.test_security_events import told
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.passkey_phone import (
    DEVICE_SECTION,
    ORIGIN,
    RP_ID,
    SECTIONS,
    PasskeyPhone,
    made,
    offered,
    order_for,
    with_passkey,
)
from tests.wire.phone import WirePhone

ALICE = user_tag("alice")


@pytest.fixture
async def bank(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """A service that takes passkeys."""
    async with run_service(clients=[till], sections=SECTIONS) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def phone(bank: RunningService) -> WirePhone:
    """Alice's phone, without a passkey."""
    return await bank.enrolled_phone("alice")


async def said(phone: WirePhone, message: dict[str, Any]) -> list[dict[str, Any]]:
    """What a phone is answered over HTTPS."""
    answer = await phone.send(message)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["messages"])


async def registered(phone: WirePhone) -> list[str]:
    """The ids of a phone's passkeys."""
    return list((await said(phone, {"type": "list_passkeys"}))[-1]["registered"])


async def used(service: RunningService) -> int:
    """How many attempts count against Alice."""
    return await service.service.stores.attempts.used(ALICE)


async def test_the_options_ask_for_what_will_be_taken(phone: WirePhone):
    """As a browser takes them: verified users, these algorithms, and none of those there are."""
    alice = await with_passkey(phone)
    first, second = [(await said(phone, {"type": "make_passkey"}))[0] for _ in "ab"]
    assert first["options"]["challenge"] != second["options"]["challenge"]
    assert {**first["options"], "challenge": ""} == {
        "rp": {"id": RP_ID, "name": "The Bank"},
        "user": {"id": ALICE, "name": "alice", "displayName": "alice"},
        "challenge": "",
        "pubKeyCredParams": [
            {"alg": -7, "type": "public-key"},
            {"alg": -8, "type": "public-key"},
        ],
        "timeout": 240_000,
        "excludeCredentials": [{"id": alice.passkey.passkey_id, "type": "public-key"}],
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
        "attestation": "none",
    }


async def test_the_options_are_those_of_webauthn(phone: WirePhone):
    """As they stand on the wire another program reads them (WebAuthn 5.1.10)."""
    (message,) = await said(phone, {"type": "make_passkey"})
    options = parse_registration_options_json(message["options"])
    assert (options.rp.id, options.user.name, options.timeout) == (RP_ID, "alice", 240_000)
    assert [parameters.alg for parameters in options.pub_key_cred_params] == [-7, -8]
    selection = options.authenticator_selection
    assert selection is not None
    assert selection.user_verification == UserVerificationRequirement.REQUIRED


async def test_a_registered_passkey_is_listed(bank: RunningService, phone: WirePhone):
    """With whom passkeys are for, which a page needs to use one."""
    assert await said(phone, {"type": "list_passkeys"}) == [
        {"type": "passkeys", "registered": [], "rp_id": RP_ID}
    ]
    name = (await with_passkey(phone)).passkey.passkey_id
    assert await said(phone, {"type": "list_passkeys"}) == [
        {
            "type": "passkey",
            "passkey_id": name,
            "registered_at": bank.clock.now(),
            "synced": False,
            "backed_up": False,
        },
        {"type": "passkeys", "registered": [name], "rp_id": RP_ID},
    ]


async def test_a_removed_passkey_approves_nothing(bank: RunningService, phone: WirePhone):
    """It is removed without the PIN, once; the phone may have another."""
    alice = await with_passkey(phone)
    name = alice.passkey.passkey_id
    await bank.till.started()
    (removed,) = await said(phone, {"type": "remove_passkey", "passkey_id": name})
    assert removed == {
        "type": "passkey_removed",
        "device_id": phone.device_id,
        "name": "Phone",
        "passkey_id": name,
    }
    events = await told(bank, "passkey_registered", "passkey_revoked")
    assert [(each["kind"], each["device_id"], each["user"]) for each in events] == [
        ("passkey_registered", phone.device_id, ALICE),
        ("passkey_revoked", phone.device_id, ALICE),
    ]
    again = await said(phone, {"type": "remove_passkey", "passkey_id": name})
    assert again == [{"type": "passkey_unknown", "passkey_id": name}]
    assert (await alice.approve_next())["attempts_left"] == 4
    assert (await (await with_passkey(phone)).approve_next())["type"] == "accepted"


async def test_the_other_phones_are_told(bank: RunningService, phone: WirePhone):
    """Of each passkey that comes and goes, at once, or when they are back."""
    tablet = await bank.enrolled_phone("alice", "Tablet")
    begun = bank.clock.now()
    async with phone.online() as own, tablet.online() as other:
        bank.clock.advance(1)
        first = (await with_passkey(phone)).passkey.passkey_id
        bank.clock.advance(1)
        second = (await with_passkey(phone)).passkey.passkey_id
        heard = [await other.receive() for _ in "ab"]
        bank.clock.advance(1)
        await own.send({"type": "remove_passkey", "passkey_id": first})
        heard.append(await other.receive())
        answer = await own.receive()
    about = {"device_id": phone.device_id, "name": "Phone"}
    assert heard == [
        {"type": "passkey_added", **about, "passkey_id": first},
        {"type": "passkey_added", **about, "passkey_id": second},
        {"type": "passkey_removed", **about, "passkey_id": first},
    ]
    assert answer == heard[-1]
    told = await said(tablet, {"type": "fetch"})
    later = [{**message, "at": begun + after} for after, message in enumerate(heard, start=1)]
    assert told[:-1] == later
    assert [message["type"] for message in await said(phone, {"type": "fetch"})] == ["fetched"]


async def test_a_wrong_pin_registers_nothing_and_counts_like_any_other(
    bank: RunningService, phone: WirePhone
):
    """Whoever unlocked the phone cannot make a second category for it."""
    _, attestation, nonce = await made(phone)
    refused = await phone.give_order(await order_for(phone, attestation, nonce, pin=False))
    assert (refused["reason"], refused["attempts_left"]) == ("factors", 4)
    assert await registered(phone) == []
    done = await phone.give_order(await order_for(phone, attestation, nonce))
    assert done["type"] == "order_done"
    assert await used(bank) == 0


@pytest.mark.parametrize(
    "options",
    [
        {"origin": "https://bank.example.evil.example"},
        {"origin": "https://other.bank.example"},
        {"origin": ORIGIN.upper()},
        {"synced": True},
        {"challenge": "A" * 54},
    ],
    ids=lambda options: next(iter(options.items())),
)
async def test_a_passkey_that_was_made_otherwise_is_not_taken(
    bank: RunningService, phone: WirePhone, options: dict[str, Any]
):
    """With the right PIN nothing counts against the user, and nothing is registered."""
    nonce = (await offered(phone)).challenge
    _, attestation, _ = await made(phone, **options)
    refused = await phone.give_order(await order_for(phone, attestation, nonce))
    assert refused["reason"] == "invalid_passkey"
    assert "attempts_left" not in refused
    assert await registered(phone) == []
    assert await used(bank) == 0


async def test_one_made_with_a_touch_only_is_not_taken(phone: WirePhone):
    """Its user must have been verified (WebAuthn 7.1)."""
    options = await offered(phone)
    _, attestation = new_passkey(
        options, origin=ORIGIN, gesture=Gesture.PRESENT, synced=False, random_bytes=bytes
    )
    refused = await phone.give_order(await order_for(phone, attestation, options.challenge))
    assert refused["reason"] == "invalid_passkey"


async def test_a_challenge_registers_one_passkey(phone: WirePhone):
    """The same order again is the same registration; another one with its challenge is stale."""
    _, attestation, nonce = await made(phone)
    order = await order_for(phone, attestation, nonce)
    assert [(await phone.give_order(order))["type"] for _ in "ab"] == ["order_done"] * 2
    again = await phone.give_order(await order_for(phone, attestation, nonce))
    assert again["reason"] == "stale"
    assert len(await registered(phone)) == 1


async def test_a_removed_passkey_is_not_brought_back_by_the_order_that_made_it(phone: WirePhone):
    """It needs another order, and the PIN once more."""
    _, attestation, nonce = await made(phone)
    order = await order_for(phone, attestation, nonce)
    await phone.give_order(order)
    await said(phone, {"type": "remove_passkey", "passkey_id": (await registered(phone))[0]})
    again = await phone.give_order(order)
    assert (again["type"], again["reason"]) == ("order_refused", "invalid_passkey")
    assert await registered(phone) == []
    assert (await phone.give_order(await order_for(phone, attestation, nonce)))["reason"] == "stale"


async def test_a_challenge_is_for_its_phone_and_for_nothing_else(
    bank: RunningService, phone: WirePhone
):
    """Neither another phone's nor the nonce of a greeting will do, nor its own for other orders."""
    tablet = await bank.enrolled_phone("alice", "Tablet")
    for nonce in ((await offered(tablet)).challenge, await phone.nonce()):
        _, attestation, _ = await made(phone, challenge=nonce)
        refused = await phone.give_order(await order_for(phone, attestation, nonce))
        assert refused["reason"] == "stale"
    nonce = (await offered(phone)).challenge
    order = await phone.order(device_id=tablet.device_id, nonce=nonce)
    assert (await phone.give_order(order))["reason"] == "stale"


async def test_an_order_that_comes_late_is_refused_and_one_carried_out_is_confirmed(
    bank: RunningService, phone: WirePhone
):
    """As a phone needs it whose answer was lost."""
    _, attestation, nonce = await made(phone)
    order = await order_for(phone, attestation, nonce)
    await phone.give_order(order)
    _, late, other_nonce = await made(phone)
    late_order = await order_for(phone, late, other_nonce)
    bank.clock.advance(300)
    assert (await phone.give_order(late_order))["reason"] == "unavailable"
    bank.clock.advance(60)
    assert (await phone.give_order(late_order))["reason"] == "stale"
    assert (await phone.give_order(order))["type"] == "order_done"
    assert len(await registered(phone)) == 1


async def test_a_phone_has_five_at_most(phone: WirePhone):
    """Neither are options given for a sixth, nor is one taken that was prepared before."""
    _, attestation, nonce = await made(phone)
    for _ in range(5):
        await with_passkey(phone)
    assert await said(phone, {"type": "make_passkey"}) == [
        {"type": "passkey_refused", "reason": "too_many"}
    ]
    refused = await phone.give_order(await order_for(phone, attestation, nonce))
    assert refused["reason"] == "too_many_passkeys"
    assert len(await registered(phone)) == 5


async def test_a_known_passkey_is_not_registered_twice(phone: WirePhone):
    """By its id: what it would say of its key then would be another's word."""
    options = [await offered(phone) for _ in "ab"]
    outcomes = []
    for each in options:
        _, attestation = new_passkey(
            each, origin=ORIGIN, gesture=Gesture.VERIFIED, synced=False, random_bytes=bytes
        )
        order = await order_for(phone, attestation, each.challenge)
        outcomes.append(await phone.give_order(order))
    assert [outcome.get("reason") for outcome in outcomes] == [None, "invalid_passkey"]


@pytest.mark.parametrize(
    "order",
    [
        lambda phone: phone.order("add_passkey"),
        lambda phone: phone.order("add_passkey", passkey={"id": "A" * 22}),
        lambda phone: phone.order(device_id="A" * 43, passkey=PASSKEY),
        lambda phone: phone.order("add_passkey", device_id="A" * 43, passkey=PASSKEY),
        lambda phone: phone.order("add_passkey", passkey=PASSKEY, pin_key="A" * 43),
        lambda phone: phone.order("add_passkey", passkey={**PASSKEY, "type": "password"}),
        lambda phone: phone.order("add_passkey", passkey={**PASSKEY, "id": "A" * 21}),
    ],
)
async def test_an_order_of_another_shape_is_invalid(
    bank: RunningService, phone: WirePhone, order: Callable[[WirePhone], Any]
):
    """Nothing is evaluated."""
    assert (await phone.give_order(await order(phone)))["reason"] == "invalid_order"
    assert await used(bank) == 0


PASSKEY = {
    "id": "A" * 22,
    "rawId": "A" * 22,
    "type": "public-key",
    "response": {"clientDataJSON": "e30", "attestationObject": "oA"},
}


async def test_a_phone_that_is_revoked_takes_its_passkeys_along(
    bank: RunningService, phone: WirePhone
):
    """Nothing of them stays, and nobody is answered about them."""
    alice = await with_passkey(phone)
    await bank.till.started()
    await alice.approve_next()
    async with phone.online() as socket:
        await bank.service.stores.devices.revoke(phone.device_id, now=bank.clock.now_ms())
        await socket.send({"type": "list_passkeys"})
        await socket.raw.wait_closed()
    assert socket.raw.close_code == 4403
    for message in ("make_passkey", "list_passkeys"):
        assert (await phone.send({"type": message})).status_code == 403
    assert [key async for key in left(bank)] == []


async def test_a_phone_that_is_revoked_while_it_asks_is_told_nothing(
    bank: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """It was enrolled when its proof was looked at, and is not any more."""
    devices = bank.service.stores.devices
    find, proven = devices.find, [True]

    async def gone_after_its_proof(device_id: str) -> Device | None:
        return await find(device_id) if proven and proven.pop() else None

    for message in ("make_passkey", "list_passkeys"):
        proven[:] = [True]
        monkeypatch.setattr(type(devices), "find", lambda _, name: gone_after_its_proof(name))
        answer = await phone.send({"type": message})
        monkeypatch.undo()
        assert (answer.status_code, answer.json()["error"]) == (403, "device_revoked")


async def left(bank: RunningService) -> AsyncIterator[bytes]:
    """What there is of sign counts."""
    for key in await bank.commands.call("KEYS", "*:counts:*"):
        yield key


async def test_where_passkeys_are_off_there_are_none(run_service: ServiceRunner, till: WireClient):
    """Those registered before are listed, can be removed, and count for nothing."""
    async with run_service(clients=[till], sections=SECTIONS) as service:
        alice = await with_passkey(await service.enrolled_phone("alice"))
        _, attestation, nonce = await made(alice.phone)
    async with run_service(clients=[till]) as off:
        phone, name = alice.phone, alice.passkey.passkey_id
        phone.http, phone.issuer = off.http, off.issuer
        refused = await said(phone, {"type": "make_passkey"})
        assert refused == [{"type": "passkey_refused", "reason": "disabled"}]
        order = await order_for(phone, attestation, nonce)
        assert (await phone.give_order(order))["reason"] == "invalid_passkey"
        listed = (await said(phone, {"type": "list_passkeys"}))[-1]
        assert listed == {"type": "passkeys", "registered": [name]}
        await till.started()
        assert (await alice.approve_next())["reason"] == "factors"
        (removed,) = await said(phone, {"type": "remove_passkey", "passkey_id": name})
        assert removed["type"] == "passkey_removed"


async def test_a_synced_passkey_is_taken_where_it_counts(
    run_service: ServiceRunner, till: WireClient
):
    """And listed as one."""
    sections = {"device": {**DEVICE_SECTION, "synced_passkeys": True}}
    async with run_service(clients=[till], sections=sections) as service:
        alice: PasskeyPhone = await with_passkey(await service.enrolled_phone(), synced=True)
        (listed, _) = await said(alice.phone, {"type": "list_passkeys"})
        assert (listed["synced"], listed["backed_up"]) == (True, True)
