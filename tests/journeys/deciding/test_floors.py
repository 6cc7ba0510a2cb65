"""What is asked of a user depends on who asks, for what, and for how much."""

from collections.abc import AsyncIterator

import pytest

from tests.conformance.refusals import assert_refused
from tests.journeys.deciding.test_payment import PAYMENT
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

CA, SCA = "urn:openbanking:psd2:ca", "urn:openbanking:psd2:sca"
KEY, PIN, OTP, NUMBER = "device_key", "pin", "otp", "verification_code"
RULES = (
    {"scope": "profile", "acr": SCA},
    {"client": "other-till", "require_otp": True},
    {"min_amount": "1000.00", "currency": "EUR", "require_otp": True},
    {"type": "payment_initiation", "client": "till", "require_verification_code": True},
)


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient
) -> AsyncIterator[RunningService]:
    """A service with a low floor and rules that raise it."""
    sections = {"policy": {"floor": CA, "rules": RULES}}
    async with run_service(clients=[till, other_till], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


def payment(amount: str) -> list[dict[str, object]]:
    """A payment of so many euros."""
    return [{**PAYMENT, "instructedAmount": {"currency": "EUR", "amount": amount}}]


@pytest.mark.parametrize(
    ("client", "claims", "factors"),
    [
        ("till", {}, {KEY}),
        ("till", {"scope": "openid profile"}, {KEY, PIN}),
        ("till", {"scope": "openid profile", "acr_values": CA}, {KEY, PIN}),
        ("other-till", {}, {KEY, OTP}),
        ("other-till", {"acr_values": SCA}, {KEY, PIN, OTP}),
        ("till", {"authorization_details": payment("999.99")}, {KEY, PIN, NUMBER}),
        ("till", {"authorization_details": payment("1000")}, {KEY, PIN, OTP, NUMBER}),
        ("other-till", {"authorization_details": payment("1000")}, {KEY, PIN, OTP}),
    ],
)
async def test_the_strongest_floor_applies(
    bank: RunningService,
    alice: WirePhone,
    client: str,
    claims: dict[str, object],
    factors: set[str],
):
    """All rules that apply add up, and a wish only raises them."""
    answer = await bank.clients[client].start(**claims)
    assert answer.status_code == 200, answer.text
    assert (NUMBER in answer.json()) is (NUMBER in factors)
    (challenge,) = await alice.fetch()
    assert set(claims_of(challenge)["factors"]) == factors


async def test_what_a_rule_demands_must_be_shown(bank: RunningService, alice: WirePhone):
    """An approval without the code that the rule asks for is refused, with it tokens say so."""
    auth_req_id = await bank.clients["other-till"].started(scope="openid profile")
    (challenge,) = await alice.fetch()
    assert (await alice.decide(alice.approval(challenge)))["reason"] == "factors"
    assert (await alice.decide(alice.approval(challenge, otp=alice.otp())))["type"] == "accepted"
    tokens = (await bank.clients["other-till"].poll(auth_req_id)).json()
    claims = claims_of(tokens["id_token"])
    assert (claims["acr"], claims["amr"]) == (SCA, ["pop", "pin", "otp", "mfa"])


async def test_whoever_insists_on_less_is_refused(bank: RunningService, alice: WirePhone):
    """An essential acr below the floor cannot be reached; no phone is told."""
    insisting = {"id_token": {"acr": {"essential": True, "value": CA}}}
    await bank.till.started(claims=insisting)
    refused = await bank.till.start(claims=insisting, scope="openid profile")
    assert_refused(refused, 400, "unmet_authentication_requirements")
    assert len(await alice.fetch()) == 1
