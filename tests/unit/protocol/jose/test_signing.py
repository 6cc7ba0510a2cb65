"""Signing of what the service issues: any library verifies it."""

from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.signing import SigningKey
from tests.unit.protocol.registrations import key_for
from tests.wire.signing import claims_of, header_of

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


def _signing_key(alg: str) -> SigningKey:
    private: Any = key_for(alg).private_key
    return SigningKey(kid="key-1", alg=SignatureAlgorithm(alg), key=private)


@pytest.mark.clause("rfc8725-3.11-1")
@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_an_issued_object_verifies_elsewhere(alg: str):
    """Another library verifies the signature; the header has alg, kid and typ and no more."""
    token = _signing_key(alg).sign(typ="at+jwt", claims={"iss": "https://op.example", "n": 1})
    key = key_for(alg)
    assert isinstance(key, ECKey | RSAKey | OKPKey)
    verified = jws.deserialize_compact(token, key, algorithms=[alg])
    assert verified.payload == b'{"iss":"https://op.example","n":1}'
    assert header_of(token) == {"alg": alg, "kid": "key-1", "typ": "at+jwt"}
    assert claims_of(token) == {"iss": "https://op.example", "n": 1}


def test_a_signing_key_shows_no_secret():
    """The repr of a signing key names it and hides the rest."""
    assert "key=" not in repr(_signing_key("ES256"))
    assert "kid='key-1'" in repr(_signing_key("ES256"))
