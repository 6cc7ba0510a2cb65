"""What the provider publishes about itself."""

import json
from typing import Any

import msgspec
import pytest

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.metadata import Endpoints, ProviderMetadata, provider_metadata
from ciba_service.protocol.names import DeliveryMode, SubjectType
from tests.unit.protocol.registrations import ISSUER


def published(**changed: Any) -> ProviderMetadata:
    """The document of a provider of FAPI clients."""
    described: dict[str, Any] = {
        "endpoints": Endpoints(ISSUER),
        "delivery_modes": frozenset({DeliveryMode.POLL}),
        "issues_refresh_tokens": False,
        "client_algorithms": frozenset({SignatureAlgorithm.ES256, SignatureAlgorithm.PS256}),
        "id_token_algorithms": frozenset({SignatureAlgorithm.ES256}),
        "introspection_algorithms": frozenset(),
        "scopes": frozenset({"profile", "openid"}),
        "subject_types": frozenset({SubjectType.PUBLIC}),
        "acr_values": ("urn:openbanking:psd2:sca",),
        "authorization_details_types": ("payment_initiation",),
    }
    return provider_metadata(**{**described, **changed})


@pytest.mark.clause(
    "oidd-3-3", "oidd-3-5", "rfc8414-2-1", "rfc8414-2-2", "ciba-4-1", "ciba-4-2", "ciba-4-3",
    "ciba-4-4", "ciba-4-5", "fapi-ciba-5.2.2-3",
)  # fmt: skip
def test_the_document_says_what_the_provider_does():
    """Every member, its exact value, and no more."""
    assert json.loads(msgspec.json.encode(published())) == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/jwks",
        "backchannel_authentication_endpoint": f"{ISSUER}/bc-authorize",
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_authentication_request_signing_alg_values_supported": ["ES256", "PS256"],
        "backchannel_user_code_parameter_supported": True,
        "claims_parameter_supported": True,
        "grant_types_supported": ["urn:openid:params:grant-type:ciba"],
        "response_types_supported": [],
        "scopes_supported": ["openid", "profile"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256"],
        "introspection_endpoint": f"{ISSUER}/introspect",
        "introspection_endpoint_auth_methods_supported": ["private_key_jwt"],
        "introspection_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256"],
        "revocation_endpoint": f"{ISSUER}/revoke",
        "revocation_endpoint_auth_methods_supported": ["private_key_jwt"],
        "revocation_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256"],
        "userinfo_endpoint": f"{ISSUER}/userinfo",
        "dpop_signing_alg_values_supported": ["ES256", "PS256"],
        "acr_values_supported": ["urn:openbanking:psd2:sca"],
        "authorization_details_types_supported": ["payment_initiation"],
    }


def test_what_no_client_may_ask_for_is_not_published():
    """Without a client that may initiate payments there is no member about them."""
    document = json.loads(msgspec.json.encode(published(authorization_details_types=())))
    assert "authorization_details_types_supported" not in document


@pytest.mark.clause("rfc9449-5.1-1")
def test_proofs_are_signed_with_what_is_published():
    """RS256 is for no proof, whoever else may use it."""
    document = published(client_algorithms=frozenset(SignatureAlgorithm))
    assert document.dpop_signing_alg_values_supported == ("ES256", "PS256", "EdDSA")


@pytest.mark.clause("rfc8705-5-1", "rfc8705-3.3-1")
def test_where_certificates_are_asked_for_is_published():
    """Aliases have the names of members that are there as well, and the methods are named."""
    endpoints = Endpoints("https://op.example/bank", "https://mtls.op.example:8443")
    document = json.loads(msgspec.json.encode(published(endpoints=endpoints)))
    aliases = document["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == "https://mtls.op.example:8443/bank/token"
    assert aliases.keys() <= document.keys()
    assert "authorization_endpoint" not in aliases
    assert all(name.endswith("_endpoint") for name in aliases)
    assert document["tls_client_certificate_bound_access_tokens"] is True
    for endpoint in ("token", "introspection", "revocation"):
        assert document[f"{endpoint}_endpoint_auth_methods_supported"] == [
            "private_key_jwt",
            "tls_client_auth",
            "self_signed_tls_client_auth",
        ]


def test_the_refresh_grant_is_published_if_it_can_be_used():
    """Only when refresh tokens are issued to somebody."""
    document = json.loads(msgspec.json.encode(published(issues_refresh_tokens=True)))
    assert document["grant_types_supported"] == [
        "urn:openid:params:grant-type:ciba",
        "refresh_token",
    ]


@pytest.mark.parametrize(
    ("issuer", "url", "path", "openid", "oauth"),
    [
        (
            "https://op.example",
            "https://op.example/token",
            "/token",
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server",
        ),
        (
            "https://op.example/",
            "https://op.example/token",
            "/token",
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server",
        ),
        (
            "https://op.example/bank/a",
            "https://op.example/bank/a/token",
            "/bank/a/token",
            "/bank/a/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/bank/a",
        ),
    ],
)
def test_endpoints_and_documents_stand_below_the_issuer(
    issuer: str, url: str, path: str, openid: str, oauth: str
):
    """OpenID Discovery appends its path to the issuer, RFC 8414 inserts its own before it."""
    endpoints = Endpoints(issuer)
    assert endpoints.token == url
    assert endpoints.path("/token") == path
    assert endpoints.openid_configuration_path == openid
    assert endpoints.oauth_metadata_path == oauth
    assert endpoints.websocket("/token") == url.replace("https", "wss")
