"""DPoP proofs: a strange one proves nothing, and costs little."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from ciba_service.protocol.errors import OAuth2Error
from ciba_service.protocol.jose.keys import InvalidKeyError
from ciba_service.protocol.tokens.dpop.http_uri import InvalidUriError, parse_http_uri
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces
from ciba_service.protocol.tokens.dpop.proof import PROOF_ALGORITHMS, ProvenRequest, verify_proof
from ciba_service.protocol.tokens.dpop.proof_key import parse_proof_key
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import altered, any_text, compact, damaged, documents, outcome
from tests.wire.dpop import WireDpop
from tests.wire.signing import JoseKey, new_key, public_jwk, sign

URL, NOW = "https://bank.example/token", 1_000_000
NONCES = DpopNonces(b"k" * 32)
KEY = WireDpop(nonce=NONCES.current(NOW))
VALID = KEY.proof("POST", URL, NOW)
HEADER = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.jwk}
CLAIMS: dict[str, Any] = {"jti": "j", "htm": "POST", "htu": URL, "iat": NOW, "nonce": KEY.nonce}
REQUEST = ProvenRequest("POST", frozenset({parse_http_uri(URL)}))
KEYS = {alg: public_jwk(new_key(alg)) for alg in ("ES256", "PS256", "EdDSA")}


def _verified(line: str) -> Any:
    return outcome(verify_proof, OAuth2Error)(
        [line], request=REQUEST, algorithms=PROOF_ALGORITHMS, nonces=NONCES, now=NOW
    )


def _signed(header: dict[str, Any], payload: bytes, key: JoseKey = KEY.key) -> str:
    return sign(header, payload, key)


@fuzzed
@given(st.one_of(any_text, damaged(VALID.encode()).map(lambda data: data.decode("latin-1"))))
@example("e30." * 2_000)
def test_a_proof_that_was_changed_proves_nothing(line: str) -> None:
    """Only the very proof that the key made is one."""
    proof = _verified(line)
    assert proof is None or (line == VALID and proof.jkt == KEY.jkt)


@fuzzed
@given(documents(CLAIMS))
@example(compact(CLAIMS | {"iat": 10**400}))
@example(compact(CLAIMS | {"htu": "https://bank.example:99999/token"}))
@example(compact(CLAIMS | {"nonce": "é"}))
def test_a_proof_of_any_content_is_verified_or_refused(payload: bytes) -> None:
    """Whatever the sender signs, what counts is about this request, and kept for two minutes."""
    proof = _verified(_signed(HEADER, payload))
    if proof is not None:
        assert len(proof.replay_id) <= 1024
        assert NOW <= proof.keep_until <= NOW + 130


@fuzzed
@given(st.one_of(*map(altered, KEYS.values())))
@example({"kty": "RSA", "n": "A" * 8_000, "e": "AQAB"})
@example(KEYS["PS256"] | {"e": "A" * 8_000})
def test_the_key_of_a_proof_has_one_spelling(jwk: object) -> None:
    """What is accepted is a public key of its kind, written as RFC 7518 says."""
    key = outcome(parse_proof_key, InvalidKeyError)(jwk)
    assert key is None or len(key.jkt) == 43


@fuzzed
@given(
    st.one_of(
        any_text,
        damaged(b"https://u@[::1]:443/a/../%2e/b%2F?c#d").map(lambda data: data.decode("latin-1")),
    )
)
@example("http://" + "a" * 100_000)
@example("http://a/" + "../" * 30_000)
@example("http://a" + "/.." * 30_000)
@example("http://[" + ":" * 100_000 + "]")
@example("http://a/" + "%41" * 30_000)
def test_an_address_is_normalised_once_for_all(text: str) -> None:
    """What was normalised is not changed by doing it again."""
    uri = outcome(parse_http_uri, InvalidUriError)(text)
    assert uri is None or parse_http_uri(str(uri)) == uri
