"""Certification: what is published. The test is named after the module of the plan."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conformance.certification.answers import json_of
from tests.conformance.certification.bank import WELL_KNOWN, Bank
from tests.conformance.certification.id_tokens import hold_key_set
from tests.conformance.certification.suite_client import CIBA_GRANT

SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
ALGORITHMS = frozenset({"PS256", "ES256"})
TEXTS = frozenset({"issuer", "service_documentation", "op_policy_uri", "op_tos_uri", "jwks_uri"})
ENDPOINTS = frozenset(
    {
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "registration_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
        "backchannel_authentication_endpoint",
    }
)
FLAGS = frozenset(
    {
        "claims_parameter_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "require_request_uri_registration",
        "require_signed_request_object",
        "require_pushed_authorization_requests",
        "authorization_response_iss_parameter_supported",
        "tls_client_certificate_bound_access_tokens",
        "backchannel_user_code_parameter_supported",
    }
)
LISTS = frozenset(
    {
        "scopes_supported",
        "response_types_supported",
        "response_modes_supported",
        "grant_types_supported",
        "acr_values_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "userinfo_signing_alg_values_supported",
        "request_object_signing_alg_values_supported",
        "token_endpoint_auth_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "introspection_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_signing_alg_values_supported",
        "revocation_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_signing_alg_values_supported",
        "display_values_supported",
        "claim_types_supported",
        "claims_supported",
        "claims_locales_supported",
        "ui_locales_supported",
        "code_challenge_methods_supported",
        "dpop_signing_alg_values_supported",
        "authorization_details_types_supported",
        "backchannel_token_delivery_modes_supported",
        "backchannel_authentication_request_signing_alg_values_supported",
    }
)
KNOWN = TEXTS | ENDPOINTS | FLAGS | LISTS | {"mtls_endpoint_aliases"}
"""Members that IANA's registry of server metadata has a name for; others are warnings."""


def hold_types(document: Mapping[str, Any]) -> None:
    """Hold that every member is known and of its type, and that addresses are https."""
    assert document.keys() <= KNOWN
    for name in document.keys() & FLAGS:
        assert isinstance(document[name], bool)
    for name in document.keys() & LISTS:
        assert all(isinstance(value, str) and value for value in document[name])
    for name in document.keys() & (TEXTS | ENDPOINTS):
        assert_https(document[name])


def assert_https(url: str) -> None:
    """Hold that it is an absolute https URL without user and fragment."""
    parts = urlsplit(url)
    assert parts.scheme == "https"
    assert parts.hostname
    assert not parts.fragment
    assert parts.username is None


def hold_aliases(document: Mapping[str, Any]) -> None:
    """Hold that aliases are endpoints that are there as well, and not the authorization's."""
    aliases = document["mtls_endpoint_aliases"]
    assert aliases.keys() <= document.keys()
    assert aliases.keys() <= ENDPOINTS - {"authorization_endpoint"}
    for url in aliases.values():
        assert_https(url)


@pytest.mark.clause(
    "ciba-4-1", "ciba-4-2", "ciba-4-3", "ciba-4-5", "oidd-3-3", "rfc8705-5-1",
    "fapi1-p1-5.2.2-22", "rfc8414-3-1",
)  # fmt: skip
async def test_fapi_ciba_id1_discovery_end_point_verification(bank: Bank):
    """Every member that certification looks at, and none that it does not know."""
    answer = await bank.running.http.get(WELL_KNOWN)
    assert answer.status_code == 200
    document = json_of(answer)
    hold_types(document)
    hold_aliases(document)
    assert document["issuer"] == str(answer.url).removesuffix(WELL_KNOWN)
    assert urlsplit(document["issuer"]).query == ""
    assert all(SCOPE.fullmatch(scope) for scope in document["scopes_supported"])
    assert document["tls_client_certificate_bound_access_tokens"] is True
    assert ALGORITHMS & set(document["id_token_signing_alg_values_supported"])
    methods = set(document["token_endpoint_auth_methods_supported"])
    assert {"private_key_jwt", "tls_client_auth", bank.variant.method.value} <= methods
    assert ALGORITHMS & set(document["token_endpoint_auth_signing_alg_values_supported"])
    assert ALGORITHMS & set(document.get("userinfo_signing_alg_values_supported", ALGORITHMS))
    signing = document["backchannel_authentication_request_signing_alg_values_supported"]
    assert ALGORITHMS & set(signing)
    assert CIBA_GRANT in document["grant_types_supported"]
    assert bank.variant.mode in document["backchannel_token_delivery_modes_supported"]
    assert "push" not in document["backchannel_token_delivery_modes_supported"]


@pytest.mark.clause("oidc-10.1-1")
async def test_the_key_set_is_as_certification_wants_it(bank: Bank):
    """Public, named, strong, unique, and every key can be used."""
    answer = await bank.running.http.get(bank.metadata["jwks_uri"])
    assert answer.status_code == 200
    hold_key_set(answer.json())
