"""Certification: refresh tokens. Tests are named after the modules of the plan."""

from typing import Any

import pytest

from tests.conformance.certification.answers import (
    hold_resource,
    hold_token_error,
    token_response,
)
from tests.conformance.certification.bank import Bank
from tests.conformance.certification.flow_steps import completed
from tests.conformance.certification.id_tokens import IdTokenExpectation
from tests.conformance.certification.suite_client import SuiteClient
from tests.wire.signing import claims_of


@pytest.fixture
def refreshes() -> bool:
    """All clients register for refresh tokens."""
    return True


async def hold_refreshed(
    bank: Bank, client: SuiteClient, first: dict[str, Any], **form: str
) -> None:
    """Hold that a refresh brings another token of the same grant that can be used."""
    bank.clock.advance(1)
    second = token_response(await client.refresh(first["refresh_token"], **form))
    assert second["access_token"] != first["access_token"]
    before = claims_of(first["id_token"])
    if "id_token" in second:
        expected = IdTokenExpectation(
            issuer=bank.metadata["issuer"],
            client_id=client.client_id,
            jwks=bank.jwks,
            now=bank.clock.now(),
            auth_req_id=None,
        )
        after = expected.verify(second)
        for name in ("iss", "sub", "aud", "auth_time", "azp"):
            assert after.get(name) == before.get(name)
        assert after["iat"] != before["iat"]
    hold_resource(await client.call_resource(second), client.resource_headers)


@pytest.mark.clause("oidc-12.2-1")
async def test_fapi_ciba_id1_refresh_token(bank: Bank):
    """Both clients refresh, one with its scope; neither can use the other's refresh token."""
    first, second = bank.client, bank.client2
    first.assertion_audience, second.assertion_audience = "issuer", "token_endpoint"
    assert "refresh_token" in bank.metadata["grant_types_supported"]
    tokens = await completed(bank, first)
    await hold_refreshed(bank, first, tokens, scope=first.scope)
    others = await completed(bank, second)
    await hold_refreshed(bank, second, others)
    hold_token_error(await first.refresh(others["refresh_token"]), "invalid_grant")
