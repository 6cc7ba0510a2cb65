"""Certification: signed requests with one defect, from a client that is authenticated.

Each answer is 400 ``invalid_request`` exactly. Tests are named after the modules of the plan.
They run for two variants: the client is authenticated before its request is looked at, and nobody
is told anything of a request that is refused.
"""

from typing import Any

import pytest

from tests.conformance.certification.answers import hold_backchannel_error
from tests.conformance.certification.bank import Bank
from tests.conformance.certification.conftest import SAMPLE, for_variants
from tests.unit.protocol.registrations import reused
from tests.wire.signing import unsecured

MINUTES = 60
pytestmark = for_variants(*SAMPLE)


async def hold_refused(bank: Bank, **claims: Any) -> None:
    """Hold that a request with these claims is refused, and leaves nothing behind."""
    hold_backchannel_error(await bank.client.ask(**claims), "invalid_request")
    assert await bank.phone.fetch() == []


@pytest.mark.clause("ciba-7.1.1-5", "fapi1-p2-5.2.2-15")
async def test_fapi_ciba_id1_ensure_request_object_missing_aud_fails(bank: Bank):
    """Without an audience."""
    await hold_refused(bank, aud=None)


@pytest.mark.clause("ciba-7.1.1-5", "fapi1-p2-5.2.2-15")
async def test_fapi_ciba_id1_ensure_request_object_bad_aud_fails(bank: Bank):
    """For an unrelated server."""
    await hold_refused(bank, aud="https://other.example/")


@pytest.mark.clause("ciba-7.1.1-6")
async def test_fapi_ciba_id1_ensure_request_object_missing_iss_fails(bank: Bank):
    """Without an issuer."""
    await hold_refused(bank, iss=None)


@pytest.mark.clause("ciba-7.1.1-6")
async def test_fapi_ciba_id1_ensure_request_object_bad_iss_fails(bank: Bank):
    """Issued by client 2, signed and sent by client 1."""
    await hold_refused(bank, iss=bank.client2.client_id)


@pytest.mark.clause("ciba-7.1.1-7", "fapi-ciba-5.2.2-9")
async def test_fapi_ciba_id1_ensure_request_object_missing_exp_fails(bank: Bank):
    """Without an end."""
    await hold_refused(bank, exp=None)


@pytest.mark.clause("ciba-7.1.1-7")
async def test_fapi_ciba_id1_ensure_request_object_expired_exp_fails(bank: Bank):
    """An hour after its end."""
    await hold_refused(bank, exp=bank.clock.now() - 60 * MINUTES)


@pytest.mark.clause("fapi-ciba-5.2.2-9", "fapi1-p2-5.2.2-13")
async def test_fapi_ciba_id1_ensure_request_object_exp_is_70_minutes_in_future_fails(bank: Bank):
    """Living for more than an hour."""
    await hold_refused(bank, exp=bank.clock.now() + 70 * MINUTES)


@pytest.mark.clause("ciba-7.1.1-8")
async def test_fapi_ciba_id1_ensure_request_object_missing_iat_fails(bank: Bank):
    """Without the time of issue."""
    await hold_refused(bank, iat=None)


@pytest.mark.clause("ciba-7.1.1-9", "fapi-ciba-5.2.2-9")
async def test_fapi_ciba_id1_ensure_request_object_missing_nbf_fails(bank: Bank):
    """Without a beginning."""
    await hold_refused(bank, nbf=None)


@pytest.mark.clause("ciba-7.1.1-9", "fapi2-sp-5.3.2.1-13")
async def test_fapi_ciba_id1_ensure_request_object_nbf_is_10_minutes_in_future_fails(bank: Bank):
    """Before its beginning."""
    await hold_refused(bank, nbf=bank.clock.now() + 10 * MINUTES)


@pytest.mark.clause("fapi1-p2-5.2.2-17")
async def test_fapi_ciba_id1_ensure_request_object_nbf_is_70_minutes_in_past_fails(bank: Bank):
    """More than an hour after its beginning."""
    await hold_refused(bank, nbf=bank.clock.now() - 70 * MINUTES)


@pytest.mark.clause("ciba-7.1.1-10")
async def test_fapi_ciba_id1_ensure_request_object_missing_jti_fails(bank: Bank):
    """Without an identifier."""
    await hold_refused(bank, jti=None)


@pytest.mark.clause("ciba-7.1.1-4", "fapi-ciba-7.10-3")
async def test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_none_fails(bank: Bank):
    """An unsecured JWS."""
    answer = await bank.client.send_request(unsecured(bank.client.request_claims()))
    hold_backchannel_error(answer, "invalid_request")


@pytest.mark.clause("rfc8725-3.3-1", "ciba-7.2-2")
async def test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_bad_fails(bank: Bank):
    """A signature whose bytes were flipped."""
    signing_input, _, signature = bank.client.signed(bank.client.request_claims()).rpartition(".")
    flipped = signature.translate(str.maketrans("ABCDabcd0123", "DCBAdcba3210"))
    assert flipped != signature
    answer = await bank.client.send_request(f"{signing_input}.{flipped}")
    hold_backchannel_error(answer, "invalid_request")


@pytest.mark.clause("ciba-4-11", "fapi-ciba-7.10-1", "fapi-ciba-7.10-2")
async def test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_rs256_fails(bank: Bank):
    """The right RSA key under RS256, while a client assertion stays PS256."""
    client = bank.client
    request = client.signed(client.request_claims(), key=reused(client.key, "RS256"))
    hold_backchannel_error(await client.send_request(request), "invalid_request")


@pytest.mark.clause("ciba-7.1.1-14")
async def test_fapi_ciba_id1_ensure_request_object_signed_by_other_client_fails(bank: Bank):
    """Signed with client 2's key under client 2's kid."""
    client = bank.client
    request = client.signed(client.request_claims(), key=bank.client2.key)
    hold_backchannel_error(await client.send_request(request), "invalid_request")
