"""What the client sends, before it is sent."""

import json

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from ciba_client import (
    AuthReqId,
    ClientConfiguration,
    ConfigurationError,
    InvalidAuthenticationRequest,
    SignatureAlgorithm,
    SigningKey,
)
from ciba_client.sdk.provider.metadata import ProviderMetadata
from ciba_client.sdk.requests.authentication import AuthenticationRequest
from ciba_client.sdk.requests.backchannel import backchannel_request
from ciba_client.sdk.requests.token import token_request

NOW = 1_795_230_000.75
ISSUER = "https://op.example"
METADATA = ProviderMetadata(
    issuer=ISSUER,
    token_endpoint=f"{ISSUER}/token",
    backchannel_authentication_endpoint=f"{ISSUER}/bc-authorize",
    jwks_uri=f"{ISSUER}/jwks",
    id_token_signing_algorithms=frozenset({SignatureAlgorithm.ES256}),
)
PAYMENT = [{"type": "payment_initiation", "amount": "12.50"}]
FULL = AuthenticationRequest(
    scope="openid payments",
    login_hint="alice@example.org",
    binding_message="W4SCT",
    user_code="1234",
    requested_expiry=120,
    acr_values="urn:openbanking:psd2:sca",
    authorization_details=PAYMENT,
    extensions={"ui_locales": "de en"},
)


def configured(signing_key: SigningKey, **changes: object):
    """A registered client, with changes."""
    return ClientConfiguration(
        **{"issuer": ISSUER, "client_id": "corner-shop", "key": signing_key, **changes}
    )


def sent(configuration: ClientConfiguration, request: AuthenticationRequest = FULL):
    """The request as it would be sent."""
    return backchannel_request(request, configuration=configuration, metadata=METADATA, now=NOW)


def decoded(text: str, client_jwk: ECKey):
    """A JWT of the client, verified."""
    return jwt.decode(text, client_jwk, algorithms=["ES256"])


@pytest.mark.clause("ciba-7.1-3")
def test_the_client_assertion_is_for_the_issuer_and_one_minute(
    signing_key: SigningKey, client_jwk: ECKey
):
    """Issuer and subject are the client, the audience is the issuer as a string."""
    form = sent(configured(signing_key)).parameters
    token = decoded(form["client_assertion"], client_jwk)
    assert token.header == {"alg": "ES256", "kid": "client-1", "typ": "JWT"}
    assert len(token.claims.pop("jti")) >= 22
    assert token.claims == {
        "iss": "corner-shop",
        "sub": "corner-shop",
        "aud": ISSUER,
        "iat": 1_795_230_000,
        "nbf": 1_795_230_000,
        "exp": 1_795_230_060,
    }
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def test_the_audience_of_the_assertion_may_be_configured(
    signing_key: SigningKey, client_jwk: ECKey
):
    """The request object still goes to the issuer."""
    form = sent(configured(signing_key, assertion_audience=METADATA.token_endpoint)).parameters
    assert decoded(form["client_assertion"], client_jwk).claims["aud"] == METADATA.token_endpoint
    assert decoded(form["request"], client_jwk).claims["aud"] == ISSUER


def test_no_identifier_is_used_twice(signing_key: SigningKey, client_jwk: ECKey):
    """Each JWT of each request has its own ``jti``."""
    forms = [sent(configured(signing_key)).parameters for _ in range(3)]
    tokens = [form[name] for form in forms for name in ("request", "client_assertion")]
    assert len({decoded(token, client_jwk).claims["jti"] for token in tokens}) == 6


@pytest.mark.clause("fapi-ciba-5.2.3-1")
def test_a_request_is_signed_unless_the_client_is_registered_otherwise(
    signing_key: SigningKey, client_jwk: ECKey
):
    """By default every parameter is inside the request object, with its JSON type."""
    request = sent(configured(signing_key))
    assert request.url == METADATA.backchannel_authentication_endpoint
    assert set(request.parameters) == {"request", "client_assertion", "client_assertion_type"}
    token = decoded(request.parameters["request"], client_jwk)
    assert token.header["typ"] == "oauth-authz-req+jwt"
    assert len(token.claims.pop("jti")) >= 22
    assert token.claims == {
        "iss": "corner-shop",
        "aud": ISSUER,
        "iat": 1_795_230_000,
        "nbf": 1_795_230_000,
        "exp": 1_795_230_060,
        "scope": "openid payments",
        "login_hint": "alice@example.org",
        "binding_message": "W4SCT",
        "user_code": "1234",
        "requested_expiry": 120,
        "acr_values": "urn:openbanking:psd2:sca",
        "authorization_details": PAYMENT,
        "ui_locales": "de en",
    }


def test_an_unsigned_request_is_a_plain_form(signing_key: SigningKey):
    """Numbers become digits and structures become JSON text."""
    form = dict(sent(configured(signing_key, sign_requests=False)).parameters)
    assert form.pop("client_assertion")
    assert form.pop("client_assertion_type")
    assert json.loads(form.pop("authorization_details")) == PAYMENT
    assert form == {
        "scope": "openid payments",
        "login_hint": "alice@example.org",
        "binding_message": "W4SCT",
        "user_code": "1234",
        "requested_expiry": "120",
        "acr_values": "urn:openbanking:psd2:sca",
        "ui_locales": "de en",
    }


def test_absent_parameters_are_not_sent():
    """Neither as null nor as empty text."""
    request = AuthenticationRequest(scope="openid", id_token_hint="jwt")
    assert request.claims() == {"scope": "openid", "id_token_hint": "jwt"}


@pytest.mark.clause("ciba-7.4-1")
def test_a_token_request_carries_the_id_it_was_given(signing_key: SigningKey):
    """The grant, the auth_req_id in clear, and a client assertion; nothing else."""
    request = token_request(
        AuthReqId("secret"),
        configuration=configured(signing_key),
        metadata=METADATA,
        dpop_key=None,
        nonce="of no use without a key",
        now=NOW,
    )
    assert request.headers == {}
    assert request.url == METADATA.token_endpoint
    assert request.parameters["grant_type"] == "urn:openid:params:grant-type:ciba"
    assert request.parameters["auth_req_id"] == "secret"
    assert set(request.parameters) == {
        "grant_type",
        "auth_req_id",
        "client_assertion",
        "client_assertion_type",
    }


@pytest.mark.parametrize(
    "hints",
    [{}, {"login_hint": "a", "login_hint_token": "b"}, {"login_hint": "a", "id_token_hint": "c"}],
)
def test_a_request_has_exactly_one_hint(hints: dict[str, str]):
    """The provider must know whom to ask."""
    with pytest.raises(InvalidAuthenticationRequest, match="exactly one"):
        AuthenticationRequest(scope="openid", **hints)


@pytest.mark.clause("ciba-7.1-12")
def test_an_encrypted_id_token_is_no_hint():
    """Whoever wants to send it decrypts it first: the provider cannot."""
    with pytest.raises(InvalidAuthenticationRequest, match="decrypt"):
        AuthenticationRequest(scope="openid", id_token_hint="header.key.iv.text.tag")


@pytest.mark.clause("fapi-ciba-6-3")
def test_a_request_tells_of_the_consumption_device(signing_key: SigningKey, client_jwk: ECKey):
    """As a JSON value within what is signed, as JSON text in a form."""
    context = {"device": {"type": "till"}, "geolocation": {"lat": 52.5, "lon": 13.4}}
    request = AuthenticationRequest(scope="openid", login_hint="a", request_context=context)
    signed = sent(configured(signing_key), request).parameters["request"]
    assert decoded(signed, client_jwk).claims["request_context"] == context
    form = sent(configured(signing_key, sign_requests=False), request).parameters
    assert json.loads(form["request_context"]) == context


def test_a_request_asks_for_openid():
    """The scope is a list of words, not a text to search in."""
    with pytest.raises(InvalidAuthenticationRequest, match="openid"):
        AuthenticationRequest(scope="openidx payments", login_hint="alice")


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_requested_expiry_is_positive(seconds: int):
    """Zero and negative numbers are refused before anything is sent."""
    with pytest.raises(InvalidAuthenticationRequest, match="requested_expiry"):
        AuthenticationRequest(scope="openid", login_hint="alice", requested_expiry=seconds)


@pytest.mark.parametrize("detail", [{}, {"type": 7}, {"typ": "payment"}])
def test_details_say_their_type(detail: dict[str, object]):
    """RFC 9396 2: without it nobody knows what the rest means."""
    with pytest.raises(InvalidAuthenticationRequest, match="type"):
        AuthenticationRequest(
            scope="openid", login_hint="alice", authorization_details=[*PAYMENT, detail]
        )


@pytest.mark.clause("rfc6749-2.3-1", "ciba-7.2-10")
@pytest.mark.parametrize(
    "name",
    ["client_secret", "client_assertion", "iss", "request", "scope", "authorization_details"],
)
def test_an_extension_cannot_replace_what_the_sdk_sends(name: str):
    """No second client authentication, no shared secret, no claim of another name."""
    with pytest.raises(InvalidAuthenticationRequest, match=name):
        AuthenticationRequest(scope="openid", login_hint="alice", extensions={name: "x"})


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://op.example"},
        {"issuer": "https://op.example?x=1"},
        {"issuer": "https://op.example#x"},
        {"issuer": "https://user@op.example"},
        {"issuer": "ftp://op.example"},
        {"issuer": "op.example"},
        {"issuer": "https://"},
        {"issuer": "https://op.example:port"},
        {"client_id": ""},
    ],
)
def test_a_client_needs_a_usable_issuer_and_a_name(
    signing_key: SigningKey, changes: dict[str, str]
):
    """An issuer is https without user, query or fragment; plain http is for loopback."""
    with pytest.raises(ConfigurationError):
        configured(signing_key, **changes)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://op.example/tenant",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "http://localhost:8080",
    ],
)
def test_https_and_loopback_are_acceptable_issuers(signing_key: SigningKey, issuer: str):
    """The identifier is kept to the letter."""
    assert configured(signing_key, issuer=issuer).issuer == issuer


def test_secrets_are_not_printed(signing_key: SigningKey):
    """Hints, user codes, forms and the auth_req_id stay out of logs."""
    request = sent(configured(signing_key))
    text = repr(FULL) + repr(request) + repr(AuthReqId("top-secret")) + str(AuthReqId("top-secret"))
    for secret in ("alice@example.org", "1234'", "eyJ", "top-secret"):
        assert secret not in text


@pytest.mark.parametrize("seconds", [-1, 45, 100])
def test_a_poll_is_held_for_less_than_it_may_take(signing_key: SigningKey, seconds: int):
    """Else it would be broken off just before its answer."""
    with pytest.raises(ConfigurationError):
        configured(signing_key, polling_wait=seconds)
