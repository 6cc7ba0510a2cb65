"""A passkey approves in place of the PIN: registered with it, and only ever where it was."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from authenticator_sim.core.identity.passkeys import Gesture
from ciba_service.sca.phones.devices import user_tag
from tests.journeys.running.test_security_events import told
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.passkey_phone import APP, DEVICE_SECTION, SECTIONS, PasskeyPhone, with_passkey
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

ALICE = user_tag("alice")
CA, SCA = "urn:openbanking:psd2:ca", "urn:openbanking:psd2:sca"


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient
) -> AsyncIterator[RunningService]:
    """A service that takes passkeys."""
    async with run_service(clients=[till, other_till], sections=SECTIONS) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> PasskeyPhone:
    """Alice's phone, with a passkey."""
    return await with_passkey(await bank.enrolled_phone("alice"))


async def used(service: RunningService) -> int:
    """How many attempts count against Alice."""
    return await service.service.stores.attempts.used(ALICE)


async def settled(phone: WirePhone, approval: Callable[[str], str]) -> None:
    """Approve the one open challenge, and wait until that was settled."""
    async with phone.online() as socket:
        challenge = next(each for each in socket.first if each["type"] == "challenge")
        outcome = await socket.decide(approval(challenge["challenge"]))
        assert outcome["type"] == "accepted"
        await socket.next("withdrawn")


async def test_a_passkey_approves_in_place_of_the_pin(bank: RunningService, alice: PasskeyPhone):
    """The challenge says that it may, and the tokens say what happened, and no more."""
    auth_req_id = await bank.till.started()
    (challenge,) = await alice.phone.fetch()
    assert claims_of(challenge)["factors"] == ["device_key", "pin"]
    assert claims_of(challenge)["passkey_for_pin"] is True
    assert (await alice.phone.decide(alice.approval(challenge)))["type"] == "accepted"
    tokens = (await bank.till.poll(auth_req_id)).json()
    claims = claims_of(tokens["id_token"])
    assert (claims["acr"], claims["amr"]) == (SCA, ["pop", "user", "mfa"])


async def test_over_a_socket_it_is_the_same(bank: RunningService, alice: PasskeyPhone):
    """Registered and used on one connection."""
    async with alice.phone.online() as socket:
        auth_req_id = await bank.till.started()
        challenge = (await socket.next("challenge"))["challenge"]
        assert (await socket.decide(alice.approval(challenge)))["type"] == "accepted"
    assert (await bank.till.poll(auth_req_id)).status_code == 200


async def test_the_pin_still_does(bank: RunningService, alice: PasskeyPhone):
    """Who has a passkey may choose each time, and the tokens tell the difference."""
    auth_req_id = await bank.till.started()
    assert (await alice.phone.approve_next())["type"] == "accepted"
    tokens = (await bank.till.poll(auth_req_id)).json()
    assert claims_of(tokens["id_token"])["amr"] == ["pop", "pin", "mfa"]


async def test_an_app_of_the_bank_is_an_origin_like_its_pages(bank: RunningService):
    """Native apps name the certificate they are signed with."""
    alice = await with_passkey(await bank.enrolled_phone("alice"), origin=APP)
    await bank.till.started()
    assert (await alice.approve_next())["type"] == "accepted"


WRONG: dict[str, dict[str, Any]] = {
    "another relying party": {"passkey": {"rp_id": "evil.example"}},
    "another origin": {"passkey": {"origin": "https://bank.example.evil.example"}},
    "another user's handle": {"passkey": {"user_handle": user_tag("bob")}},
    "a touch only": {"gesture": Gesture.PRESENT},
    "another transaction": {"confirms": {"transaction_id": "A" * 22}},
}


@pytest.mark.clause("sca-art4-6")
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_a_wrong_passkey_is_one_failed_attempt(
    bank: RunningService, alice: PasskeyPhone, wrong: dict[str, Any]
):
    """Nobody is told what was wrong, and the right one is accepted afterwards."""
    auth_req_id = await bank.till.started()
    options = dict(wrong)
    if "passkey" in options:
        options["passkey"] = alice.used(**options["passkey"])
    refused = await alice.approve_next(**options)
    assert {**refused, "transaction_id": "", "decision": ""} == {
        "type": "refused",
        "transaction_id": "",
        "decision": "",
        "reason": "factors",
        "attempts_left": 4,
    }
    assert await used(bank) == 1
    assert (await bank.till.poll(auth_req_id)).json()["error"] == "authorization_pending"
    assert (await alice.approve_next())["type"] == "accepted"


async def test_a_count_that_goes_back_is_refused(bank: RunningService, alice: PasskeyPhone):
    """A copy of the passkey that was used less often is found out, and so is one used as often."""
    await bank.till.started()
    assert (await alice.approve_next())["type"] == "accepted"
    await bank.till.started()
    for copy in (alice.passkey, alice.used(sign_count=0)):
        assert (await alice.approve_next(passkey=copy))["reason"] == "factors"
    alarms = await told(bank, "passkey_count_went_back")
    assert [(each["device_id"], each["client_id"]) for each in alarms] == [
        (alice.phone.device_id, "till")
    ] * 2
    assert (await alice.approve_next())["type"] == "accepted"


async def test_a_passkey_that_never_counts_is_taken(bank: RunningService, alice: PasskeyPhone):
    """Many authenticators always say zero (WebAuthn 6.1.1)."""
    for _ in range(2):
        await bank.till.started()
        assert (await alice.approve_next(passkey=alice.passkey))["type"] == "accepted"
    assert alice.passkey.sign_count == 0


async def test_an_approval_sent_again_is_accepted_again(bank: RunningService, alice: PasskeyPhone):
    """To the byte it is the same operation, although its count is spent; so is a refused one."""
    await bank.till.started()
    (challenge,) = await alice.phone.fetch()
    wrong = alice.approval(challenge, gesture=Gesture.PRESENT)
    assert [(await alice.phone.decide(wrong))["attempts_left"] for _ in "ab"] == [4, 4]
    approval = alice.approval(challenge)
    answers = [(await alice.phone.decide(approval))["type"] for _ in "ab"]
    assert answers == ["accepted", "accepted"]


async def test_a_wrong_pin_beside_a_passkey_is_not_looked_at(
    bank: RunningService, alice: PasskeyPhone
):
    """Who hands in both has chosen the passkey: a guess at the PIN comes with no approval."""
    await bank.till.started()
    (challenge,) = await alice.phone.fetch()
    wrong = alice.approval(challenge, gesture=Gesture.PRESENT, pin_proof="A" * 43)
    assert (await alice.phone.decide(wrong))["reason"] == "factors"
    right = alice.approval(challenge, pin_proof="A" * 43)
    assert (await alice.phone.decide(right))["type"] == "accepted"


async def test_a_passkey_wins_no_new_guesses_at_the_pin(bank: RunningService, alice: PasskeyPhone):
    """It forgets failed passkeys; wrong PINs are forgotten by the right one alone."""
    await bank.till.started()
    await alice.phone.approve_next(pin=False)
    await alice.approve_next(gesture=Gesture.PRESENT)
    assert await used(bank) == 2
    await settled(alice.phone, alice.approval)
    assert await used(bank) == 1
    await bank.till.started()
    await alice.approve_next(gesture=Gesture.PRESENT)
    await settled(alice.phone, alice.phone.approval)
    assert await used(bank) == 0


@pytest.mark.clause("sca-art4-7")
async def test_five_wrong_passkeys_lock(bank: RunningService, alice: PasskeyPhone):
    """Like five wrong PINs; the request has failed."""
    auth_req_id = await bank.till.started()
    left = [(await alice.approve_next(gesture=Gesture.PRESENT))["attempts_left"] for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    assert (await bank.till.poll(auth_req_id)).json()["error"] == "access_denied"


async def test_a_passkey_counts_on_its_own_phone_alone(bank: RunningService, alice: PasskeyPhone):
    """Neither on another phone of its user nor on that of somebody else."""
    tablet = PasskeyPhone(await bank.enrolled_phone("alice", "Tablet"), alice.passkey)
    bob = PasskeyPhone(await bank.enrolled_phone("bob"), alice.passkey)
    await bank.till.started()
    assert (await tablet.approve_next())["reason"] == "factors"
    await bank.till.started(login_hint="bob")
    assert (await bob.approve_next())["attempts_left"] == 4
    assert await used(bank) == 1
    assert (await alice.approve_next())["type"] == "accepted"


async def test_it_never_counts_where_it_may_not_take_the_place_of_the_pin(
    run_service: ServiceRunner, till: WireClient
):
    """With a floor of possession alone the passkey proves nothing more, and says so."""
    sections = {**SECTIONS, "policy": {"floor": CA}}
    async with run_service(clients=[till], sections=sections) as service:
        alice = await with_passkey(await service.enrolled_phone("alice"))
        auth_req_id = await till.started()
        (challenge,) = await alice.phone.fetch()
        assert "passkey_for_pin" not in claims_of(challenge)
        assert (await alice.phone.decide(alice.approval(challenge)))["type"] == "accepted"
        claims = claims_of((await till.poll(auth_req_id)).json()["id_token"])
        assert (claims["acr"], claims["amr"]) == (CA, ["pop"])


async def test_policy_can_demand_a_passkey(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient
):
    """For some requests, or for all: then the PIN does not do, and the strength is strong."""
    rules = [{"client": "other-till", "require_passkey": True}]
    sections = {**SECTIONS, "policy": {"floor": CA, "rules": rules}}
    async with run_service(clients=[till, other_till], sections=sections) as service:
        alice = await with_passkey(await service.enrolled_phone("alice"))
        auth_req_id = await other_till.started()
        (challenge,) = await alice.phone.fetch()
        assert claims_of(challenge)["factors"] == ["device_key", "passkey"]
        assert (await alice.phone.approve_next())["reason"] == "factors"
        assert (await alice.approve_next())["type"] == "accepted"
        claims = claims_of((await other_till.poll(auth_req_id)).json()["id_token"])
        assert (claims["acr"], claims["amr"]) == (SCA, ["pop", "user", "mfa"])


async def test_synced_ones_count_only_where_the_operator_says_so(
    run_service: ServiceRunner, till: WireClient
):
    """Once that is taken back, those registered before count no more."""
    allowing = {"device": {**DEVICE_SECTION, "synced_passkeys": True}}
    async with run_service(clients=[till], sections=allowing) as service:
        alice = await with_passkey(await service.enrolled_phone("alice"), synced=True)
        await till.started()
        assert (await alice.approve_next())["type"] == "accepted"
    async with run_service(clients=[till], sections=SECTIONS) as strict:
        alice.phone.http, alice.phone.issuer = strict.http, strict.issuer
        await till.started()
        assert (await alice.approve_next())["reason"] == "factors"
