"""How strongly the user is authenticated, and for what (CIBA 8, FAPI 1.0 Part 1 5.2.2)."""

from collections.abc import AsyncIterator

import pytest

from tests.conformance.refusals import assert_refused
from tests.journeys.deciding.test_payment import PAYMENT
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of
from tests.wire.tokens import granted

CA, SCA = "urn:openbanking:psd2:ca", "urn:openbanking:psd2:sca"


@pytest.fixture
async def lenient(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """A service for which a phone alone is enough, unless more is at stake."""
    async with run_service(clients=[till], sections={"policy": {"floor": CA}}) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(lenient: RunningService) -> WirePhone:
    """Alice's phone."""
    return await lenient.enrolled_phone("alice")


@pytest.mark.clause("ciba-8-2", "ciba-7.1-9")
@pytest.mark.parametrize(
    ("acr_values", "factors"), [(None, ["device_key"]), (SCA, ["device_key", "pin"])]
)
async def test_the_phone_is_asked_for_what_the_acr_needs(
    lenient: RunningService, alice: WirePhone, acr_values: str | None, factors: list[str]
):
    """The key alone, or key and PIN; and the ID token says which it was."""
    auth_req_id = await lenient.till.started(acr_values=acr_values)
    (challenge,) = await alice.fetch()
    assert claims_of(challenge)["factors"] == factors
    await alice.decide(alice.approval(challenge))
    tokens = (await lenient.till.poll(auth_req_id)).json()
    assert claims_of(tokens["id_token"])["acr"] == (acr_values or CA)


@pytest.mark.clause("fapi-ciba-5.2.2-7", "fapi1-p1-5.2.2-11")
async def test_a_payment_always_needs_strong_authentication(
    lenient: RunningService, alice: WirePhone
):
    """Whatever is enough elsewhere: without the right PIN there is no token, with it there is."""
    auth_req_id = await lenient.till.started(authorization_details=[PAYMENT], acr_values=CA)
    (challenge,) = await alice.fetch()
    assert set(claims_of(challenge)["factors"]) == {"device_key", "pin"}
    refused = await alice.decide(alice.decision(challenge, verdict="approve"))
    assert refused["type"] == "refused"
    refused = await alice.decide(alice.approval(challenge, pin=False))
    assert (refused["type"], refused["reason"]) == ("refused", "factors")
    assert_refused(await lenient.till.poll(auth_req_id), 400, "authorization_pending")
    assert (await alice.decide(alice.approval(challenge)))["type"] == "accepted"
    tokens = (await lenient.till.poll(auth_req_id)).json()
    assert claims_of(tokens["id_token"])["acr"] == SCA


@pytest.mark.clause("fapi1-p1-5.2.2-12")
async def test_scope_is_approved_each_time(lenient: RunningService, alice: WirePhone):
    """What was approved before is no approval of more: it is shown, and may be declined."""
    first = await granted(lenient.till, alice, scope="openid")
    assert first["scope"] == "openid"
    auth_req_id = await lenient.till.started(scope="openid profile")
    (challenge,) = await alice.fetch()
    shown = claims_of(challenge)["display"]["shares"]
    assert shown == ["Your identity", "Your name and profile"]
    assert_refused(await lenient.till.poll(auth_req_id), 400, "authorization_pending")
    await alice.decide(alice.denial(challenge))
    assert_refused(await lenient.till.poll(auth_req_id), 400, "access_denied")
