"""Certificates a ``self_signed_tls_client_auth`` client registers in its key set (RFC 8705 2.2).

A presented certificate must be one of them, byte for byte. One that merely holds the same key is
refused: its dates and names are not what was registered. A client renews by publishing both.
"""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from ciba_service.protocol.client.certificates.certificate import (
    MAXIMUM_BASE64_LENGTH,
    MAXIMUM_INTERMEDIATES,
    ClientCertificate,
    InvalidCertificateError,
)
from ciba_service.protocol.jose.keys import MAXIMUM_KEYS, InvalidKeyError, parse_public_key

__all__ = ["RegisteredCertificates"]


@dataclass(frozen=True, slots=True)
class RegisteredCertificates:
    """The certificates in the ``x5c`` members of a client's key set; empty, it proves nobody."""

    certificates: frozenset[ClientCertificate] = field(default=frozenset(), repr=False)

    @classmethod
    def parse(cls, jwks: Mapping[str, object]) -> "RegisteredCertificates":
        """Read the first certificate of every ``x5c`` in a JWK Set; encryption keys are left out.

        Raises:
            InvalidCertificateError: when it is no key set, there is no certificate, or one is
                invalid or not of the key beside it (RFC 7517 4.7).
        """
        certificates = frozenset(map(_certificate, _certified_keys(jwks)))
        if not certificates:
            raise InvalidCertificateError("no key has an x5c member")
        return cls(certificates)

    @classmethod
    def parse_published(cls, jwks: Mapping[str, object]) -> "RegisteredCertificates":
        """Read those in a JWK Set that its owner publishes for others as well.

        One that is invalid proves nobody, and stands in no other's way; most sets have none.

        Raises:
            InvalidCertificateError: when it is no key set.
        """
        return cls(frozenset(_usable(_certified_keys(jwks))))

    def __contains__(self, certificate: ClientCertificate) -> bool:
        return certificate in self.certificates


def _usable(keys: Iterable[Mapping[str, object]]) -> Iterator[ClientCertificate]:
    for jwk in keys:
        with suppress(InvalidCertificateError):
            yield _certificate(jwk)


def _certified_keys(jwks: Mapping[str, object]) -> list[Mapping[str, object]]:
    keys = jwks.get("keys")
    if not isinstance(keys, list) or len(keys) > MAXIMUM_KEYS:
        raise InvalidCertificateError(f"a key set has at most {MAXIMUM_KEYS} keys")
    return [jwk for jwk in keys if _has_certificate(jwk)]


def _has_certificate(jwk: object) -> bool:
    return isinstance(jwk, dict) and "x5c" in jwk and jwk.get("use") != "enc"


def _certificate(jwk: Mapping[str, object]) -> ClientCertificate:
    chain = jwk["x5c"]
    if not isinstance(chain, list) or not 1 <= len(chain) <= MAXIMUM_INTERMEDIATES + 1:
        raise InvalidCertificateError("x5c is not a short list of certificates")
    certificate = ClientCertificate.parse(_der(chain[0]))
    try:
        key = parse_public_key(jwk)
    except InvalidKeyError as error:
        raise InvalidCertificateError(str(error)) from error
    if certificate.public_key != key:
        raise InvalidCertificateError("x5c holds another key than its JWK")
    return certificate


def _der(text: object) -> bytes:
    # RFC 7517 4.7: base64, not base64url.
    if not isinstance(text, str) or len(text) > MAXIMUM_BASE64_LENGTH:
        raise InvalidCertificateError("x5c holds no text or too much of it")
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise InvalidCertificateError("x5c is not base64") from error
