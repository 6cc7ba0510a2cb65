"""Certification: flows that succeed, and those that the user or the time ends.

Tests are named after the modules of the plan and run for all variants: who is pinged asks for its
tokens once, right after the ping. The module that is for Brazil alone (it wants
``requested_expiry`` to be ignored) has no twin.
"""

from typing import Any

import pytest

from tests.conformance.certification.answers import (
    PENDING,
    acknowledgement,
    error_of,
    hold_backchannel_error,
    hold_resource,
    hold_token_error,
)
from tests.conformance.certification.bank import Bank
from tests.conformance.certification.flow_steps import (
    approve,
    collected,
    completed,
    poll_twice,
    verified_tokens,
)
from tests.conformance.certification.suite_client import SuiteClient
from tests.conformance.certification.tls_probe import hold_fapi_tls

POTENTIALLY_BAD = (
    "1234 \u2728 \u4f60\u597d \u3053\u3093\u306b\u3061\u306f \U0001f600 "
    + "Lorem ipsum dolor sit amet, consectetur adipiscing elit. " * 8
)


@pytest.mark.clause("ciba-10.1.1-1", "rfc6749-5.1-1", "fapi1-p2-5.2.2-5", "fapi1-p2-5.2.2-6")
async def test_fapi_ciba_id1(bank: Bank):
    """Both clients from request to token; a token is worth nothing without its certificate."""
    first, second = bank.client, bank.client2
    first.assertion_audience = "issuer"
    await hold_refinements(first, await completed(bank, first))
    second.assertion_audience = "token_endpoint"
    pending = acknowledgement(
        await second.ask(requested_expiry=300, acr_values="urn:openbanking:psd2:sca")
    )
    await poll_twice(bank, second, pending)
    await approve(bank)
    tokens = await verified_tokens(bank, second, pending, acr="urn:openbanking:psd2:sca")
    stolen = await first.call_resource(tokens)
    assert 400 <= stolen.status_code < 500
    hold_token_error(await second.poll(pending.auth_req_id), "invalid_grant")


async def hold_refinements(client: SuiteClient, tokens: dict[str, Any]) -> None:
    """Hold TLS of the resource, and how it takes odd headers and a token in the query."""
    await hold_fapi_tls(client.resource)
    query = {"access_token": tokens["access_token"]}
    refused = await client.http.get(client.resource, params=query)
    assert refused.status_code in {400, 401, 414}
    for headers in (
        {
            "x-fapi-customer-ip-address": "2001:db8::1893:25c8:1946",
            "Accept": "application/json;charset=UTF-8",
            "Accept-Charset": "UTF-8",
        },
        {"Accept": "application/json, application/*+json, */*"},
    ):
        answer = await client.call_resource(tokens, **headers)
        assert answer.status_code == 200
        hold_resource(answer, client.resource_headers)


@pytest.mark.clause("ciba-11-4")
async def test_fapi_ciba_id1_user_rejects_authentication(bank: Bank):
    """access_denied with 400 once the user has declined."""
    pending = await bank.acknowledged(bank.client)
    await poll_twice(bank, bank.client, pending)
    (challenge,) = await bank.phone.fetch()
    await bank.phone.decide(bank.phone.denial(challenge))
    hold_token_error(await collected(bank, bank.client, pending), "access_denied")


@pytest.mark.clause("ciba-11-2", "ciba-10.1-7")
async def test_fapi_ciba_id1_multiple_call_to_token_endpoint(bank: Bank):
    """Polls without a pause are slowed down and never answered with 503 or by burning it."""
    pending = await bank.acknowledged(bank.client)
    await poll_twice(bank, bank.client, pending)
    codes = set()
    for _ in range(20):
        answer = await bank.client.poll(pending.auth_req_id)
        hold_token_error(answer, *PENDING)
        codes.add(error_of(answer))
    assert "slow_down" in codes
    await approve(bank)
    await verified_tokens(bank, bank.client, pending)


@pytest.mark.clause("ciba-11-3")
async def test_fapi_ciba_id1_auth_req_id_expired(bank: Bank):
    """expired_token a while after ten seconds that were asked for."""
    pending = await bank.acknowledged(bank.client, requested_expiry=10)
    assert pending.delay < pending.expires_in
    await poll_twice(bank, bank.client, pending)
    bank.clock.advance(pending.expires_in)
    hold_token_error(await bank.client.poll(pending.auth_req_id), "expired_token")


async def test_fapi_ciba_id1_ensure_authorization_request_with_binding_message_succeeds(
    bank: Bank,
):
    """A short binding message."""
    await completed(bank, bank.client, binding_message="1234")


async def test_fapi_ciba_id1_ensure_other_scope_order_succeeds(bank: Bank):
    """The scope tokens the other way round."""
    await completed(bank, bank.client, scope=" ".join(reversed(bank.client.scope.split())))


@pytest.mark.clause("ciba-7.1-17")
async def test_fapi_ciba_id1_ensure_requested_expiry_as_string_succeeds(bank: Bank):
    """The wish for an expiry as a string of digits."""
    await completed(bank, bank.client, requested_expiry="30")


@pytest.mark.clause("ciba-7.1-14")
async def test_fapi_ciba_id1_ensure_authorization_request_with_potentially_bad_binding_message(
    bank: Bank,
):
    """A long message of many scripts is refused, since nobody could compare it."""
    answer = await bank.client.ask(binding_message=POTENTIALLY_BAD)
    hold_backchannel_error(answer, "invalid_binding_message")
