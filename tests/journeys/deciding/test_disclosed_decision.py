"""What a decision gives away to whoever reads it on the way: no authentication element."""

import base64
import json

import pytest
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from ciba_service.sca.messages import FACTORS_TYP
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of


def decoded(text: str) -> bytes:
    """A JWS or JWE as it is, and all its parts decoded."""
    parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in text.split(".")]
    return b"\n".join([text.encode(), *parts])


@pytest.mark.clause("sca-art4-3", "sca-art22-1")
async def test_a_decision_discloses_no_element(run_service: ServiceRunner, till: WireClient):
    """Neither PIN key nor code nor private key stands in it; only the service opens its factors."""
    sections = {"policy": {"require_otp": True}}
    async with run_service(clients=[till], sections=sections) as service:
        phone = await service.enrolled_phone("alice")
        await till.started()
        (challenge,) = await phone.fetch()
        otp = phone.otp()
        decision = phone.approval(challenge, otp=otp)
        factors = claims_of(decision)["factors"]
        shown = decoded(decision) + decoded(factors)
        private_key = str(phone.key.as_dict(private=True)["d"])
        for element in (
            phone.pin_key,
            base64.urlsafe_b64encode(phone.pin_key)[:-1],
            phone.totp_secret.encode(),
            json.dumps(otp).encode(),
            private_key.encode(),
            base64.urlsafe_b64decode(private_key + "="),
        ):
            assert element not in shown
        stranger = ECKey.generate_key("P-256", private=True)
        with pytest.raises(JoseError):
            jwe.decrypt_compact(factors, stranger, algorithms=["ECDH-ES", "A256GCM"])
        assert (await phone.decide(decision))["type"] == "accepted"


@pytest.mark.clause("sca-art4-3", "sca-art4-4")
async def test_even_its_opened_factors_are_worth_nothing_elsewhere(
    service: RunningService, phone: WirePhone
):
    """The proof of the PIN is good for one challenge, one verdict and one decision."""
    await service.till.started()
    (first,) = await phone.fetch()
    used = phone.approval(first)
    opened = service.keys.factors_key.open(claims_of(used)["factors"], FACTORS_TYP)
    proof = json.loads(opened)["pin_proof"]
    assert (await phone.decide(used))["type"] == "accepted"
    await service.till.started()
    (second,) = await phone.fetch()
    forged = phone.decision(
        second, jti="moved", verdict="approve", factors=phone.factors("moved", pin_proof=proof)
    )
    assert (await phone.decide(forged))["reason"] == "factors"
