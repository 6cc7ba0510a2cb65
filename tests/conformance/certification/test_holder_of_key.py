"""Certification: TLS of every listener, and no token without a certificate.

The test is named after the module of the plan. It runs for each way to authenticate, but for
clients that are configured and poll: the listeners are the same for all.
"""

import pytest

from tests.conformance.certification.answers import hold_token_client_error, hold_token_error
from tests.conformance.certification.bank import Bank
from tests.conformance.certification.conftest import POLLING, SAMPLE, STATIC, for_variants
from tests.conformance.certification.flow_steps import approve, completed
from tests.conformance.certification.tls_probe import hold_fapi_tls
from tests.wire.signing import claims_of


async def hold_refused(bank: Bank, auth_req_id: str) -> None:
    """Hold that a token request without a certificate hears neither tokens nor pending."""
    client = bank.client
    certified, client.http = client.http, await bank.connection()
    answer = await client.poll(auth_req_id)
    client.http = certified
    if bank.variant.method.is_mtls:
        hold_token_client_error(answer, "invalid_client", "invalid_request")
    else:
        hold_token_client_error(answer, "invalid_request", "invalid_grant", "invalid_client")


@for_variants(*STATIC)
@pytest.mark.clause(
    "fapi-ciba-7.9-1", "fapi-ciba-7.9-3", "fapi1-p2-5.2.2-5", "fapi1-p2-5.2.2-6",
    "fapi2-sp-5.2.2-2",
)  # fmt: skip
async def test_fapi_ciba_id1_ensure_mtls_holder_of_key_required(bank: Bank):
    """TLS as FAPI has it wherever tokens are; without the certificate there is no token."""
    await hold_fapi_tls(bank.metadata["authorization_endpoint"], suites=False)
    for name in ("token_endpoint", "userinfo_endpoint", "registration_endpoint"):
        if name in bank.metadata:
            await hold_fapi_tls(bank.client.endpoint(name))
    pending = await bank.acknowledged(bank.client)
    await hold_refused(bank, pending.auth_req_id)
    await approve(bank)
    await hold_refused(bank, pending.auth_req_id)


@for_variants(*POLLING)
@pytest.mark.clause("fapi1-p2-5.2.2-6", "rfc9700-2.2.1-1")
async def test_a_token_is_worth_nothing_without_its_certificate(bank: Bank):
    """It names the certificate, and neither another one nor none opens anything with it."""
    tokens = await completed(bank, bank.client)
    assert claims_of(tokens["access_token"])["cnf"].keys() == {"x5t#S256"}
    for other in (bank.client2.identity, None):
        http = await bank.connection(other)
        bank.client.http = http
        answer = await bank.client.call_resource(tokens)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


@for_variants(*SAMPLE)
async def test_no_endpoint_answers_with_an_empty_body(bank: Bank):
    """Whatever goes wrong, there is JSON to read."""
    for name in ("token_endpoint", "backchannel_authentication_endpoint"):
        url = bank.client.endpoint(name)
        for answer in (await bank.client.http.post(url), await bank.client.http.get(url)):
            assert answer.json()["error"]
    hold_token_error(await bank.client.poll("unknown"), "invalid_grant")
