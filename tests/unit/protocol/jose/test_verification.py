"""Verification of compact JWS, held against joserfc: the oracle must agree with every answer."""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet as OracleKeySet
from joserfc.jwk import OKPKey

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.jose.verification import (
    InvalidJwsError,
    _kept_header,
    parse_jws,
    verify_jws,
)
from tests.unit.protocol.registrations import key_for, reused
from tests.wire.signing import JoseKey, new_key, public_jwk, segment, sign, unsecured

ALGORITHMS: Final = ("ES256", "PS256", "EdDSA", "RS256")
CLAIMS: Final = {"iss": "till", "text": "Grüße"}
_WELL_FORMED: Final = re.compile(r"([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]*)", re.ASCII)

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

KEYS: Final = {alg: key_for(alg, f"{alg}-key") for alg in ALGORITHMS}
OURS: Final = KeySet.parse({"keys": [public_jwk(key) for key in KEYS.values()]})
ORACLE: Final = OracleKeySet(list(KEYS.values()))
EVERY_ALGORITHM: Final = frozenset(SignatureAlgorithm)


def token(alg: str = "ES256", *, key: JoseKey | None = None, **header: Any) -> str:
    """A JWS over ``CLAIMS``; None drops a header member."""
    members = {"alg": alg, "kid": f"{alg}-key", **header}
    present = {name: value for name, value in members.items() if value is not None}
    return sign(present, CLAIMS, key or KEYS[alg])


GOOD: Final = {alg: token(alg) for alg in ALGORITHMS}


def accepted(
    text: str, keys: KeySet = OURS, algorithms: frozenset[SignatureAlgorithm] = EVERY_ALGORITHM
) -> bytes | None:
    """The payload, when this service accepts the token."""
    try:
        jws = parse_jws(text)
        verify_jws(jws, keys=keys, algorithms=algorithms)
    except InvalidJwsError:
        return None
    return jws.payload


def accepted_by_oracle(text: str) -> bytes | None:
    """The payload, when joserfc accepts the token."""
    registry = jws.JWSRegistry(algorithms=[*ALGORITHMS], strict_check_header=False)
    registry.max_payload_length = 10_000_000
    try:
        return jws.deserialize_compact(text.encode(), ORACLE, registry=registry).payload
    except (JoseError, ValueError, TypeError, KeyError):
        return None


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_good_token_is_accepted_by_both(alg: str):
    """Every algorithm verifies, here and at the oracle, to the very bytes that were signed."""
    payload = json.dumps(CLAIMS).encode()
    assert accepted(GOOD[alg]) == accepted_by_oracle(GOOD[alg]) == payload


@pytest.mark.clause("ciba-7.1.1-14", "rfc7523-3-7")
@pytest.mark.parametrize("alg", ALGORITHMS)
@given(data=st.data())
def test_a_changed_character_is_judged_as_the_oracle_judges_it(alg: str, data: st.DataObject):
    """Whichever character changes to whatever: the answer is joserfc's, or it is no base64url."""
    good = GOOD[alg]
    position = data.draw(st.integers(0, len(good) - 1))
    character = data.draw(st.characters() | st.sampled_from("AB-_.=+/ \n"))
    mangled = good[:position] + character + good[position + 1 :]
    _agree(mangled)
    if good.rindex(".") > position and mangled != good:
        assert accepted(mangled) is None


@pytest.mark.parametrize("alg", ALGORITHMS)
@given(data=st.data())
def test_a_flipped_signature_bit_is_refused_by_both(alg: str, data: st.DataObject):
    """No bit of a signature is without meaning."""
    signing_input, _, signature = GOOD[alg].rpartition(".")
    octets = bytearray(parse_jws(GOOD[alg]).signature)
    bit = data.draw(st.integers(0, len(octets) * 8 - 1))
    octets[bit // 8] ^= 1 << bit % 8
    mangled = f"{signing_input}.{base64url(bytes(octets))}"
    assert signature != base64url(bytes(octets))
    assert accepted(mangled) is None
    assert accepted_by_oracle(mangled) is None


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_truncation_is_refused(alg: str):
    """A token cut off anywhere is no token."""
    good = GOOD[alg]
    assert all(accepted(good[:end]) is None for end in range(len(good)))


@given(st.text(max_size=80) | st.from_regex(_WELL_FORMED, fullmatch=True))
@example("..")
@example("e30..")
def test_verifying_anything_never_crashes(text: str):
    """Any text is refused in one way."""
    assert accepted(text) is None


def _agree(text: str) -> None:
    ours = accepted(text)
    if _WELL_FORMED.fullmatch(text):
        assert ours == accepted_by_oracle(text)
    else:
        assert ours is None


def _with_header(raw: bytes, alg: str = "ES256") -> str:
    """Sign under a header that no library would write."""
    signed = f"{base64url(raw)}.{segment(CLAIMS)}"
    signature = KEYS[alg]
    registry = jws.JWSRegistry(algorithms=[*ALGORITHMS])
    model = registry.get_alg(alg)
    return f"{signed}.{base64url(model.sign(signed.encode(), signature))}"


def test_a_header_written_by_hand_verifies():
    """The forged headers below fail for what they say and not for how they are made."""
    assert accepted(_with_header(b'{"alg":"ES256","kid":"ES256-key"}')) is not None


@pytest.mark.clause("rfc8725-3.3-1")
@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b'{"alg":"none","alg":"ES256"}', id="repeated-alg"),
        pytest.param(b'{"alg":"ES256","kid":"other","kid":"ES256-key"}', id="repeated-kid"),
        pytest.param(b'{"alg":"ES256","crit":["exp"],"exp":1}', id="crit"),
        pytest.param(b'{"alg":"ES256","crit":[]}', id="empty-crit"),
        pytest.param(b'{"alg":"ES256","crit":["b64"],"b64":false}', id="unencoded-payload"),
        pytest.param(b'{"alg":"ES256","b64":true}', id="b64"),
        pytest.param(b'{"alg":["ES256"]}', id="alg-a-list"),
        pytest.param(b'{"alg":null}', id="alg-null"),
        pytest.param(b'{"kid":"ES256-key"}', id="no-alg"),
        pytest.param(b'{"alg":"es256"}', id="alg-in-lower-case"),
        pytest.param(b'{"alg":"ES256","kid":5}', id="kid-a-number"),
        pytest.param(b'{"alg":"ES256","kid":["ES256-key"]}', id="kid-a-list"),
        pytest.param(b'{"alg":"ES256","typ":5}', id="typ-a-number"),
        pytest.param(b'{"alg":"ES256","kid":"../../etc/passwd"}', id="kid-a-path"),
        pytest.param(b'{"alg":"ES256","kid":"\xff"}', id="not-utf-8"),
        pytest.param(b'["ES256"]', id="not-an-object"),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"alg":"ES256","pad":"' + b"x" * 8192 + b'"}', id="too-long"),
    ],
)
def test_a_header_that_is_not_plain_is_refused(header: bytes):
    """The signature is right each time; the header alone refuses the token."""
    assert accepted(_with_header(header)) is None


def _public_key_as_secret() -> str:
    signed = f"{segment({'alg': 'HS256', 'kid': 'ES256-key'})}.{segment(CLAIMS)}"
    secret = KEYS["ES256"].as_pem(private=False)
    return f"{signed}.{base64url(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


@pytest.mark.clause("rfc8725-3.1-1", "fapi-ciba-7.10-3")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(unsecured(CLAIMS), id="none"),
        pytest.param(unsecured(CLAIMS) + "AA", id="none-with-a-signature"),
        pytest.param(_public_key_as_secret(), id="public-key-as-a-secret"),
        pytest.param(token("ES256", kid="PS256-key"), id="kid-of-another-type"),
        pytest.param(token("RS256", kid="PS256-key"), id="kid-of-another-algorithm"),
        pytest.param(token("PS256", key=reused(KEYS["RS256"], "PS256")), id="right-kid-wrong-key"),
        pytest.param(token("ES256", kid="unknown"), id="unknown-kid"),
        pytest.param(token("ES256", key=new_key(kid="ES256-key")), id="foreign-key"),
        pytest.param(GOOD["ES256"] + ".", id="four-segments"),
        pytest.param(GOOD["ES256"] + "....", id="a-jwe"),
        pytest.param(GOOD["ES256"].rpartition(".")[0], id="two-segments"),
        pytest.param(GOOD["ES256"].rpartition(".")[0] + ".", id="no-signature"),
        pytest.param(GOOD["ES256"] + "=", id="padded"),
        pytest.param(GOOD["ES256"] + "\n", id="line-feed-behind"),
        pytest.param(" " + GOOD["ES256"], id="space-before"),
        pytest.param(GOOD["ES256"].replace(".", " . "), id="spaced-out"),
        pytest.param(GOOD["ES256"] + "AA", id="signature-too-long"),
        pytest.param(json.dumps({"payload": "e30", "signatures": []}), id="json-serialisation"),
    ],
)
def test_a_token_without_a_right_signature_is_refused(text: str):
    """No algorithm, key or shape but the agreed one is taken."""
    assert accepted(text) is None


@pytest.mark.clause("rfc8725-3.10-1")
@pytest.mark.parametrize("name", ["jwk", "jku", "x5c", "x5u", "x5t", "x5t#S256"])
def test_a_key_that_a_header_brings_along_is_ignored(name: str):
    """An attacker's key in the header does not verify; the client's own does beside it."""
    attacker = new_key(kid="ES256-key")
    brought = {
        "jwk": public_jwk(attacker),
        "jku": "https://attacker.example/jwks",
        "x5u": "https://attacker.example/certificate",
        "x5c": ["AAAA"],
    }
    header: Mapping[str, Any] = {name: brought.get(name, "AAAA")}
    assert accepted(token("ES256", key=attacker, **header)) is None
    assert accepted(token("ES256", key=attacker, **{**header, "kid": None})) is None
    assert accepted(token("ES256", **header)) is not None


def test_eddsa_has_two_names():
    """RFC 9864 calls it Ed25519, in headers and in keys; it is the same algorithm."""
    newer = public_jwk(KEYS["EdDSA"]) | {"alg": "Ed25519", "kid": "newer"}
    key = OKPKey.import_key({**KEYS["EdDSA"].as_dict(private=True), "alg": "Ed25519"})
    signed = token("Ed25519", key=key, kid="newer")
    assert accepted(signed, KeySet.parse({"keys": [newer]})) is not None
    assert accepted(signed, KeySet.parse({"keys": [newer | {"alg": "EdDSA"}]})) is not None
    others = EVERY_ALGORITHM - {SignatureAlgorithm.EDDSA}
    assert accepted(signed, KeySet.parse({"keys": [newer]}), others) is None


@pytest.mark.clause("fapi1-p2-8.11-1")
def test_without_a_kid_every_key_that_fits_is_tried():
    """Up to four keys of one algorithm are tried when nothing tells them apart."""
    several = [key_for("ES256", f"key-{number}") for number in range(1, 6)]
    keys = KeySet.parse({"keys": [public_jwk(key) for key in several]})
    outcomes = [accepted(token("ES256", key=key, kid=None), keys) is not None for key in several]
    assert outcomes == [True, True, True, True, False]
    assert accepted(token("ES256", key=several[4], kid="key-5"), keys) is not None


@pytest.mark.clause("rfc8725-3.2-1")
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_only_the_allowed_algorithms_verify(alg: str):
    """A right signature by an algorithm that is not on the list is refused."""
    others = EVERY_ALGORITHM - {SignatureAlgorithm(alg)}
    assert accepted(GOOD[alg], algorithms=others) is None
    assert accepted(GOOD[alg], algorithms=frozenset({SignatureAlgorithm(alg)})) is not None


@pytest.mark.parametrize(
    ("typ", "normal"),
    [
        (None, None),
        ("JWT", "jwt"),
        ("application/at+jwt", "at+jwt"),
        ("APPLICATION/OAuth-AuthZ-Req+JWT", "oauth-authz-req+jwt"),
    ],
)
def test_a_typ_compares_without_case_and_prefix(typ: str | None, normal: str | None):
    """RFC 7515 4.1.9: media types compare without regard to case, the prefix may be left out."""
    assert parse_jws(token("ES256", typ=typ)).header.typ == normal


@pytest.mark.parametrize(("kid", "is_kept"), [("k" * 100, True), ("k" * 500, False)])
def test_only_headers_of_an_ordinary_length_are_kept(kid: str, *, is_kept: bool):
    """What strangers send cannot fill the memory; it is read all the same."""
    _kept_header.cache_clear()
    for _ in range(2):
        assert parse_jws(token("ES256", kid=kid)).header.kid == kid
    assert _kept_header.cache_info().currsize == int(is_kept)


def test_a_megabyte_is_judged_in_bounded_time():
    """Size costs linear time: a large payload is read and refused within seconds."""
    large = {"text": "x" * 1_000_000}
    good = sign({"alg": "ES256", "kid": "ES256-key"}, large, KEYS["ES256"])
    began = time.process_time()
    assert accepted(good) is not None
    assert accepted(good[:-8] + "AAAAAAAA") is None
    assert accepted("." * 1_000_000) is None
    assert accepted("A" * 1_000_000 + ".e30.AA") is None
    assert time.process_time() - began < 5
