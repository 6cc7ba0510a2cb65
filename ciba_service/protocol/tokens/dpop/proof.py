"""A DPoP proof: the sender of this very request holds this key (RFC 9449 4)."""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.errors import InvalidDpopProofError, Reason, UseDpopNonceError
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.claims import Claims, InvalidClaimsError
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.keys import InvalidKeyError
from ciba_service.protocol.jose.verification import (
    CompactJws,
    InvalidJwsError,
    parse_jws,
    verify_jws_by,
)
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.tokens.dpop.http_uri import HttpUri, InvalidUriError, parse_http_uri
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces
from ciba_service.protocol.tokens.dpop.proof_key import parse_proof_key

__all__ = ["PROOF_ALGORITHMS", "ProvenRequest", "VerifiedProof", "verify_proof"]

PROOF_ALGORITHMS: Final = frozenset(
    {SignatureAlgorithm.ES256, SignatureAlgorithm.PS256, SignatureAlgorithm.EDDSA}
)
MAXIMUM_PROOF_LENGTH: Final = 8192
# Seconds; how far ahead ``iat`` may lie is the same for every JWT here.
MAXIMUM_AGE: Final = 60
# Hosts whose clocks disagree must not forget a proof that another of them would still take.
_REPLAY_MARGIN: Final = 60
_TYP: Final = "dpop+jwt"


class ProvenRequest(msgspec.Struct, frozen=True):
    """What a proof must be about: method and address, and the access token that came with it.

    An endpoint has one address, and another where certificates are asked for (RFC 8705 5).
    """

    method: str
    uris: frozenset[HttpUri]
    access_token: str | None = None

    def __repr__(self) -> str:
        return f"ProvenRequest(method={self.method!r}, uris={self.uris!r})"


class VerifiedProof(msgspec.Struct, frozen=True):
    """Proof that the sender holds the key named ``jkt``.

    ``replay_id`` must still be found unused by this key until ``keep_until`` (seconds).
    """

    jkt: str
    replay_id: str
    keep_until: float


def verify_proof(
    lines: Sequence[str],
    *,
    request: ProvenRequest,
    algorithms: frozenset[SignatureAlgorithm],
    nonces: DpopNonces | None,
    now: float,
) -> VerifiedProof | None:
    """Verify the ``DPoP`` header lines of a request; None when there are none.

    ``algorithms`` are those of the client's profile, of which none but ``PROOF_ALGORITHMS`` count;
    with ``nonces`` a fresh one is demanded (RFC 9449 11.3), without them a nonce means nothing;
    ``now`` is in seconds.

    Raises:
        InvalidDpopProofError: when anything is wrong (RFC 9449 4.3); the reason is its cause.
        UseDpopNonceError: when all is right but the nonce (RFC 9449 8).
    """
    if not lines:
        return None
    try:
        jws = _parse(lines)
        key = parse_proof_key(jws.header.jwk)
        # The proof brings its only key with it; what kid calls that key does not matter.
        verify_jws_by(jws, key=key.key, algorithms=algorithms & PROOF_ALGORITHMS)
        claims = Claims.parse(jws.payload)
        return _verify_claims(claims, request=request, jkt=key.jkt, nonces=nonces, now=now)
    except (InvalidKeyError, InvalidUriError) as error:
        raise InvalidDpopProofError from Reason(f"DPoP proof: {error}", Cause.MALFORMED)
    except (InvalidJwsError, InvalidClaimsError) as error:
        raise InvalidDpopProofError from Reason(f"DPoP proof: {error}", error.cause)


def _parse(lines: Sequence[str]) -> CompactJws:
    if len(lines) != 1:
        raise InvalidJwsError("there are several")
    if len(lines[0]) > MAXIMUM_PROOF_LENGTH:
        raise InvalidJwsError("it is too long")
    jws = parse_jws(lines[0])
    if jws.header.typ != _TYP:
        raise InvalidJwsError("typ is not dpop+jwt")
    return jws


def _verify_claims(
    claims: Claims, *, request: ProvenRequest, jkt: str, nonces: DpopNonces | None, now: float
) -> VerifiedProof:
    jti = claims.jti()
    if claims.text("htm") != request.method:
        raise InvalidClaimsError("htm is another method")
    uri = parse_http_uri(claims.text("htu"))
    if uri not in request.uris:
        raise InvalidClaimsError("htu is another address", Cause.AUDIENCE)
    issued_at = _verify_times(claims, now)
    _verify_token_hash(claims, request.access_token)
    if nonces is not None:
        _verify_nonce(claims, nonces, now)
    return VerifiedProof(
        jkt=jkt,
        replay_id=_replay_id(jti, uri),
        keep_until=issued_at + MAXIMUM_AGE + _REPLAY_MARGIN,
    )


def _verify_times(claims: Claims, now: float) -> float:
    issued_at = claims.not_future("iat", now)
    if issued_at is None:
        raise InvalidClaimsError("iat is missing")
    if issued_at < now - MAXIMUM_AGE:
        raise InvalidClaimsError("it is too old", Cause.TIME)
    # A proof needs neither; what it says of itself holds nevertheless (RFC 7519 4.1.4, 4.1.5).
    claims.not_future("nbf", now)
    expires_at = claims.optional_seconds("exp")
    if expires_at is not None and now >= expires_at:
        raise InvalidClaimsError("exp has passed", Cause.TIME)
    return issued_at


def _verify_token_hash(claims: Claims, access_token: str | None) -> None:
    if access_token is None:
        return
    expected = base64url(hashlib.sha256(access_token.encode("utf-8")).digest())
    if not equal_secrets(claims.text("ath"), expected):
        raise InvalidClaimsError("ath is the hash of another access token")


def _replay_id(jti: str, uri: HttpUri) -> str:
    # RFC 9449 11.1: for one target, of any length. Not of the signature: ECDSA has a second form.
    return f"{uri}\0{jti}"


def _verify_nonce(claims: Claims, nonces: DpopNonces, now: float) -> None:
    nonce = claims.get("nonce")
    if not isinstance(nonce, str | None):
        raise InvalidClaimsError("nonce is not a string")
    if nonce is None or not nonces.is_fresh(nonce, now):
        raise UseDpopNonceError(nonces.current(now)) from Reason("the DPoP nonce is not fresh")
