"""Reading what the provider says: metadata, acknowledgement, token response, refusals."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_client import (
    AccessDenied,
    AuthenticationRequestRefused,
    AuthReqId,
    DpopNonceDemanded,
    Expired,
    InvalidProviderMetadata,
    InvalidProviderResponse,
    SignatureAlgorithm,
    TokenType,
    TransactionEnded,
    TransactionFailed,
)
from ciba_client.sdk.foreign_text import readable
from ciba_client.sdk.provider.answers import (
    StillPending,
    TokenResponse,
    parse_acknowledgement,
    parse_poll_answer,
    parse_push,
)
from ciba_client.sdk.provider.connection import ProviderAnswer
from ciba_client.sdk.provider.metadata import parse_provider_metadata

ISSUER = "https://op.example"
METADATA = {
    "issuer": ISSUER,
    "token_endpoint": "https://tokens.example/token",
    "backchannel_authentication_endpoint": f"{ISSUER}/bc-authorize",
    "jwks_uri": f"{ISSUER}/jwks",
    "id_token_signing_alg_values_supported": ["ES256", "RS512", "HS256", "none"],
}
TOKENS = {"access_token": "a", "token_type": "bearer", "id_token": "i"}


def answer(body: object, status: int = 200):
    """What the connection hands over."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ProviderAnswer(status, raw)


def polled(received: ProviderAnswer, token_type: TokenType = TokenType.BEARER):
    """Read the answer to a poll for tokens of this type."""
    return parse_poll_answer(received, token_type=token_type)


def without(document: object, name: str):
    """A document that lacks one member."""
    return {key: value for key, value in document.items() if key != name}


def parsed(document: object, issuer: str = ISSUER):
    """Read a discovery document."""
    return parse_provider_metadata(answer(document).body, issuer=issuer)


def test_metadata_yields_endpoints_and_known_algorithms():
    """Endpoints may live on another host; unknown and insecure algorithms are left out."""
    metadata = parsed(METADATA)
    assert metadata.token_endpoint == "https://tokens.example/token"
    assert metadata.id_token_signing_algorithms == {SignatureAlgorithm.ES256}


def test_metadata_without_algorithms_allows_the_closed_list():
    """The list is the client's own then."""
    metadata = parsed(without(METADATA, "id_token_signing_alg_values_supported"))
    assert metadata.id_token_signing_algorithms == frozenset(SignatureAlgorithm)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({**METADATA, "issuer": ISSUER + "/"}, id="issuer with a slash"),
        pytest.param({**METADATA, "issuer": "https://OP.example"}, id="issuer in another case"),
        pytest.param(without(METADATA, "issuer"), id="no issuer"),
        pytest.param(without(METADATA, "token_endpoint"), id="no token endpoint"),
        pytest.param(
            without(METADATA, "backchannel_authentication_endpoint"), id="no backchannel endpoint"
        ),
        pytest.param(without(METADATA, "jwks_uri"), id="no keys"),
        pytest.param({**METADATA, "jwks_uri": 7}, id="address is a number"),
        pytest.param({**METADATA, "jwks_uri": "/jwks"}, id="relative address"),
        pytest.param({**METADATA, "token_endpoint": "http://op.example/t"}, id="plain http"),
        pytest.param({**METADATA, "token_endpoint": "http://127.0.0.1/t"}, id="loopback"),
        pytest.param({**METADATA, "token_endpoint": "https://a@op.example/t"}, id="user in it"),
        pytest.param({**METADATA, "token_endpoint": "https://op.example/t#x"}, id="fragment"),
        pytest.param({**METADATA, "token_endpoint": "https://op.example:x/t"}, id="no URL"),
        pytest.param([], id="array"),
        pytest.param(b"<html>", id="not JSON"),
        pytest.param(b"[" * 100_000, id="deep nesting"),
    ],
)
def test_metadata_that_cannot_be_trusted_is_refused(document: object):
    """OpenID Connect Discovery 4.3: exactly this issuer, complete, and https throughout."""
    with pytest.raises(InvalidProviderMetadata):
        parsed(document)


def test_plain_http_serves_a_provider_on_loopback_only():
    """An issuer on this computer cannot send its client elsewhere in clear."""
    issuer = "http://127.0.0.1:8080"
    local = {**METADATA, "issuer": issuer, "jwks_uri": "http://localhost:8080/jwks"}
    assert parsed(local, issuer).jwks_uri == "http://localhost:8080/jwks"
    with pytest.raises(InvalidProviderMetadata, match="jwks_uri is not https"):
        parsed({**local, "jwks_uri": "http://op.example/jwks"}, issuer)


ALIASES = {
    "token_endpoint": "https://mtls.op.example/token",
    "userinfo_endpoint": "https://mtls.op.example/userinfo",
}


def test_with_mutual_tls_the_aliases_are_the_endpoints():
    """RFC 8705 5: an endpoint without an alias stays what it is."""
    document = {**METADATA, "mtls_endpoint_aliases": ALIASES}
    metadata = parse_provider_metadata(answer(document).body, issuer=ISSUER, mutual_tls=True)
    assert metadata.token_endpoint == "https://mtls.op.example/token"
    assert metadata.backchannel_authentication_endpoint == f"{ISSUER}/bc-authorize"
    assert parsed(document).token_endpoint == "https://tokens.example/token"


@pytest.mark.parametrize("aliases", [{"token_endpoint": "http://op.example/t"}, [], 7])
def test_aliases_are_trusted_no_more_than_endpoints(aliases: object):
    """Wrong types are refused always, addresses where they would be used."""
    body = answer({**METADATA, "mtls_endpoint_aliases": aliases}).body
    with pytest.raises(InvalidProviderMetadata):
        parse_provider_metadata(body, issuer=ISSUER, mutual_tls=True)


def test_with_mutual_tls_a_provider_may_have_no_aliases():
    """Then the endpoints themselves ask for the certificate."""
    metadata = parse_provider_metadata(answer(METADATA).body, issuer=ISSUER, mutual_tls=True)
    assert metadata == parsed(METADATA)


@pytest.mark.clause("ciba-7.3-8")
def test_an_acknowledgement_is_opaque_and_may_hold_more():
    """Any text is an auth_req_id, and unknown members are ignored."""
    acknowledgement = parse_acknowledgement(
        answer({"auth_req_id": "ä ö/=", "expires_in": 60, "interval": 0, "new": {"x": 1}})
    )
    assert acknowledgement.auth_req_id.value == "ä ö/="
    assert (acknowledgement.expires_in, acknowledgement.interval) == (60, 0)


def test_the_interval_is_five_seconds_where_none_is_given():
    """CIBA 7.3."""
    assert parse_acknowledgement(answer({"auth_req_id": "a", "expires_in": 60})).interval == 5


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"auth_req_id": "", "expires_in": 60},
        {"auth_req_id": 7, "expires_in": 60},
        {"auth_req_id": "a"},
        {"auth_req_id": "a", "expires_in": 0},
        {"auth_req_id": "a", "expires_in": "60"},
        {"auth_req_id": "a", "expires_in": 10**400},
        {"auth_req_id": "a", "expires_in": 60, "interval": -1},
        {"auth_req_id": "a", "expires_in": 60, "interval": 1.5},
        {"auth_req_id": "a", "expires_in": 60, "interval": True},
        b"",
        b"{",
        b'{"auth_req_id": "\xff", "expires_in": 60}',
    ],
)
def test_a_malformed_acknowledgement_is_refused(body: object):
    """Rather than guessed at."""
    with pytest.raises(InvalidProviderResponse, match="malformed"):
        parse_acknowledgement(answer(body))


def test_a_refused_request_says_why():
    """Code, description and status are kept."""
    with pytest.raises(AuthenticationRequestRefused) as caught:
        parse_acknowledgement(
            answer({"error": "unknown_user_id", "error_description": "No such user."}, 400)
        )
    error = caught.value
    assert (error.code, error.description, error.status) == (
        "unknown_user_id",
        "No such user.",
        400,
    )
    assert str(error) == "the authentication request was refused: unknown_user_id (No such user.)"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"<html>", 403), ({}, 400), ({"error": ""}, 400), ({"error": 7}, 400), ({}, 201), ({}, 204)],
)
def test_an_error_that_is_not_one_of_oauth_breaks_the_protocol(body: object, status: int):
    """A page of some proxy, for instance."""
    with pytest.raises(InvalidProviderResponse):
        parse_acknowledgement(answer(body, status))
    with pytest.raises(InvalidProviderResponse):
        polled(answer(body, status))


@pytest.mark.parametrize("code", ["authorization_pending", "slow_down"])
def test_pending_answers_are_no_errors(code: str):
    """They are the normal course of things."""
    assert polled(answer({"error": code}, 400)) is StillPending(code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("access_denied", AccessDenied),
        ("expired_token", Expired),
        ("invalid_grant", TransactionFailed),
        ("transaction_failed", TransactionFailed),
        ("invalid_client", TransactionFailed),
        ("use_dpop_nonce", DpopNonceDemanded),
        ("something_new", TransactionFailed),
    ],
)
def test_every_other_refusal_ends_the_transaction(code: str, kind: type[TransactionEnded]):
    """Each with its type, and all under one base."""
    with pytest.raises(TransactionEnded) as caught:
        polled(answer({"error": code}, 400))
    assert type(caught.value) is kind
    assert str(caught.value) == f"no tokens were issued: {code}"


def test_a_token_response_is_read_and_not_printed():
    """Its ``repr`` shows nothing of the tokens."""
    response = polled(answer({**TOKENS, "access_token": "geheim"}))
    assert isinstance(response, TokenResponse)
    assert response.access_token == "geheim"
    assert "geheim" not in repr(response)


@pytest.mark.parametrize("name", sorted(TOKENS))
def test_a_token_response_is_complete(name: str):
    """Access token, its type and the ID token are all needed."""
    with pytest.raises(InvalidProviderResponse):
        polled(answer(without(TOKENS, name)))


@pytest.mark.parametrize("kind", ["DPoP", "mac", ""])
def test_another_type_of_token_is_not_used(kind: str):
    """RFC 6749 7.1."""
    with pytest.raises(InvalidProviderResponse, match="no token of type Bearer"):
        polled(answer({**TOKENS, "token_type": kind}))


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "mac", ""])
def test_a_token_that_is_not_bound_is_not_used_where_it_must_be(kind: str):
    """RFC 9449 5: only the type DPoP says that the proof's key counts."""
    with pytest.raises(InvalidProviderResponse, match="no token of type DPoP"):
        polled(answer({**TOKENS, "token_type": kind}), TokenType.DPOP)
    assert polled(answer({**TOKENS, "token_type": "dpop"}), TokenType.DPOP)


@pytest.mark.parametrize("details", [{}, [1], "payment", None])
def test_malformed_granted_details_are_refused(details: object):
    """RFC 9396 7: an array of objects."""
    with pytest.raises(InvalidProviderResponse, match="malformed"):
        polled(answer({**TOKENS, "authorization_details": details}))


def test_foreign_text_cannot_play_tricks():
    """Escape sequences, line breaks and endless texts do not reach a terminal."""
    with pytest.raises(TransactionFailed) as caught:
        polled(answer({"error": "x\x1b[2J", "error_description": "a\nb\u202e" + "c" * 5000}, 400))
    assert caught.value.code == "x?[2J"
    assert caught.value.description.startswith("a?b?ccc")
    assert len(caught.value.description) == 300
    assert readable("plain text") == "plain text"


push_values = st.sampled_from(["id-1", "", "x", "Bearer", None, True, 7, 1e300, [], [[]], {"a": 1}])
push_members = st.sampled_from(
    ["auth_req_id", "access_token", "id_token", "token_type", "error", "error_description", "x"]
)
pushes = st.dictionaries(push_members, push_values).map(
    lambda members: json.dumps({"auth_req_id": "id-1", **members}).encode()
)


@given(body=st.binary(max_size=200) | pushes)
def test_whatever_is_pushed_is_read_or_refused(body: bytes):
    """Tokens of the type asked for, or an error, of this request; anything else is refused."""
    try:
        push = parse_push(body, auth_req_id=AuthReqId("id-1"), token_type=TokenType.BEARER)
    except InvalidProviderResponse:
        return
    said = json.loads(body)
    assert said["auth_req_id"] == "id-1"
    if isinstance(push, TransactionEnded):
        assert (push.code, push.status) == (said["error"], None)
        assert {said.get("access_token"), said.get("id_token")} == {None}
    else:
        assert said.get("error") is None
        assert (push.access_token, push.token_type) == (said["access_token"], "Bearer")


def test_a_verification_code_is_read_and_not_printed():
    """Six digits for the eyes of the user."""
    told = {"auth_req_id": "a", "expires_in": 60, "verification_code": "042187"}
    acknowledgement = parse_acknowledgement(answer(told))
    assert acknowledgement.verification_code == "042187"
    assert "042187" not in repr(acknowledgement)


@pytest.mark.parametrize("code", ["42187", "0421877", "04218a", "042187\n", "٠٤٢١٨٧", 42187])
def test_a_verification_code_is_six_digits(code: object):
    """Whatever else would be shown to a user who can do nothing with it."""
    told = {"auth_req_id": "a", "expires_in": 60, "verification_code": code}
    with pytest.raises(InvalidProviderResponse):
        parse_acknowledgement(answer(told))
