"""The server's certificate and key, read and checked once, before anything listens."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

__all__ = ["InvalidTlsError", "ServerIdentity", "ServerKey"]

ServerKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_MINIMUM_RSA_BITS: Final = 2048
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


class InvalidTlsError(ValueError):
    """TLS cannot be offered as configured; the text is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """A certificate chain, the server's own first, and the key of its first certificate."""

    certificate_file: Path
    key_file: Path
    chain: tuple[x509.Certificate, ...] = field(repr=False)
    key: ServerKey = field(repr=False)

    @classmethod
    def load(cls, certificate_file: Path, key_file: Path) -> Self:
        """Read two PEM files.

        Raises:
            InvalidTlsError: when a file cannot be read, is not what it should be, is encrypted or
                too weak, or when the two do not belong together.
        """
        chain = _chain(certificate_file)
        key = _key(key_file)
        if chain[0].public_key() != key.public_key():
            raise InvalidTlsError(
                f"the key in {key_file} does not belong to the first certificate in"
                f" {certificate_file}"
            )
        return cls(certificate_file, key_file, chain, key)

    @property
    def is_rsa(self) -> bool:
        """Whether the TLS 1.2 suites that FAPI permits can be used (FAPI-CIBA 7.9)."""
        return isinstance(self.key, rsa.RSAPrivateKey)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidTlsError(f"{file} cannot be read: {error.strerror}") from error


def _chain(file: Path) -> tuple[x509.Certificate, ...]:
    try:
        chain = tuple(x509.load_pem_x509_certificates(_read(file)))
        _ = chain[0].public_key()
    except InvalidTlsError:
        raise
    except (ValueError, TypeError) as error:
        raise InvalidTlsError(f"{file} holds no PEM certificate") from error
    except UnsupportedAlgorithm as error:
        raise InvalidTlsError(f"the certificate in {file} has a key of an unknown kind") from error
    return chain


def _key(file: Path) -> ServerKey:
    try:
        key = load_pem_private_key(_read(file), password=None)
    except TypeError as error:
        raise InvalidTlsError(f"the key in {file} is encrypted, which is not supported") from error
    except InvalidTlsError:
        raise
    except ValueError as error:
        raise InvalidTlsError(f"{file} holds no PEM private key") from error
    except UnsupportedAlgorithm as error:
        raise InvalidTlsError(f"the key in {file} is of an unknown kind") from error
    if not isinstance(key, ServerKey):
        raise InvalidTlsError(f"the key in {file} is neither RSA nor elliptic curve")
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < _MINIMUM_RSA_BITS:
        raise InvalidTlsError(f"the RSA key in {file} has fewer than {_MINIMUM_RSA_BITS} bits")
    if isinstance(key, ec.EllipticCurvePrivateKey) and not isinstance(key.curve, _CURVES):
        raise InvalidTlsError(f"the key in {file} is on a curve that TLS 1.3 does not know")
    return key
