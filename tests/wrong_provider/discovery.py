"""Metadata (CIBA section 4) and the key set."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from joserfc.jwk import OctKey

from tests.wrong_provider.faults import Fault
from tests.wrong_provider.provider import Provider

__all__ = ["key_set", "metadata"]

CIBA = "urn:openid:params:grant-type:ciba"
ALGORITHMS = ["ES256", "PS256"]
Members = dict[str, Any]

FAULTS: dict[Fault, Callable[[Members], object]] = {
    Fault.METADATA_NAMES_ANOTHER_ISSUER: lambda found: found.update(
        issuer="https://another.example"
    ),
    Fault.METADATA_WITHOUT_BACKCHANNEL_ENDPOINT: lambda found: found.pop(
        "backchannel_authentication_endpoint"
    ),
    Fault.METADATA_WITHOUT_TOKEN_ENDPOINT: lambda found: found.pop("token_endpoint"),
    Fault.METADATA_WITHOUT_DELIVERY_MODES: lambda found: found.pop(
        "backchannel_token_delivery_modes_supported"
    ),
    Fault.METADATA_WITH_UNKNOWN_DELIVERY_MODE: lambda found: found[
        "backchannel_token_delivery_modes_supported"
    ].append("pigeon"),
    Fault.METADATA_WITHOUT_CIBA_GRANT: lambda found: found["grant_types_supported"].remove(CIBA),
    Fault.METADATA_WITHOUT_REQUEST_ALGORITHMS: lambda found: found.pop(
        "backchannel_authentication_request_signing_alg_values_supported"
    ),
    Fault.METADATA_OFFERS_NONE_FOR_REQUESTS: lambda found: found[
        "backchannel_authentication_request_signing_alg_values_supported"
    ].append("none"),
    Fault.METADATA_USER_CODE_AS_STRING: lambda found: found.update(
        backchannel_user_code_parameter_supported="true"
    ),
    Fault.METADATA_WITHOUT_ID_TOKEN_ALGORITHMS: lambda found: found.pop(
        "id_token_signing_alg_values_supported"
    ),
    Fault.METADATA_WITHOUT_ASSERTION_ALGORITHMS: lambda found: found.pop(
        "token_endpoint_auth_signing_alg_values_supported"
    ),
    Fault.METADATA_WITHOUT_DPOP_ALGORITHMS: lambda found: found.pop(
        "dpop_signing_alg_values_supported"
    ),
    Fault.METADATA_WITHOUT_SUBJECT_TYPES: lambda found: found.pop("subject_types_supported"),
    Fault.METADATA_WITHOUT_CERTIFICATE_BINDING: lambda found: found.pop(
        "tls_client_certificate_bound_access_tokens"
    ),
    Fault.METADATA_WITH_EMPTY_LIST: lambda found: found.update(claims_supported=[]),
    Fault.METADATA_WITH_PLAIN_HTTP_ENDPOINT: lambda found: found.update(
        userinfo_endpoint="http://provider.example/userinfo"
    ),
    Fault.METADATA_WITH_ALIAS_OF_NOTHING: lambda found: found.update(
        mtls_endpoint_aliases={"revocation_endpoint": found["issuer"] + "/revoke"}
    ),
    Fault.METADATA_OFFERS_PUSH: lambda found: found[
        "backchannel_token_delivery_modes_supported"
    ].append("push"),
    Fault.METADATA_WITHOUT_AUTHENTICATION_METHODS: lambda found: found.pop(
        "token_endpoint_auth_methods_supported"
    ),
    Fault.METADATA_OFFERS_CLIENT_SECRETS: lambda found: found.update(
        token_endpoint_auth_methods_supported=["client_secret_basic"]
    ),
    Fault.METADATA_WITHOUT_JWKS_URI: lambda found: found.pop("jwks_uri"),
}


def metadata(provider: Provider) -> Members:
    """What the provider publishes about itself."""
    bound = any(client.certificate for client in provider.clients.values())
    certified = [] if not bound else ["tls_client_auth"]
    modes = sorted({client.mode for client in provider.clients.values()})
    found: Members = {
        "issuer": provider.issuer,
        "authorization_endpoint": provider.url("/authorize"),
        "token_endpoint": provider.url("/token"),
        "acr_values_supported": ["urn:example:strong"],
        "userinfo_endpoint": provider.url("/userinfo"),
        "backchannel_authentication_endpoint": provider.url("/bc-authorize"),
        "jwks_uri": provider.url("/jwks"),
        "scopes_supported": ["openid", "profile"],
        "response_types_supported": [],
        "grant_types_supported": [CIBA, "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", *certified],
        "token_endpoint_auth_signing_alg_values_supported": [*ALGORITHMS],
        "dpop_signing_alg_values_supported": [*ALGORITHMS],
        "tls_client_certificate_bound_access_tokens": True,
        "backchannel_token_delivery_modes_supported": modes,
        "backchannel_authentication_request_signing_alg_values_supported": [*ALGORITHMS],
        "backchannel_user_code_parameter_supported": True,
    }
    if bound:
        names = ("token_endpoint", "userinfo_endpoint")
        found["mtls_endpoint_aliases"] = {name: found[name] for name in names}
    for fault, spoil in FAULTS.items():
        if provider.has(fault):
            spoil(found)
    return found


def key_set(provider: Provider) -> Members:
    """The keys that ID tokens are signed with."""
    own = dict(provider.key.as_dict(private=provider.has(Fault.KEYS_WITH_PRIVATE_HALF)))
    keys = [own]
    if provider.has(Fault.KEYS_WITHOUT_KID):
        del own["kid"]
    if provider.has(Fault.KEYS_WITH_SYMMETRIC_KEY):
        shared = OctKey.generate_key(256, {"kid": "shared", "use": "sig", "alg": "HS256"})
        keys.append(dict(shared.as_dict(private=True)))
    if provider.has(Fault.KEYS_WITH_SAME_KID_TWICE):
        keys.append(dict(own))
    if provider.has(Fault.KEYS_WITH_WEAK_RSA):
        modulus = urlsafe_b64encode(b"\xc5" * 128).rstrip(b"=").decode()
        keys.append({"kty": "RSA", "kid": "weak", "use": "sig", "n": modulus, "e": "AQAB"})
    return {"keys": keys}
