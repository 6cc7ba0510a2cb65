"""DPoP proofs: what proves possession of a key for one request, and all that does not."""

import base64
import hashlib
import hmac
import json
from typing import Any, Final

import pytest

from ciba_service.protocol.errors import InvalidDpopProofError, UseDpopNonceError
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.tokens.dpop.http_uri import parse_http_uri
from ciba_service.protocol.tokens.dpop.nonces import NONCE_SLOT, DpopNonces
from ciba_service.protocol.tokens.dpop.proof import PROOF_ALGORITHMS, ProvenRequest
from tests.unit.protocol.registrations import key_for, reused
from tests.unit.protocol.tokens.dpop.proofs import (
    ECDSA_ORDER,
    KEY,
    NOW,
    TOKEN_ENDPOINT,
    accepted,
    bare_jwk,
    claims_with,
    header_with,
    proof,
    signed,
    verified,
)
from tests.wire.signing import segment, unsecured

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

HEADER: Final = json.dumps(header_with(KEY)).encode()
PAYLOAD: Final = json.dumps(claims_with()).encode()
NONCES: Final = DpopNonces(b"k" * 32)
ACCOUNTS: Final = ProvenRequest(
    "GET", frozenset({parse_http_uri("https://op.example/resource/accounts")}), access_token="at-1"
)
ATH: Final = base64url(hashlib.sha256(b"at-1").digest())


def refuse(*lines: str, because: str = "", **arguments: Any) -> None:
    """Hold that it proves nothing: 400 invalid_dpop_proof."""
    with pytest.raises(InvalidDpopProofError) as refused:
        verified(*lines, **arguments)
    assert (refused.value.status_code, refused.value.error) == (400, "invalid_dpop_proof")
    assert because in str(refused.value.__cause__)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_a_good_proof_names_its_key(alg: str):
    """The thumbprint, and how long the proof must be remembered; no nonce is asked for."""
    key = key_for(alg)
    outcome = accepted(proof(key=key, alg=alg))
    assert outcome.jkt == key.thumbprint()
    assert outcome.keep_until >= NOW + 60


def test_the_example_of_the_specification_is_accepted():
    """RFC 9449 4.1, figure 1."""
    example = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRj"
        "QyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGk"
        "iOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyM"
        "jYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    )
    request = ProvenRequest("POST", frozenset({parse_http_uri("https://server.example.com/token")}))
    outcome = accepted(example, request=request, now=1562262616)
    assert outcome.jkt == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_without_a_header_nothing_is_presented():
    """Whether a proof is demanded is another question."""
    assert verified() is None


@pytest.mark.clause("rfc9449-4.3-1")
@pytest.mark.parametrize("lines", [2, 3])
def test_several_headers_are_refused(lines: int):
    """Even when all are the same."""
    refuse(*([proof()] * lines), because="several")


@pytest.mark.clause("rfc9449-4.3-2")
@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "proof", id="word"),
        pytest.param(lambda _: "a.b", id="two-parts"),
        pytest.param(lambda good: f"{good}.{good}", id="six-parts"),
        pytest.param(lambda good: f"{good}, {good}", id="joined-headers"),
        pytest.param(lambda good: f" {good}", id="leading-space"),
        pytest.param(lambda good: f"{good} ", id="trailing-space"),
        pytest.param(lambda good: f"{good}\n", id="line-feed"),
        pytest.param(lambda good: good.replace(".", ". ", 1), id="inner-space"),
        pytest.param(lambda good: f"{good}=", id="padded"),
        pytest.param(lambda good: good.replace("e", "é", 1), id="not-ascii"),
        pytest.param(lambda good: good[:-3], id="cut-short"),
        pytest.param(lambda good: f'"{good}"', id="quoted"),
        pytest.param(
            lambda good: json.dumps(
                dict(zip(("protected", "payload", "signature"), good.split("."), strict=True))
            ),
            id="json-serialisation",
        ),
        pytest.param(lambda _: unsecured(claims_with()), id="unsecured"),
    ],
)
def test_what_is_no_jwt_is_refused(bend: Any):
    """One compact JWS and nothing around it."""
    refuse(bend(proof()))


def test_a_long_proof_is_refused():
    """Eight kibibytes are read, not one more, whatever else is right."""
    fill = (8192 - len(proof(padding=""))) * 3 // 4
    texts = [
        proof(header={"x": "x" * more}, padding="x" * (fill + less))
        for more in range(3)
        for less in range(-24, 3)
    ]
    assert {8191, 8192, 8193} <= {len(text) for text in texts}
    for text in texts:
        if len(text) <= 8192:
            assert accepted(text)
        else:
            refuse(text, because="too long")
    refuse(proof(padding="x" * 1_000_000), because="too long")


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        pytest.param(b"[]", PAYLOAD, id="header-a-list"),
        pytest.param(b"{", PAYLOAD, id="header-broken"),
        pytest.param(b"\xff" + HEADER, PAYLOAD, id="header-not-utf8"),
        pytest.param(HEADER[:-1] + b', "alg": "ES256"}', PAYLOAD, id="header-member-twice"),
        pytest.param(HEADER[:-1] + b', "x": NaN}', PAYLOAD, id="header-NaN"),
        pytest.param(
            HEADER.replace(b'"kty": "EC"', b'"kty": "EC", "kty": "EC"'), PAYLOAD, id="jwk-twice"
        ),
        pytest.param(
            HEADER[:-1] + b', "x": ' + b"[" * 2000 + b"]" * 2000 + b"}", PAYLOAD, id="header-deep"
        ),
        pytest.param(HEADER, b"", id="payload-empty"),
        pytest.param(HEADER, b"[]", id="payload-a-list"),
        pytest.param(HEADER, b'"jti"', id="payload-text"),
        pytest.param(HEADER, PAYLOAD + b"}", id="payload-broken"),
        pytest.param(HEADER, b"\xff", id="payload-not-utf8"),
        pytest.param(HEADER, PAYLOAD[:-1] + b', "htu": "x"}', id="claim-twice"),
        pytest.param(HEADER, PAYLOAD[:-1] + b', "x": NaN}', id="payload-NaN"),
        pytest.param(HEADER, PAYLOAD[:-1] + b', "x": Infinity}', id="payload-Infinity"),
        pytest.param(HEADER, PAYLOAD[:-1] + b', "x": "\\ud800"}', id="payload-half-a-pair"),
        pytest.param(
            HEADER, PAYLOAD[:-1] + b', "x": ' + b"[" * 2000 + b"]" * 2000 + b"}", id="payload-deep"
        ),
        pytest.param(
            HEADER, PAYLOAD.replace(str(NOW).encode(), b"1" * 4999), id="iat-of-many-digits"
        ),
    ],
)
def test_content_that_is_no_json_object_is_refused(header: bytes, payload: bytes):
    """Signed or not: members are unique, numbers are numbers, depth is bounded."""
    assert accepted(signed(HEADER, PAYLOAD))
    refuse(signed(header, payload))


@pytest.mark.clause("rfc9449-4.2-1", "rfc9449-4.3-4")
@pytest.mark.parametrize(
    "typ",
    [None, "", "JWT", "dpop", "dpop+jws", "at+jwt", "oauth-authz-req+jwt", "text/dpop+jwt", 5, []],
)
def test_another_typ_is_refused(typ: Any):
    """A JWT made for something else is no proof."""
    header = json.dumps(header_with(KEY, typ=typ)).encode()
    refuse(signed(header, PAYLOAD))


@pytest.mark.parametrize("typ", ["dpop+jwt", "DPoP+JWT", "application/dpop+jwt"])
def test_typ_is_a_media_type(typ: str):
    """Compared without regard to case, the prefix may be left out (RFC 7515 4.1.9)."""
    assert accepted(proof(header={"typ": typ}))


@pytest.mark.clause("rfc9449-4.2-1", "rfc9449-4.3-5", "rfc9449-11.6-1")
@pytest.mark.parametrize(
    "alg", [None, "", "none", "None", "HS256", "RS256", "ES384", "ES512", "es256", "PS256", 5, {}]
)
def test_another_alg_is_refused(alg: Any):
    """None, symmetric, unknown, not that of the key: whatever the signature is."""
    header = json.dumps(header_with(KEY, alg=alg)).encode()
    refuse(signed(header, PAYLOAD))


@pytest.mark.clause("rfc9449-4.3-5", "rfc9449-11.6-1")
def test_rs256_is_refused_even_where_the_profile_has_it():
    """No profile brings a weaker algorithm into proofs; a stricter one takes some out."""
    rsa = reused(key_for("PS256"), "RS256")
    everything = frozenset(SignatureAlgorithm)
    refuse(proof(key=rsa, alg="RS256"), algorithms=everything, because="not allowed")
    only_ps256 = frozenset({SignatureAlgorithm.PS256})
    refuse(proof(), algorithms=only_ps256, because="not allowed")
    assert accepted(proof(key=key_for("PS256"), alg="PS256"), algorithms=only_ps256)


def test_a_mac_under_the_public_key_is_refused():
    """HS256 with the text of the jwk as its secret is no signature."""
    text = f"{segment(header_with(KEY, alg='HS256'))}.{segment(claims_with())}"
    secret = json.dumps(bare_jwk(KEY)).encode()
    tag = base64url(hmac.digest(secret, text.encode(), "sha256"))
    refuse(f"{text}.{tag}", because="not supported")


@pytest.mark.clause("rfc9449-4.2-1", "rfc9449-4.3-6", "rfc9449-4.3-7")
@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(None, id="missing"),
        pytest.param("key", id="text"),
        pytest.param([], id="a-list"),
        pytest.param({}, id="empty"),
        pytest.param(KEY.as_dict(private=True), id="private"),
        pytest.param({**bare_jwk(KEY), "y": bare_jwk(KEY)["x"]}, id="off-the-curve"),
        pytest.param(bare_jwk(key_for("ES256", "another")), id="another-key"),
        pytest.param(bare_jwk(key_for("PS256")), id="another-type"),
        pytest.param({"kty": "oct", "k": "AAAA"}, id="symmetric"),
        pytest.param({**bare_jwk(KEY), "alg": "HS256"}, id="for-another-algorithm"),
    ],
)
def test_a_jwk_that_did_not_sign_is_refused(jwk: Any):
    """The signature is that of the one public key in the header."""
    header = json.dumps(header_with(KEY, jwk=jwk)).encode()
    refuse(signed(header, PAYLOAD))


@pytest.mark.clause("rfc9449-4.3-6")
@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_proof_is_refused(part: int):
    """Header, claims and signature all belong together."""
    segments = proof().split(".")
    segments[part] = proof(key=key_for("ES256", "another"), jti="another").split(".")[part]
    refuse(".".join(segments))


def test_other_keys_in_the_header_are_not_followed():
    """x5c, jku, x5u and kid choose nothing: only jwk does (RFC 8725 3.10)."""
    others = {
        "kid": "unknown",
        "jku": "http://127.0.0.1/keys",
        "x5u": "http://127.0.0.1/certificate",
        "x5c": ["AAAA"],
    }
    assert accepted(proof(header=others)).jkt == KEY.thumbprint()
    refuse(proof(header={**others, "jwk": None}))


@pytest.mark.parametrize("extension", [{"crit": ["exp"], "exp": 1}, {"crit": []}, {"b64": False}])
def test_a_critical_extension_is_refused(extension: dict[str, Any]):
    """None is understood (RFC 7515 4.1.11)."""
    header = json.dumps(header_with(KEY, **extension)).encode()
    refuse(signed(header, PAYLOAD), because="critical")


@pytest.mark.clause("rfc9449-4.2-2", "rfc9449-4.3-3", "rfc9449-11.1-3")
@pytest.mark.parametrize("name", ["jti", "htm", "htu", "iat"])
@pytest.mark.parametrize("value", [None, "", [], {}, ["POST"], True, -1, 10**400])
def test_a_required_claim_that_is_missing_or_malformed_is_refused(name: str, value: Any):
    """All four are there, and of their type."""
    refuse(proof(**{name: value}), because=name)


@pytest.mark.clause("rfc9449-11.1-3")
def test_a_jti_is_bounded():
    """Long enough for every generator, too short to fill a store."""
    assert accepted(proof(jti="j"))
    assert accepted(proof(jti="j" * 512))
    refuse(proof(jti="j" * 513), because="jti")
    refuse(proof(jti=5), because="jti")


@pytest.mark.clause("rfc9449-4.3-8")
@pytest.mark.parametrize("method", ["GET", "post", "Post", "POST ", "PUT", "POST\n", "*"])
def test_another_method_is_refused(method: str):
    """Methods are compared as they are."""
    refuse(proof(htm=method), because="htm")


@pytest.mark.clause("rfc9449-4.3-9")
@pytest.mark.parametrize(
    "address",
    [
        "https://op.example/tokens",
        "https://op.example/token/",
        "https://op.example/Token",
        "https://op.example/",
        "https://op.example",
        "https://op.example:8443/token",
        "http://op.example/token",
        "https://mtls.op.example/token",
        "https://op.example.evil.example/token",
        "https://evil.example/token?https://op.example/token",
        "https://op.example@evil.example/token",
        "https://evil@op.example/token",
        "https://op.example//token",
        "https://op.example/%2Ftoken",
        "https://op.example/x?/../token",
        "/token",
        "op.example/token",
        "token",
        " https://op.example/token",
        "https://op.example/token\n",
        "https://op.example/tök",
        "*",
    ],
)
def test_another_address_is_refused(address: str):
    """The proof is about one resource."""
    refuse(proof(htu=address))


@pytest.mark.clause("rfc9449-4.3-9", "rfc9449-4.3-13")
@pytest.mark.parametrize(
    "address",
    [
        TOKEN_ENDPOINT,
        f"{TOKEN_ENDPOINT}?q=1",
        f"{TOKEN_ENDPOINT}#fragment",
        "HTTPS://OP.example:443/x/../%74oken?q#f",
    ],
)
def test_another_spelling_of_the_address_is_accepted(address: str):
    """Query and fragment do not count, nor does the way the rest is written."""
    assert accepted(proof(htu=address))


@pytest.mark.clause("rfc9449-4.3-11", "rfc9449-11.1-1", "fapi2-sp-5.3.2.1-13")
def test_a_proof_lives_a_minute():
    """Sixty seconds back, ten ahead; both bounds are within."""
    for seconds in (-60, -1, 0, 0.5, 10):
        assert accepted(proof(iat=NOW + seconds))
    for seconds in (-10_000, -61, -60.5, 10.5, 11, 60, 61, 10_000):
        refuse(proof(iat=NOW + seconds))
    refuse(proof(iat=str(NOW)), because="iat")


def test_exp_and_nbf_hold_where_they_are_given():
    """A proof that says it has expired has."""
    assert accepted(proof(exp=NOW + 1, nbf=NOW))
    refuse(proof(exp=NOW), because="exp")
    refuse(proof(exp="never"), because="exp")
    refuse(proof(nbf=NOW + 11), because="nbf")
    refuse(proof(nbf=[NOW]), because="nbf")


def test_with_an_access_token_its_hash_is_demanded():
    """The proof is about this token."""
    good = {"htm": "GET", "htu": "https://op.example/resource/accounts"}
    assert accepted(proof(**good, ath=ATH), request=ACCOUNTS)
    padded = base64.urlsafe_b64encode(hashlib.sha256(b"at-1").digest()).decode()
    others = (None, "", ATH[:-1], padded, ATH.swapcase(), base64url(b"x" * 32), 5, [ATH], "é")
    for ath in others:
        refuse(proof(**good, ath=ath), request=ACCOUNTS, because="ath")
    refuse(proof(ath=ATH), request=ACCOUNTS, because="htm")
    refuse(proof(**good, ath=ATH, iat=NOW - 61), request=ACCOUNTS, because="old")


def test_without_an_access_token_its_hash_does_not_matter():
    """Further claims may stand in a proof (RFC 9449 4.2)."""
    assert accepted(proof(ath="whatever", nonce=5, sub="till"))


def test_neither_the_token_nor_a_secret_stands_in_a_repr():
    """Requests may be logged."""
    assert "at-1" not in repr(ACCOUNTS)


def test_a_replay_is_recognised_by_key_target_and_jti():
    """The same key, target and jti are the same proof, whatever else changed."""
    first = accepted(proof())
    again = accepted(proof(iat=NOW - 5, htu=f"{TOKEN_ENDPOINT}?again"))
    assert (again.jkt, again.replay_id) == (first.jkt, first.replay_id)
    assert accepted(proof(jti="twice")).replay_id != first.replay_id
    elsewhere = ProvenRequest(
        "POST", frozenset({parse_http_uri("https://op.example/resource/payments")})
    )
    other = accepted(proof(htu="https://op.example/resource/payments"), request=elsewhere)
    assert other.replay_id != first.replay_id


def test_the_second_form_of_a_signature_is_the_same_proof():
    """Anybody can compute it from the first; it proves nothing new."""
    text = proof()
    content, _, signature = text.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    second = ECDSA_ORDER - int.from_bytes(raw[32:], "big")
    malleated = f"{content}.{base64url(raw[:32] + second.to_bytes(32, 'big'))}"
    assert malleated != text
    assert accepted(malleated) == accepted(text)


def test_a_proof_is_remembered_as_long_as_any_host_would_take_it():
    """To the end of its window and a minute of disagreement between clocks."""
    for seconds in (-60, 0, 10):
        outcome = accepted(proof(iat=NOW + seconds))
        assert outcome.keep_until == NOW + seconds + 120


@pytest.mark.clause("rfc9449-4.3-10", "rfc9449-8-3", "rfc9449-11.3-1")
def test_where_nonces_are_used_a_fresh_one_is_demanded():
    """Missing, foreign or old: the answer is use_dpop_nonce and the one to use."""
    current = NONCES.current(NOW)
    assert accepted(proof(nonce=current), nonces=NONCES)
    stale = NONCES.current(NOW - 2 * NONCE_SLOT)
    future = NONCES.current(NOW + NONCE_SLOT)
    foreign = DpopNonces(b"x" * 32).current(NOW)
    for nonce in (None, "", "nonce", stale, future, foreign, current[:-1], f"{current} ", "é"):
        with pytest.raises(UseDpopNonceError) as refused:
            verified(proof(nonce=nonce), nonces=NONCES)
        assert (refused.value.status_code, refused.value.error) == (400, "use_dpop_nonce")
        assert refused.value.nonce == current
        assert refused.value.__cause__ is not None
        assert accepted(proof(nonce=refused.value.nonce), nonces=NONCES)
    for malformed in (5, [current], {"nonce": current}, True):
        refuse(proof(nonce=malformed), nonces=NONCES, because="nonce")


def test_a_nonce_is_still_accepted_in_its_second_slot():
    """By then its successor has been handed out."""
    assert accepted(proof(nonce=NONCES.current(NOW - NONCE_SLOT)), nonces=NONCES)


def test_a_nonce_is_given_to_good_proofs_only():
    """Whatever else is wrong is told first; a fresh nonce makes an old proof no younger."""
    fresh = NONCES.current(NOW)
    for changed in ({"iat": NOW - 61}, {"htm": "GET"}, {"jti": None}):
        refuse(proof(**changed), nonces=NONCES)
        refuse(proof(nonce=fresh, **changed), nonces=NONCES)
    refuse(proof(nonce=fresh)[:-8] + "AAAAAAAA", nonces=NONCES)


def test_three_algorithms_sign_proofs():
    """Those that may do it at all, to be published by the provider and by resources."""
    assert sorted(PROOF_ALGORITHMS) == ["ES256", "EdDSA", "PS256"]
