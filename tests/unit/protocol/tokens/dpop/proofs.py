"""DPoP proofs for tests, right or wrong, and the request they are about."""

from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.tokens.dpop.http_uri import parse_http_uri
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces
from ciba_service.protocol.tokens.dpop.proof import (
    PROOF_ALGORITHMS,
    ProvenRequest,
    VerifiedProof,
    verify_proof,
)
from tests.unit.protocol.registrations import key_for
from tests.wire.signing import JoseKey, public_jwk, sign

NOW: Final = 1_795_230_000
TOKEN_ENDPOINT: Final = "https://op.example/token"
TOKEN_REQUEST: Final = ProvenRequest("POST", frozenset({parse_http_uri(TOKEN_ENDPOINT)}))
KEY: Final = key_for("ES256", "proof-key")
ECDSA_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_JWK_MEMBERS: Final = frozenset({"kty", "crv", "x", "y", "n", "e"})


def bare_jwk(key: JoseKey) -> dict[str, str]:
    """The public members of a key and nothing else."""
    return {name: value for name, value in public_jwk(key).items() if name in _JWK_MEMBERS}


def header_with(key: JoseKey, alg: str = "ES256", **changed: Any) -> dict[str, Any]:
    """A proof's header; None drops a member."""
    members = {"typ": "dpop+jwt", "alg": alg, "jwk": bare_jwk(key), **changed}
    return {name: value for name, value in members.items() if value is not None}


def claims_with(**changed: Any) -> dict[str, Any]:
    """A proof's claims for the token endpoint; None drops a claim."""
    members = {"jti": "once", "htm": "POST", "htu": TOKEN_ENDPOINT, "iat": NOW, **changed}
    return {name: value for name, value in members.items() if value is not None}


def proof(
    *, header: Mapping[str, Any] = {}, key: JoseKey = KEY, alg: str = "ES256", **claims: Any
) -> str:
    """A good proof, but for what is said."""
    return sign(header_with(key, alg, **header), claims_with(**claims), key)


def signed(header: bytes, payload: bytes, key: JoseKey = KEY) -> str:
    """An ES256 signature over whatever the two segments hold."""
    assert isinstance(key, ECKey)
    assert key.private_key is not None
    signing_input = f"{base64url(header)}.{base64url(payload)}"
    r, s = decode_dss_signature(key.private_key.sign(signing_input.encode(), ECDSA(SHA256())))
    return f"{signing_input}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def verified(
    *lines: str,
    request: ProvenRequest = TOKEN_REQUEST,
    algorithms: frozenset[SignatureAlgorithm] = PROOF_ALGORITHMS,
    nonces: DpopNonces | None = None,
    now: float = NOW,
) -> VerifiedProof | None:
    """Verify as the service would."""
    return verify_proof(lines, request=request, algorithms=algorithms, nonces=nonces, now=now)


def accepted(*lines: str, **arguments: Any) -> VerifiedProof:
    """Hold that a proof is accepted."""
    outcome = verified(*lines, **arguments)
    assert outcome is not None
    return outcome
