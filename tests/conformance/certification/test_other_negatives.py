"""Certification: hints, wrong ids and wrong client authentication.

Tests are named after the modules of the plan; some apply to one way to authenticate only. Where
a request begins nothing, two variants are run, or each way to authenticate but in poll mode only.
"""

import pytest

from tests.conformance.certification.answers import (
    PENDING,
    hold_backchannel_error,
    hold_flexible_refusal,
    hold_token_client_error,
    hold_token_error,
)
from tests.conformance.certification.bank import Bank
from tests.conformance.certification.conftest import POLLING, SAMPLE, for_variants
from tests.conformance.certification.flow_steps import approve, verified_tokens
from tests.conformance.certification.suite_client import CIBA_GRANT
from tests.unit.protocol.registrations import reused
from tests.wire.signing import JoseKey

MTLS = for_variants(*(each for each in POLLING if each.method.is_mtls))
PRIVATE_KEY_JWT = for_variants(*(each for each in POLLING if not each.method.is_mtls))


def rs256(bank: Bank) -> JoseKey:
    """Client 1's RSA key, put to RS256."""
    return reused(bank.client.key, "RS256")


@for_variants(*SAMPLE)
@pytest.mark.clause("ciba-7.1-11", "ciba-7.2-3")
async def test_fapi_ciba_id1_ensure_authorization_request_with_multiple_hints_fails(bank: Bank):
    """Two hints and no binding message."""
    hints = {"login_hint": "alice", "login_hint_token": bank.client.assertion("x")}
    answer = await bank.client.ask(**hints, binding_message=None)
    hold_backchannel_error(answer, "invalid_request")


@for_variants(*SAMPLE)
@pytest.mark.clause("fapi-ciba-5.2.2-6")
async def test_fapi_ciba_id1_ensure_unsigned_backchannel_authorization_request_fails(bank: Bank):
    """The parameters as plain form fields."""
    client = bank.client
    claims = {name: str(value) for name, value in client.request_claims().items()}
    credentials = client.credentials(client.metadata["backchannel_authentication_endpoint"])
    answer = await client.post(client.backchannel, {**claims, **credentials})
    hold_backchannel_error(answer, "invalid_request")


@pytest.mark.clause("ciba-10.1-2", "ciba-11-5")
async def test_fapi_ciba_id1_ensure_wrong_auth_req_id_in_token_endpoint_request(bank: Bank):
    """Client 2 is refused client 1's auth_req_id, twice at once; client 1 is not disturbed.

    Where it is pinged, that is still so.
    """
    pending = await bank.acknowledged(bank.client)
    for _ in range(2):
        hold_token_error(await bank.client2.poll(pending.auth_req_id), "invalid_grant")
    await approve(bank)
    await verified_tokens(bank, bank.client, pending)


@MTLS
@pytest.mark.clause("rfc8705-2-3", "ciba-13-8")
async def test_fapi_ciba_id1_ensure_different_client_id_and_issuer_in_backchannel_authorization_request(  # noqa: E501 - its name
    bank: Bank,
):
    """Client 2 is named, certificate and request are client 1's: 401 invalid_client exactly."""
    request = bank.client.signed(bank.client.request_claims())
    answer = await bank.client.send_request(request, client_id=bank.client2.client_id)
    hold_backchannel_error(answer, "invalid_client", 401)


@MTLS
async def test_fapi_ciba_id1_ensure_wrong_client_id_in_backchannel_authorization_request(
    bank: Bank,
):
    """Client 2 is named in form and request; key and certificate are client 1's."""
    other = bank.client2.client_id
    request = bank.client.signed(bank.client.request_claims(iss=other))
    hold_flexible_refusal(await bank.client.send_request(request, client_id=other))


@MTLS
@pytest.mark.clause("rfc8705-2-3")
async def test_fapi_ciba_id1_ensure_wrong_client_id_in_token_endpoint_request(bank: Bank):
    """Client 2 is named, the certificate is client 1's."""
    pending = await bank.acknowledged(bank.client)
    named = {"client_id": bank.client2.client_id}
    answer = await bank.client.poll(pending.auth_req_id, named)
    hold_token_client_error(answer, "invalid_client")


@PRIVATE_KEY_JWT
@pytest.mark.clause("ciba-13-8")
async def test_fapi_ciba_id1_ensure_without_client_assertion_in_backchannel_authorization_request(
    bank: Bank,
):
    """Only client_id and the signed request."""
    client = bank.client
    request = client.signed(client.request_claims())
    form = {"client_id": client.client_id, "request": request}
    hold_flexible_refusal(await client.post(client.backchannel, form))


@PRIVATE_KEY_JWT
@pytest.mark.clause("ciba-10.1-1")
async def test_fapi_ciba_id1_ensure_without_client_assertion_in_token_endpoint_request(bank: Bank):
    """Only a client_id."""
    pending = await bank.acknowledged(bank.client)
    named = {"client_id": bank.client.client_id}
    answer = await bank.client.poll(pending.auth_req_id, named)
    hold_token_client_error(answer, "invalid_client", "invalid_request")


@PRIVATE_KEY_JWT
@pytest.mark.clause("fapi-ciba-7.10-1", "fapi-ciba-7.10-2")
async def test_fapi_ciba_id1_ensure_client_assertion_signature_algorithm_in_backchannel_authorization_request_is_rs256_fails(  # noqa: E501 - its name
    bank: Bank,
):
    """The right RSA key under RS256, while the request stays PS256."""
    client = bank.client
    audience = client.metadata["backchannel_authentication_endpoint"]
    credentials = client.credentials(audience, key=rs256(bank), alg="RS256")
    request = client.signed(client.request_claims())
    hold_flexible_refusal(await client.send_request(request, **credentials))


@PRIVATE_KEY_JWT
@pytest.mark.clause("fapi-ciba-7.10-1", "fapi-ciba-7.10-2")
async def test_fapi_ciba_id1_ensure_client_assertion_signature_algorithm_in_token_endpoint_request_is_rs256_fails(  # noqa: E501 - its name
    bank: Bank,
):
    """The right RSA key under RS256."""
    pending = await bank.acknowledged(bank.client)
    audience = bank.client.endpoint("token_endpoint")
    credentials = bank.client.credentials(audience, key=rs256(bank), alg="RS256")
    answer = await bank.client.poll(pending.auth_req_id, credentials)
    hold_token_client_error(answer, "invalid_client")


@PRIVATE_KEY_JWT
@pytest.mark.clause("fapi1-p1-5.2.2-1")
async def test_fapi_ciba_id1_ensure_client_assertion_with_iss_aud_to_token_endpoint_succeeds(
    bank: Bank,
):
    """At the token endpoint, too, an assertion may be for the issuer."""
    pending = await bank.acknowledged(bank.client)
    credentials = bank.client.credentials(bank.metadata["issuer"])
    form = {"grant_type": CIBA_GRANT, "auth_req_id": pending.auth_req_id}
    hold_token_error(await bank.client.token_request(form, credentials), *PENDING)
