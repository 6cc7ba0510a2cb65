"""Verification of ID tokens made in the tests."""

import base64
import hmac
import json
from collections.abc import Sequence
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ciba_client import (
    InvalidIdToken,
    InvalidProviderResponse,
    SignatureAlgorithm,
    UnknownSigningKey,
)
from ciba_client.sdk.jose.algorithms import REGISTRY, AsymmetricKey, half_hash
from ciba_client.sdk.jose.id_token import (
    AUTH_REQ_ID_CLAIM,
    RT_HASH_CLAIM,
    IdTokenExpectations,
    verify_id_token,
)
from ciba_client.sdk.jose.key_set import ProviderKeys, parse_key_set

NOW = 1_795_230_000.0
ISSUER = "https://op.example"
SCA = "urn:openbanking:psd2:sca"
ALL = frozenset(SignatureAlgorithm)
OP_KEY = ECKey.generate_key("P-256", {"kid": "op-1"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "op-2"})
Claims = dict[str, Any] | bytes | None
CLAIMS = {
    "iss": ISSUER,
    "sub": "alice",
    "aud": "corner-shop",
    "exp": int(NOW) + 300,
    "iat": int(NOW) - 1,
}


def expectations(**changes: object):
    """What the tests expect, with changes."""
    return IdTokenExpectations(
        **{
            "issuer": ISSUER,
            "client_id": "corner-shop",
            "algorithms": frozenset({SignatureAlgorithm.ES256}),
            "auth_req_id": "id-1",
            "access_token": "access-1",
            "issued_after": NOW - 10,
            **changes,
        }
    )


def signed(claims: Claims = None, *, key: AsymmetricKey = OP_KEY, **header: object):
    """An ID token with changed claims (or a raw payload) and header; None removes a member."""
    header = {"alg": "ES256", "kid": "op-1", **header}
    header = {name: value for name, value in header.items() if value is not None}
    payload = claims if isinstance(claims, bytes) else json.dumps({**CLAIMS, **(claims or {})})
    return jws.serialize_compact(header, payload, key, registry=REGISTRY)


def verified(
    token: str, *, keys: Sequence[AsymmetricKey] = (OP_KEY,), now: float = NOW, **changes: object
):
    """Verify as the SDK does."""
    return verify_id_token(
        token, keys=ProviderKeys(tuple(keys)), expected=expectations(**changes), now=now
    )


def encoded(value: bytes):
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def forged(header: object, signature: bytes = b""):
    """A token whose header cannot be had from a signing library."""
    body = json.dumps(CLAIMS).encode()
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return f"{encoded(head)}.{encoded(body)}.{encoded(signature)}"


def test_a_good_token_yields_its_claims():
    """Also those the SDK knows nothing of, and the token itself for later use as a hint."""
    token = signed({"acr": SCA, "auth_time": NOW - 3, "custom": {"a": [1]}, "txn": "t"})
    id_token = verified(token, required_acr=frozenset({SCA}))
    assert (id_token.iss, id_token.sub, id_token.acr) == (ISSUER, "alice", SCA)
    assert (id_token.exp, id_token.iat, id_token.auth_time) == (NOW + 300, NOW - 1, NOW - 3)
    assert id_token.claims["custom"] == {"a": [1]}
    assert id_token.jwt == token
    assert token not in repr(id_token)


@pytest.mark.parametrize(
    ("algorithm", "fixture"),
    [("PS256", "rsa_jwk"), ("RS256", "rsa_jwk"), ("EdDSA", "ed25519_jwk"), ("ES256", "client_jwk")],
)
def test_every_listed_algorithm_verifies_with_its_access_token_hash(
    request: pytest.FixtureRequest, algorithm: str, fixture: str
):
    """Ed25519 hashes the access token with SHA-512, the others with SHA-256."""
    key = request.getfixturevalue(fixture)
    digest = encoded(half_hash("access-1", SignatureAlgorithm(algorithm)))
    assert len(digest) == (43 if algorithm == "EdDSA" else 22)
    token = signed({"at_hash": digest}, key=key, alg=algorithm, kid=key.kid)
    assert verified(token, keys=[key], algorithms=ALL).sub == "alice"


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"iss": ISSUER + "/"}, "another issuer"),
        ({"aud": "other"}, "another client"),
        ({"aud": []}, "another client"),
        ({"aud": ["corner-shop", "other"]}, "several audiences"),
        ({"aud": ["corner-shop", "other"], "azp": "other"}, "issued to another client"),
        ({"azp": "other"}, "issued to another client"),
        ({"sub": ""}, "no subject"),
        ({"exp": NOW}, "expired"),
        ({"iat": NOW + 61}, "in the future"),
        ({"iat": NOW - 71}, "older than"),
        ({"nbf": NOW + 61}, "does not count yet"),
        ({"nbf": "soon"}, "malformed"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "another access token"),
        ({"at_hash": "é"}, "another access token"),
        ({AUTH_REQ_ID_CLAIM: "id-2"}, "another authentication request"),
        ({RT_HASH_CLAIM: "AAAAAAAAAAAAAAAAAAAAAA"}, "another refresh token"),
        ({RT_HASH_CLAIM: ""}, "another refresh token"),
        ({"sub": 7}, "malformed"),
        ({"sub": None}, "malformed"),
        ({"exp": "soon"}, "malformed"),
        ({"exp": None}, "malformed"),
        ({"iat": True}, "malformed"),
        ({"aud": {"a": 1}}, "malformed"),
        (b"[]", "malformed"),
        (b"not json", "malformed"),
        (b'{"exp": NaN}', "malformed"),
        (b"\xff", "malformed"),
        (b"[" * 50_000, "malformed"),
    ],
)
def test_claims_that_prove_nothing_are_refused(claims: Claims, message: str):
    """Each rule of OpenID Connect Core 3.1.3.7 by itself."""
    with pytest.raises(InvalidIdToken, match=message):
        verified(signed(claims))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["corner-shop"]},
        {"aud": ["other", "corner-shop"], "azp": "corner-shop"},
        {"iat": NOW + 60},
        {"nbf": NOW + 60},
        {"iat": NOW - 70},
        {"exp": NOW + 0.5},
        {"at_hash": encoded(half_hash("access-1", SignatureAlgorithm.ES256))},
        {AUTH_REQ_ID_CLAIM: "id-1"},
        {AUTH_REQ_ID_CLAIM: None, "at_hash": None, RT_HASH_CLAIM: None},
    ],
)
def test_claims_within_the_rules_are_accepted(claims: Claims):
    """A minute of clock skew, several audiences with an authorized party, matching hashes."""
    assert verified(signed(claims)).sub == "alice"


@pytest.mark.parametrize(("algorithm", "fixture"), [("PS256", "rsa_jwk"), ("EdDSA", "ed25519_jwk")])
def test_what_was_pushed_is_tied_together_by_the_hash_of_the_algorithm(
    request: pytest.FixtureRequest, algorithm: str, fixture: str
):
    """CIBA 10.3.1: rt_hash is calculated like at_hash; each binding is demanded."""
    key = request.getfixturevalue(fixture)
    hashes = {
        "at_hash": encoded(half_hash("access-1", SignatureAlgorithm(algorithm))),
        RT_HASH_CLAIM: encoded(half_hash("refresh-1", SignatureAlgorithm(algorithm))),
        AUTH_REQ_ID_CLAIM: "id-1",
    }
    pushed = {"refresh_token": "refresh-1", "bindings_required": True, "algorithms": ALL}
    token = signed(hashes, key=key, alg=algorithm, kid=key.kid)
    assert verified(token, keys=[key], **pushed).sub == "alice"
    for name in hashes:
        token = signed({**hashes, name: None}, key=key, alg=algorithm, kid=key.kid)
        with pytest.raises(InvalidIdToken, match="does not say to which"):
            verified(token, keys=[key], **pushed)


def test_the_start_of_the_request_need_not_be_known():
    """A resumed authentication accepts an older token as long as it is valid."""
    assert verified(signed({"iat": NOW - 5000}), issued_after=None).sub == "alice"


@pytest.mark.clause("fapi-ciba-5.2.3-3")
@pytest.mark.parametrize("acr", [None, "urn:openbanking:psd2:ca"])
def test_a_lower_level_of_authentication_than_needed_is_refused(acr: str | None):
    """Also when the token says nothing about the level."""
    with pytest.raises(InvalidIdToken, match="required level"):
        verified(signed({"acr": acr}), required_acr=frozenset({SCA}))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "ES384", "PS256", "EdDSA", "", "x"])
def test_only_the_expected_algorithm_is_accepted(algorithm: str):
    """Whatever the token's header asks for."""
    with pytest.raises(InvalidIdToken, match="algorithm"):
        verified(forged({"alg": algorithm, "kid": "op-1"}))


def test_a_public_key_is_no_shared_secret():
    """The classic confusion of HMAC with the provider's public key does not work."""
    unsigned = forged({"alg": "HS256", "kid": "op-1"}).rpartition(".")[0]
    mac = hmac.digest(OP_KEY.as_pem(private=False), unsigned.encode(), "sha256")
    token = f"{unsigned}.{encoded(mac)}"
    with pytest.raises(InvalidIdToken, match="algorithm"):
        verified(token, algorithms=ALL)


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (forged({"alg": "ES256", "kid": "op-1", "crit": ["exp"], "exp": 1}), "critical"),
        (forged({"alg": "ES256", "kid": "op-1", "crit": None}), "critical"),
        (forged({"alg": "ES256", "kid": "op-1", "typ": "at+jwt"}), "another kind"),
        (forged({"alg": "ES256", "kid": "op-1", "b64": False}), "signature"),
        (forged({"alg": "ES256", "kid": 7}), "header"),
        (forged({"kid": "op-1"}), "header"),
        (forged(b"[]"), "header"),
        (forged(b'"alg"'), "header"),
        (forged(b"\xff"), "header"),
        (forged(b"[" * 60_000), "header"),
        ("=.e30.AA", "header"),
        ("", "compact JWS"),
        ("a.b", "compact JWS"),
        ("a.b.c.d.e", "compact JWS"),
        (forged({"alg": "ES256", "kid": "op-1"}), "signature"),
        (forged({"alg": "ES256", "kid": "op-1"}, bytes(64)), "signature"),
        (signed(key=OTHER_KEY), "signature"),
        (signed() + "A", "signature"),
        (signed({"long": "x" * 200_000}), "signature"),
    ],
)
def test_a_token_that_is_not_properly_signed_is_refused(token: str, message: str):
    """Forged, damaged, oversized, or of another shape."""
    with pytest.raises(InvalidIdToken, match=message):
        verified(token)


@pytest.mark.parametrize("typ", ["JWT", "jwt"])
def test_the_type_of_a_jwt_may_be_named(typ: str):
    """And unknown header members are ignored."""
    assert verified(signed(typ=typ, x5u="https://op.example/cert", odd="member")).sub == "alice"


def test_a_changed_claim_breaks_the_signature():
    """The payload is what was signed."""
    header, _, signature = signed().split(".")
    payload = encoded(json.dumps({**CLAIMS, "sub": "mallory"}).encode())
    with pytest.raises(InvalidIdToken, match="signature"):
        verified(f"{header}.{payload}.{signature}")


def test_the_key_id_selects_the_key():
    """Several keys may be published at once."""
    assert verified(signed(), keys=[OTHER_KEY, OP_KEY]).sub == "alice"


def test_an_unknown_key_id_is_told_apart():
    """So that the caller can look for fresh keys."""
    with pytest.raises(UnknownSigningKey):
        verified(signed(kid="op-9"), keys=[OP_KEY, OTHER_KEY])


def test_without_a_key_id_the_only_fitting_key_serves(rsa_jwk: RSAKey):
    """Keys of other kinds do not count."""
    assert verified(signed(kid=None), keys=[rsa_jwk, OP_KEY]).sub == "alice"


def test_without_a_key_id_two_fitting_keys_are_a_refusal():
    """OpenID Connect Core 10.1: the header must say which."""
    with pytest.raises(InvalidIdToken, match="several"):
        verified(signed(kid=None), keys=[OTHER_KEY, OP_KEY])


@pytest.mark.parametrize("marks", [{"use": "enc"}, {"alg": "ES384"}])
def test_a_key_published_for_something_else_is_not_used(marks: dict[str, str]):
    """``use`` and ``alg`` of the published key are respected."""
    keys = parse_key_set(
        json.dumps({"keys": [{**OP_KEY.as_dict(private=False), **marks}]}).encode()
    )
    with pytest.raises(UnknownSigningKey):
        verified(signed(), keys=keys.keys)


def test_a_key_of_a_curve_without_algorithm_is_not_used():
    """Ed448 is not Ed25519, and P-384 is not P-256."""
    ed448 = OKPKey.generate_key("Ed448", {"kid": "op-1"})
    p384 = ECKey.generate_key("P-384", {"kid": "op-1"})
    for algorithm in ("EdDSA", "ES256"):
        with pytest.raises(UnknownSigningKey):
            verified(forged({"alg": algorithm, "kid": "op-1"}), keys=[ed448, p384], algorithms=ALL)


def test_unusable_published_keys_are_skipped(rsa_jwk: RSAKey):
    """One broken or exotic key does not spoil the others (RFC 7517 5)."""
    published = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "op-1"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "!", "y": 7},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kid": "x"},
        {**OP_KEY.as_dict(private=True), "ext": True},
        rsa_jwk.as_dict(private=False),
    ]
    keys = parse_key_set(json.dumps({"keys": published}).encode()).keys
    assert [key.kid for key in keys] == ["op-1", "rsa-1"]
    assert not any(key.is_private for key in keys)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": [1]}', b'{"keys": {}}', b"\xff"])
def test_what_is_no_key_set_is_refused(body: bytes):
    """With a typed error."""
    with pytest.raises(InvalidProviderResponse, match="JWK Set"):
        parse_key_set(body)
