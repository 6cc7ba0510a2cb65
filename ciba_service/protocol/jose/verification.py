"""Verification of compact JWS: the one door for every signed object that comes in.

Keys are imported once and verified with ``cryptography`` directly; tests hold every answer against
joserfc, the oracle. Nothing in a header is followed: ``jwk``, ``jku``, ``x5u`` and ``x5c`` choose
no key (RFC 8725 3.10), and a critical extension is refused, since none is understood
(RFC 7515 4.1.11).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import (
    MalformedEncodingError,
    parse_base64url,
    parse_json_object,
)
from ciba_service.protocol.jose.keys import KeySet, VerificationKey
from ciba_service.protocol.security_events.causes import Cause

__all__ = [
    "CompactJws",
    "InvalidJwsError",
    "JoseHeader",
    "parse_jws",
    "verify_jws",
    "verify_jws_by",
]

MAXIMUM_HEADER_LENGTH: Final = 8192
MAXIMUM_CANDIDATES: Final = 4
_ES256_LENGTH: Final = 64
_SHA256: Final = SHA256()
_ECDSA: Final = ECDSA(_SHA256)
_PSS: Final = PSS(MGF1(_SHA256), salt_length=32)
_PKCS1: Final = PKCS1v15()


class InvalidJwsError(ValueError):
    """The object is not a JWS this service accepts; the text says why, for the log only."""

    def __init__(self, text: str, cause: Cause = Cause.MALFORMED) -> None:
        super().__init__(text)
        self.cause = cause


_LONGEST_KEPT_HEADER: Final = 512


class JoseHeader(msgspec.Struct, frozen=True):
    """The header members that matter; ``typ`` is in lower case without ``application/``."""

    alg: str
    kid: str | None
    typ: str | None
    jwk: object


class CompactJws(msgspec.Struct, frozen=True):
    """A JWS taken apart, not yet verified."""

    header: JoseHeader
    payload: bytes
    signing_input: bytes
    signature: bytes


def parse_jws(token: str) -> CompactJws:
    """Take a compact JWS apart without trusting it; raises ``InvalidJwsError``."""
    segments = token.split(".")
    if len(segments) != 3:  # noqa: PLR2004 - RFC 7515 7.1
        raise InvalidJwsError("not a compact JWS")
    header, payload, signature = segments
    if len(header) > MAXIMUM_HEADER_LENGTH:
        raise InvalidJwsError("the header is too long")
    try:
        return CompactJws(
            header=_parse_header(header),
            payload=parse_base64url(payload),
            signing_input=f"{header}.{payload}".encode("ascii"),
            signature=parse_base64url(signature),
        )
    except MalformedEncodingError as error:
        raise InvalidJwsError(f"malformed: {error}") from error


def verify_jws(
    jws: CompactJws, *, keys: KeySet, algorithms: frozenset[SignatureAlgorithm]
) -> VerificationKey:
    """Verify the signature with one of ``keys`` and one of ``algorithms``; returns the key.

    Raises:
        InvalidJwsError: when the algorithm is not allowed, no key fits, or none verifies.
    """
    alg = _allowed(jws, algorithms)
    return _verified(jws, keys.candidates(kid=jws.header.kid, alg=alg), alg)


def verify_jws_by(
    jws: CompactJws, *, key: VerificationKey, algorithms: frozenset[SignatureAlgorithm]
) -> None:
    """Verify the signature with this very key, whatever ``kid`` calls it.

    Raises:
        InvalidJwsError: when the algorithm is not allowed, or the key does not fit or verify.
    """
    alg = _allowed(jws, algorithms)
    _verified(jws, (key,) if key.fits(alg) else (), alg)


def _allowed(jws: CompactJws, algorithms: frozenset[SignatureAlgorithm]) -> SignatureAlgorithm:
    alg = SignatureAlgorithm.named(jws.header.alg)
    if alg is None:
        raise InvalidJwsError("alg is not supported", Cause.ALGORITHM)
    if alg not in algorithms:
        raise InvalidJwsError("alg is not allowed here", Cause.ALGORITHM)
    return alg


def _verified(
    jws: CompactJws, candidates: Sequence[VerificationKey], alg: SignatureAlgorithm
) -> VerificationKey:
    if not candidates:
        raise InvalidJwsError("no key fits kid and alg", Cause.KEY)
    verify = _VERIFY[alg]
    for candidate in candidates[:MAXIMUM_CANDIDATES]:
        try:
            verify(candidate.key, jws.signature, jws.signing_input)
        except InvalidSignature:
            continue
        return candidate
    raise InvalidJwsError("the signature does not verify", Cause.SIGNATURE)


def _parse_header(segment: str) -> JoseHeader:
    # What strangers send must not fill the memory: only headers of an ordinary length are kept.
    is_ordinary = len(segment) <= _LONGEST_KEPT_HEADER
    return _kept_header(segment) if is_ordinary else _read_header(segment)


@lru_cache(maxsize=512)
def _kept_header(segment: str) -> JoseHeader:
    return _read_header(segment)


def _read_header(segment: str) -> JoseHeader:
    members = parse_json_object(parse_base64url(segment))
    alg, kid, typ = members.get("alg"), members.get("kid"), members.get("typ")
    if "crit" in members or "b64" in members:
        raise InvalidJwsError("a critical extension is not understood")
    if not isinstance(alg, str):
        raise InvalidJwsError("alg is missing")
    if not isinstance(kid, str | None) or not isinstance(typ, str | None):
        raise InvalidJwsError("kid or typ is not a string")
    return JoseHeader(alg=alg, kid=kid, typ=_normal_typ(typ), jwk=members.get("jwk"))


def _normal_typ(typ: str | None) -> str | None:
    # RFC 7515 4.1.9: the prefix may be left out; media types compare without regard to case.
    return None if typ is None else typ.lower().removeprefix("application/")


# A key that fits an algorithm is of the type for it (``VerificationKey.fits``): looking again, with
# classes that ask every implementation, costs a tenth of what the verification does.


def _verify_es256(key: Any, signature: bytes, data: bytes) -> None:  # noqa: ANN401 - see above
    key.verify(_der(signature), data, _ECDSA)


def _verify_ps256(key: Any, signature: bytes, data: bytes) -> None:  # noqa: ANN401 - see above
    key.verify(signature, data, _PSS, _SHA256)


def _verify_rs256(key: Any, signature: bytes, data: bytes) -> None:  # noqa: ANN401 - see above
    key.verify(signature, data, _PKCS1, _SHA256)


def _verify_eddsa(key: Any, signature: bytes, data: bytes) -> None:  # noqa: ANN401 - see above
    key.verify(signature, data)


_VERIFY: Final[Mapping[SignatureAlgorithm, Callable[[Any, bytes, bytes], None]]] = {
    SignatureAlgorithm.ES256: _verify_es256,
    SignatureAlgorithm.PS256: _verify_ps256,
    SignatureAlgorithm.RS256: _verify_rs256,
    SignatureAlgorithm.EDDSA: _verify_eddsa,
}


def _der(signature: bytes) -> bytes:
    if len(signature) != _ES256_LENGTH:
        raise InvalidSignature
    return encode_dss_signature(
        int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    )
