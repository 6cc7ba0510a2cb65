"""Number matching: the code that the consumption device shows is typed on the phone."""

import json
from collections.abc import AsyncIterator

import pytest

from ciba_service.stores.keys import transaction_key
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of


@pytest.fixture
def kiosk() -> WireClient:
    """A client with a display, whose users type what it shows."""
    return WireClient("kiosk", metadata={"require_verification_code": True})


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, kiosk: WireClient
) -> AsyncIterator[RunningService]:
    """A service with that client and one without."""
    async with run_service(clients=[till, kiosk]) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


async def asked(kiosk: WireClient, alice: WirePhone) -> tuple[str, str, str]:
    """A request: its auth_req_id, the code for the display, and the challenge on the phone."""
    acknowledged = (await kiosk.start()).json()
    (challenge,) = await alice.fetch()
    return acknowledged["auth_req_id"], acknowledged["verification_code"], challenge


def wrong(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 1_000_000:06}"


@pytest.mark.clause("nist63b-3.1.3.1-7", "nist63b-3.1.3-1")
async def test_the_code_goes_from_one_device_to_the_other(kiosk: WireClient, alice: WirePhone):
    """The client gets it, the phone asks for it, and with it the request is approved."""
    auth_req_id, code, challenge = await asked(kiosk, alice)
    assert (len(code), code.isdigit()) == (6, True)
    assert claims_of(challenge)["factors"] == ["device_key", "pin", "verification_code"]
    decision = alice.approval(challenge, verification_code=code)
    assert (await alice.decide(decision))["type"] == "accepted"
    tokens = (await kiosk.poll(auth_req_id)).json()
    assert claims_of(tokens["id_token"])["amr"] == ["pop", "pin", "mfa"]


@pytest.mark.clause("nist63b-3.1.3.1-1", "nist63b-3.1.3.1-6")
async def test_the_phone_is_not_sent_the_code(
    bank: RunningService, kiosk: WireClient, alice: WirePhone
):
    """Neither in the challenge nor in anything else that it is told, nor does a log have it."""
    async with alice.online() as socket:
        acknowledged = (await kiosk.start()).json()
        offered = await socket.next("challenge")
    code = acknowledged["verification_code"]
    assert code not in json.dumps(claims_of(offered["challenge"])["display"])
    assert "verification_code" not in claims_of(offered["challenge"])
    assert code not in repr(bank.telemetry.events)
    transaction = str(bank.telemetry.named("transaction_started")[-1].fields["transaction_id"])
    record = await bank.commands.call("HGETALL", transaction_key(transaction))
    assert code.encode() not in b"".join(record)


@pytest.mark.clause("nist63b-3.1.3.2-5", "nist63b-3.1.3.2-3", "rfc10027-6.2.2-1")
async def test_a_wrong_code_is_a_wrong_attempt(
    bank: RunningService, kiosk: WireClient, alice: WirePhone
):
    """The right PIN helps nobody; the count goes on with the code of another request."""
    _, code, challenge = await asked(kiosk, alice)
    for left, typed in ((4, wrong(code)), (3, None)):
        decision = alice.approval(challenge, verification_code=typed)
        refused = await alice.decide(decision)
        assert (refused["reason"], refused["attempts_left"]) == ("factors", left)
    await alice.decide(alice.denial(challenge))
    _, other, challenge = await asked(kiosk, alice)
    for left in (2, 1, 0):
        typed = code if code != other else wrong(other)
        refused = await alice.decide(alice.approval(challenge, verification_code=typed))
        assert (refused["reason"], refused["attempts_left"]) == ("factors", left)
    decision = alice.approval(challenge, verification_code=other)
    assert (await alice.decide(decision))["reason"] == "not_open"
    assert bank.telemetry.named("factors_locked")


async def test_other_clients_have_no_code(bank: RunningService, alice: WirePhone):
    """Nobody is asked for what no display shows."""
    acknowledged = (await bank.till.start()).json()
    assert "verification_code" not in acknowledged
    (challenge,) = await alice.fetch()
    assert claims_of(challenge)["factors"] == ["device_key", "pin"]


async def test_the_operator_may_demand_it_of_all(run_service: ServiceRunner, till: WireClient):
    """Whatever clients are registered for."""
    sections = {"policy": {"require_verification_code": True}}
    async with run_service(clients=[till], sections=sections) as bank:
        phone = await bank.enrolled_phone("alice")
        _, code, challenge = await asked(till, phone)
        decision = phone.approval(challenge, verification_code=code)
        assert (await phone.decide(decision))["type"] == "accepted"
