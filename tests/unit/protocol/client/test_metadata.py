"""Client metadata: what is registered, and every reason why it is not (CIBA 4, RFC 7591)."""

from typing import Any

import pytest

from ciba_service.protocol.client.metadata import InvalidMetadataError, register_client
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.names import CIBA_GRANT_TYPE, DeliveryMode
from ciba_service.protocol.profiles import PROFILES, ProfileName
from tests.unit.protocol.client.certificates.test_registration import long_jwk
from tests.unit.protocol.registrations import key_for, registered, signer
from tests.wire.signing import public_jwk

PING = {
    "backchannel_token_delivery_mode": "ping",
    "backchannel_client_notification_endpoint": "https://till.example/ping",
}
PUSH = {**PING, "backchannel_token_delivery_mode": "push"}


def refusal(**metadata: Any) -> str:
    """Why a registration is refused; a member set to None is left out."""
    members = {**signer().registration(), **metadata}
    present = {name: value for name, value in members.items() if value is not None}
    with pytest.raises(InvalidMetadataError) as refused:
        register_client(present)
    return str(refused.value)


def test_a_poll_client_is_registered_with_the_defaults():
    """What is not said has the default of its specification."""
    client = register_client(
        {
            "client_id": "till",
            "profile": "ciba-core",
            "grant_types": [CIBA_GRANT_TYPE],
            "backchannel_token_delivery_mode": "poll",
            "jwks": {"keys": [public_jwk(key_for("ES256"))]},
        }
    )
    assert client.name == "till"
    assert client.delivery_mode is DeliveryMode.POLL
    assert client.scope == {"openid"}
    assert client.polling_interval == 5
    assert client.assertion_algorithms == frozenset(SignatureAlgorithm)
    assert client.id_token_alg is SignatureAlgorithm.ES256
    assert client.request_signing_alg is None
    assert client.may_use_ciba
    assert client.enabled
    assert not client.must_sign_requests
    assert "KeySet" not in repr(client)


def test_a_client_of_certificates_alone_needs_no_key_that_signs():
    """One that signs requests does."""
    members = {
        "client_id": "till",
        "profile": "ciba-core",
        "grant_types": [CIBA_GRANT_TYPE],
        "backchannel_token_delivery_mode": "poll",
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "jwks": {"keys": [long_jwk()]},
    }
    client = register_client(members)
    assert len(client.keys) == 0
    assert client.certificate_rule is not None
    with pytest.raises(InvalidMetadataError, match="no signature key"):
        register_client({**members, "backchannel_authentication_request_signing_alg": "ES256"})


@pytest.mark.clause("rfc8725-3.1-1")
def test_the_algorithms_are_those_registered():
    """Each use of a key has the one algorithm that was registered for it."""
    client = registered(signer("PS256", id_token_signed_response_alg="PS256"))
    assert client.assertion_algorithms == {SignatureAlgorithm.PS256}
    assert client.request_signing_alg is SignatureAlgorithm.PS256
    assert client.id_token_alg is SignatureAlgorithm.PS256
    assert client.must_sign_requests


def test_unknown_metadata_is_ignored():
    """RFC 7591 2: what this service does not know does not matter."""
    assert registered(signer(software_statement="x", backchannel_user_code_parameter=True))


def test_resources_and_user_codes_are_registered():
    """Without them a client names no resource and asks for no code."""
    plain = registered(signer())
    assert (plain.resources, plain.asks_for_user_codes) == (frozenset(), False)
    resources = ["https://bank.example/accounts", "urn:example:cards"]
    more = registered(signer(resources=resources, backchannel_user_code_parameter=True))
    assert (more.resources, more.asks_for_user_codes) == (frozenset(resources), True)


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        ({"resources": ["https://bank.example/#x"]}, "resources must be absolute URIs"),
        ({"resources": ["/accounts"]}, "resources must be absolute URIs"),
        ({"resources": ["https://b.example/" + "a" * 512]}, "resources must be absolute URIs"),
        pytest.param(
            {"backchannel_token_delivery_mode": None},
            "backchannel_token_delivery_mode is missing",
            marks=pytest.mark.clause("ciba-4-7"),
            id="no-delivery-mode",
        ),
        pytest.param(
            {"backchannel_token_delivery_mode": "pull"},
            "backchannel_token_delivery_mode must be",
            marks=pytest.mark.clause("ciba-4-7"),
            id="unknown-delivery-mode",
        ),
        pytest.param(
            {"grant_types": []},
            "grant_types",
            marks=pytest.mark.clause("ciba-4-8"),
            id="poll-without-the-grant",
        ),
        pytest.param(
            {**PING, "grant_types": ["authorization_code"]},
            "grant_types",
            marks=pytest.mark.clause("ciba-4-8"),
            id="ping-without-the-grant",
        ),
        pytest.param(
            {**PING, "backchannel_client_notification_endpoint": None},
            "backchannel_client_notification_endpoint is required",
            marks=pytest.mark.clause("ciba-4-9"),
            id="ping-without-an-endpoint",
        ),
        pytest.param(
            {**PUSH, "backchannel_client_notification_endpoint": None},
            "backchannel_client_notification_endpoint is required",
            marks=pytest.mark.clause("ciba-4-9"),
            id="push-without-an-endpoint",
        ),
        *(
            pytest.param(
                {**PING, "backchannel_client_notification_endpoint": url},
                "backchannel_client_notification_endpoint",
                marks=pytest.mark.clause("ciba-4-10"),
                id=f"endpoint-{url}",
            )
            for url in (
                "http://till.example/ping",
                "ftp://till.example/ping",
                "till.example/ping",
                "https:///ping",
                "https://till.example/ping#part",
                "https://user@till.example/ping",
                "https://:secret@till.example/ping",
                "https://[till.example/ping",
                "",
            )
        ),
        pytest.param({"client_id": None}, "client_id", id="no-client-id"),
        pytest.param({"client_id": ""}, "client_id", id="empty-client-id"),
        pytest.param({"client_id": "t\u0131ll"}, "client_id", id="client-id-not-ascii"),
        pytest.param({"client_id": "a b"}, "client_id", id="client-id-with-a-space"),
        pytest.param({"client_id": "x" * 256}, "client_id", id="client-id-too-long"),
        pytest.param({"client_id": 5}, "client_id", id="client-id-a-number"),
        pytest.param({"client_name": "x" * 257}, "client_name", id="name-too-long"),
        pytest.param({"client_name": "a\u202eb"}, "client_name", id="name-that-turns-the-line"),
        pytest.param({"client_name": "a\nb"}, "client_name", id="name-of-two-lines"),
        pytest.param({"client_name": "\u3164"}, "client_name", id="name-that-looks-empty"),
        pytest.param({"client_name": "..."}, "client_name", id="name-of-signs"),
        pytest.param({"client_name": "B\u0430nk"}, "client_name", id="name-of-two-scripts"),
        pytest.param({"client_name": " Bank"}, "client_name", id="name-with-outer-space"),
        pytest.param(
            {"client_id": "^", "client_name": None},
            "client_name",
            id="nameless-and-id-not-to-be-shown",
        ),
        pytest.param({"profile": "fapi-3"}, "profile", id="unknown-profile"),
        *(
            pytest.param(
                {"token_endpoint_auth_method": method},
                "token_endpoint_auth_method",
                marks=pytest.mark.clause(
                    "fapi-ciba-5.2.2-1",
                    "fapi1-p2-5.2.2-16",
                    "fapi2-sp-5.3.2.1-3",
                ),
                id=f"method-{method}",
            )
            for method in ("none", "client_secret_basic", "client_secret_jwt", "")
        ),
        pytest.param({"jwks": None}, "jwks is missing", id="no-keys"),
        pytest.param({"jwks": {"keys": []}}, "jwks:", id="empty-key-set"),
        pytest.param(
            {"jwks": {"keys": [key_for("ES256").as_dict(private=True)]}},
            "private",
            id="private-key",
        ),
        pytest.param({"jwks_uri": "https://till.example/jwks"}, "jwks_uri", id="jwks-uri"),
        pytest.param({"scope": ""}, "scope", id="empty-scope"),
        pytest.param({"scope": "openid  profile"}, "scope", id="scope-of-two-spaces"),
        pytest.param({"scope": 'openid "quoted"'}, "scope", id="scope-with-quotes"),
        pytest.param({"scope": "openid\tprofile"}, "scope", id="scope-with-a-tab"),
        pytest.param({"polling_interval": -1}, "polling_interval", id="negative-interval"),
        pytest.param({"polling_interval": 301}, "polling_interval", id="long-interval"),
        pytest.param({"polling_wait": -1}, "polling_wait", id="negative-wait"),
        pytest.param({"polling_wait": 26}, "polling_wait", id="long-wait"),
        pytest.param({"polling_interval": "5"}, "polling_interval", id="interval-a-string"),
        pytest.param(
            {"token_endpoint_auth_method": "tls_client_auth"},
            "tls_client_auth needs exactly one of",
            id="certificate-without-subject",
        ),
        pytest.param(
            {"tls_client_auth_san_dns": "till.example"},
            "tls_client_auth_san_dns: it does not go with private_key_jwt",
            id="subject-without-certificate",
        ),
        pytest.param(
            {"tls_client_certificate_bound_access_tokens": "yes"},
            "tls_client_certificate_bound_access_tokens",
            id="bound-a-string",
        ),
        pytest.param({"enabled": "yes"}, "enabled", id="enabled-a-string"),
        pytest.param(
            {"introspection_encrypted_response_alg": "RSA-OAEP"},
            "introspection_encrypted_response_alg",
            marks=pytest.mark.clause("rfc9701-6-1"),
            id="encrypted-introspection",
        ),
        pytest.param(
            {"introspection_signed_response_alg": "RS256"},
            "introspection_signed_response_alg: RS256",
            marks=pytest.mark.clause("rfc9701-6-1"),
            id="introspection-by-RS256",
        ),
    ],
)
def test_metadata_that_breaks_a_rule_is_refused_by_name(metadata: dict[str, Any], named: str):
    """The refusal names the member."""
    assert named in refusal(**metadata)


@pytest.mark.parametrize(
    ("profile", "member", "alg", "is_allowed"),
    [
        (profile, member, alg, alg in {str(allowed) for allowed in PROFILES[profile].algorithms})
        for profile in ProfileName
        for member in (
            "token_endpoint_auth_signing_alg",
            "backchannel_authentication_request_signing_alg",
        )
        for alg in ("PS256", "ES256", "EdDSA", "RS256", "ES384", "PS512", "HS256", "none", "")
    ],
)
@pytest.mark.clause("fapi-ciba-7.10-1", "fapi-ciba-7.10-2", "fapi-ciba-7.10-3", "fapi2-sp-5.4.1-1")
def test_an_algorithm_outside_the_profile_is_refused(
    profile: ProfileName, member: str, alg: str, *, is_allowed: bool
):
    """A client registers only what its profile allows; none and MACs are allowed by no profile."""
    if is_allowed:
        assert registered(signer(profile=profile, **{member: alg}))
    else:
        assert member in refusal(profile=profile, **{member: alg})


def test_the_profiles_allow_what_their_specifications_allow():
    """FAPI-CIBA has PS256 and ES256, FAPI 2.0 adds EdDSA, CIBA Core adds RS256."""
    fapi = {SignatureAlgorithm.PS256, SignatureAlgorithm.ES256}
    assert PROFILES[ProfileName.FAPI_CIBA].algorithms == fapi
    assert PROFILES[ProfileName.FAPI2_CIBA].algorithms == fapi | {SignatureAlgorithm.EDDSA}
    assert PROFILES[ProfileName.CIBA_CORE].algorithms == set(SignatureAlgorithm)


@pytest.mark.clause("fapi2-ms-5.6.1-1")
@pytest.mark.parametrize("alg", ["RS256", "none", "HS256"])
def test_an_id_token_algorithm_that_is_never_issued_is_refused(alg: str):
    """What the service holds no key for cannot be promised to a client."""
    assert "id_token_signed_response_alg" in refusal(id_token_signed_response_alg=alg)


def test_ed25519_is_for_clients_whose_profile_has_it():
    """FAPI-CIBA allows PS256 and ES256 only; without a wish everybody gets ES256."""
    eddsa = {"id_token_signed_response_alg": "EdDSA"}
    for profile in (ProfileName.FAPI2_CIBA, ProfileName.CIBA_CORE):
        assert registered(signer(profile=profile, **eddsa)).id_token_alg == "EdDSA"
        assert registered(signer(profile=profile)).id_token_alg == "ES256"
    assert "not allowed by profile" in refusal(profile=ProfileName.FAPI_CIBA, **eddsa)


@pytest.mark.clause("fapi-ciba-5.2.2-3")
@pytest.mark.parametrize("profile", [ProfileName.FAPI_CIBA, ProfileName.FAPI2_CIBA])
def test_a_fapi_client_may_poll_and_be_pinged_but_not_pushed(profile: ProfileName):
    """FAPI-CIBA forbids push; CIBA Core alone has it."""
    assert registered(signer(profile=profile)).delivery_mode is DeliveryMode.POLL
    assert registered(signer(profile=profile, **PING)).delivery_mode is DeliveryMode.PING
    assert "not allowed by profile" in refusal(profile=profile, **PUSH)
    pushed = registered(signer(**PUSH))
    assert pushed.delivery_mode is DeliveryMode.PUSH
    assert pushed.notification_endpoint == "https://till.example/ping"


@pytest.mark.clause("fapi-ciba-5.2.2-6", "fapi1-p2-5.2.2-1")
@pytest.mark.parametrize("profile", [ProfileName.FAPI_CIBA, ProfileName.FAPI2_CIBA])
def test_a_fapi_client_registers_how_it_signs_requests(profile: ProfileName):
    """Where requests must be signed, the algorithm must be known."""
    name = "backchannel_authentication_request_signing_alg"
    assert name in refusal(profile=profile, **{name: None})
    assert registered(signer(profile=profile)).must_sign_requests


def test_fapi_is_the_profile_of_a_client_that_names_none():
    """The strictest profile is the default, and it demands bound tokens and context."""
    profile = registered(signer(profile=ProfileName.FAPI_CIBA)).profile
    assert register_client({**signer().registration(), "profile": "fapi-ciba"}).profile is profile
    unnamed = {key: value for key, value in signer().registration().items() if key != "profile"}
    assert register_client(unnamed).profile is profile
    assert profile.demands_sender_constraint
    assert profile.demands_context


def test_a_push_client_needs_no_grant_and_may_then_not_use_it():
    """A push client has no token request; without the grant it is no CIBA client either."""
    client = registered(signer(**PUSH, grant_types=[]))
    assert not client.may_use_ciba


@pytest.mark.clause("fapi2-sp-5.3.2.1-5")
@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"profile": "fapi-ciba"}, (True, True, False)),
        ({"profile": "fapi-ciba", "dpop_bound_access_tokens": True}, (True, False, True)),
        ({"profile": "fapi2-ciba"}, (True, False, False)),
        ({"profile": "fapi2-ciba", "dpop_bound_access_tokens": True}, (True, False, True)),
        (
            {"profile": "fapi2-ciba", "tls_client_certificate_bound_access_tokens": True},
            (True, True, False),
        ),
        ({"profile": "ciba-core"}, (False, False, False)),
    ],
    ids=str,
)
def test_profile_and_registration_say_what_tokens_are_bound_to(
    metadata: dict[str, Any], expected: tuple[bool, bool, bool]
):
    """A FAPI client is always bound; FAPI-CIBA means certificates unless DPoP was registered."""
    binding = registered(signer(**metadata)).binding
    found = (binding.demands_sender_constraint, binding.certificate_bound, binding.dpop_bound)
    assert found == expected


def test_a_client_with_a_certificate_needs_keys_for_requests_only():
    """Without signed requests a key set is not needed, with them it is."""
    by_certificate = {
        "profile": "ciba-core",
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "till.example",
        "jwks": None,
    }
    unsigned = registered(
        signer(**by_certificate, backchannel_authentication_request_signing_alg=None)
    )
    assert len(unsigned.keys) == 0
    assert unsigned.certificate_rule is not None
    with pytest.raises(InvalidMetadataError, match="jwks is missing"):
        registered(signer(**by_certificate))
