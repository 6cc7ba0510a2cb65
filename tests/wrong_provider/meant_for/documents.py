"""Metadata and keys."""

from typing import Final

from tests.wrong_provider.cases import Case, certified, warns
from tests.wrong_provider.faults import Fault

__all__ = ["DOCUMENTS"]

DOCUMENTS: Final = (
    Case(Fault.METADATA_AS_TEXT, "discovery-document", "it is text/plain"),
    Case(
        Fault.METADATA_WITHOUT_BACKCHANNEL_ENDPOINT,
        "discovery-document",
        "a URL as backchannel_authentication_endpoint",
    ),
    Case(Fault.METADATA_WITHOUT_TOKEN_ENDPOINT, "discovery-document", "a URL as token_endpoint"),
    Case(Fault.METADATA_WITHOUT_JWKS_URI, "discovery-document", "a URL as jwks_uri"),
    Case(Fault.METADATA_NAMES_ANOTHER_ISSUER, "discovery-issuer", "another.example"),
    Case(
        Fault.METADATA_WITH_PLAIN_HTTP_ENDPOINT,
        "discovery-https",
        "an https URL as userinfo_endpoint",
    ),
    Case(Fault.METADATA_WITHOUT_DELIVERY_MODES, "discovery-delivery-modes", "it is None"),
    Case(Fault.METADATA_WITH_UNKNOWN_DELIVERY_MODE, "discovery-delivery-modes", "pigeon"),
    Case(Fault.METADATA_OFFERS_PUSH, "discovery-no-push", "delivery modes without push"),
    Case(Fault.METADATA_WITHOUT_CIBA_GRANT, "discovery-grant-type", "grant_types_supported"),
    Case(
        Fault.METADATA_WITHOUT_REQUEST_ALGORITHMS,
        "discovery-request-algorithms",
        "backchannel_authentication_request_signing_alg_values_supported with ES256",
    ),
    Case(
        Fault.METADATA_OFFERS_NONE_FOR_REQUESTS,
        "discovery-request-algorithms-asymmetric",
        "['none']",
    ),
    warns(
        Case(
            Fault.METADATA_WITHOUT_REQUEST_ALGORITHMS,
            "discovery-request-algorithms-fapi",
            "with PS256 or ES256",
        )
    ),
    Case(
        Fault.METADATA_OFFERS_CLIENT_SECRETS,
        "discovery-authentication-methods",
        "token_endpoint_auth_methods_supported with private_key_jwt",
    ),
    Case(
        Fault.METADATA_OFFERS_CLIENT_SECRETS,
        "discovery-authentication-methods-fapi",
        "private_key_jwt or mutual TLS",
    ),
    Case(
        Fault.METADATA_WITHOUT_AUTHENTICATION_METHODS,
        "discovery-authentication-methods",
        "token_endpoint_auth_methods_supported with private_key_jwt",
    ),
    Case(
        Fault.METADATA_WITHOUT_ASSERTION_ALGORITHMS,
        "discovery-assertion-algorithms",
        "token_endpoint_auth_signing_alg_values_supported with ES256",
    ),
    Case(
        Fault.METADATA_WITHOUT_ID_TOKEN_ALGORITHMS,
        "discovery-id-token-algorithms",
        "id_token_signing_alg_values_supported",
    ),
    Case(
        Fault.METADATA_WITHOUT_SUBJECT_TYPES,
        "discovery-required-members",
        "subject_types_supported",
    ),
    Case(Fault.METADATA_WITH_ALIAS_OF_NOTHING, "discovery-mtls-aliases", "revocation_endpoint"),
    certified(
        Case(
            Fault.METADATA_WITHOUT_CERTIFICATE_BINDING,
            "discovery-certificate-bound-tokens",
            "tls_client_certificate_bound_access_tokens: true",
        )
    ),
    Case(
        Fault.METADATA_WITHOUT_DPOP_ALGORITHMS,
        "discovery-dpop-algorithms",
        "dpop_signing_alg_values_supported with ES256",
    ),
    warns(Case(Fault.METADATA_USER_CODE_AS_STRING, "discovery-user-code", "it is 'true'")),
    warns(Case(Fault.METADATA_WITH_EMPTY_LIST, "discovery-no-empty-lists", "claims_supported")),
    Case(Fault.KEYS_WITH_PRIVATE_HALF, "jwks-public-keys", "a key has d"),
    Case(Fault.KEYS_WITH_SYMMETRIC_KEY, "jwks-public-keys", "a key has k"),
    Case(Fault.KEYS_WITHOUT_KID, "jwks-key-ids", "one without"),
    Case(Fault.KEYS_WITH_SAME_KID_TWICE, "jwks-key-ids", "op-1 is there twice"),
    Case(Fault.KEYS_WITH_WEAK_RSA, "jwks-key-sizes", "one has 1024"),
)
