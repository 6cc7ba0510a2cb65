"""A small certification authority for tests; keys are made once, time stands still."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ciba_service.protocol.client.certificates.anchors import TrustAnchors
from ciba_service.protocol.client.certificates.certificate import PresentedChain

INSTANT = datetime(2026, 11, 1, tzinfo=UTC)
NOW = INSTANT.timestamp()

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey
Extension = tuple[x509.ExtensionType, bool]

CA: Extension = (x509.BasicConstraints(ca=True, path_length=None), True)


def key(kind: str = "P-256", owner: str = "") -> Key:
    """A key pair of a kind; every owner has another."""
    return _pair(kind, owner)


@cache
def _pair(kind: str, _owner: str) -> Key:
    match kind:
        case "P-256":
            return ec.generate_private_key(ec.SECP256R1())
        case "P-384":
            return ec.generate_private_key(ec.SECP384R1())
        case "P-224":
            return ec.generate_private_key(ec.SECP224R1())
        case "Ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))


def common_name(text: str) -> x509.Name:
    """A name of one attribute."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are longer than X.520 allows
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text, _validate=False)])


def purposes(*oids: x509.ObjectIdentifier) -> Extension:
    """Extended key usages."""
    return x509.ExtendedKeyUsage(oids), False


def key_usage(*names: str) -> Extension:
    """Key usages by name; all others are off."""
    known = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment"]
    known += ["key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{name: name in names for name in known}), True


def alternative(*names: x509.GeneralName) -> Extension:
    """Subject alternative names."""
    return x509.SubjectAlternativeName(names), False


@dataclass(frozen=True)
class Authority:
    """Somebody who signs certificates, and the own certificate."""

    name: x509.Name
    signing_key: Key = field(repr=False)
    certificate: x509.Certificate = field(repr=False)

    @classmethod
    def root(
        cls, text: str = "root", *, owner: str = "root", extensions: Sequence[Extension] = (CA,)
    ) -> "Authority":
        """One that signed itself."""
        name, signing_key = common_name(text), key(owner=owner)
        made = issue(name, signing_key, issuer=name, signing_key=signing_key, extensions=extensions)
        return cls(name, signing_key, made)

    def subordinate(
        self, text: str, *, kind: str = "P-256", extensions: Sequence[Extension] = (CA,)
    ) -> "Authority":
        """One that this one signed."""
        name, signing_key = common_name(text), key(kind, text)
        return Authority(name, signing_key, self.issue(name, signing_key, extensions=extensions))

    def issue(
        self,
        subject: x509.Name | str = "till",
        subject_key: Key | None = None,
        *,
        extensions: Sequence[Extension] = (),
        days: tuple[float, float] = (-1, 30),
    ) -> x509.Certificate:
        """Sign a certificate; ``days`` are its dates, counted from now."""
        return issue(
            common_name(subject) if isinstance(subject, str) else subject,
            subject_key or key(owner="client"),
            issuer=self.name,
            signing_key=self.signing_key,
            extensions=extensions,
            days=days,
        )

    @property
    def anchors(self) -> TrustAnchors:
        """This one as the only trust anchor."""
        return TrustAnchors.parse(self.certificate.public_bytes(Encoding.PEM))


def issue(
    subject: x509.Name,
    subject_key: Key,
    *,
    issuer: x509.Name,
    signing_key: Key,
    extensions: Sequence[Extension] = (),
    days: tuple[float, float] = (-1, 30),
) -> x509.Certificate:
    """Build and sign a certificate."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(subject_key.public_key())
        .serial_number(7)
        .not_valid_before(INSTANT + timedelta(days=days[0]))
        .not_valid_after(INSTANT + timedelta(days=days[1]))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    is_edwards = isinstance(signing_key, ed25519.Ed25519PrivateKey)
    return builder.sign(signing_key, None if is_edwards else hashes.SHA256())


def self_signed(
    subject: x509.Name | str = "till",
    *,
    kind: str = "P-256",
    owner: str = "client",
    extensions: Sequence[Extension] = (),
    days: tuple[float, float] = (-1, 30),
) -> x509.Certificate:
    """A certificate of a client that signs for itself."""
    name = common_name(subject) if isinstance(subject, str) else subject
    own = key(kind, owner)
    return issue(name, own, issuer=name, signing_key=own, extensions=extensions, days=days)


def der(certificate: x509.Certificate) -> bytes:
    """Its bytes."""
    return certificate.public_bytes(Encoding.DER)


def presented(*certificates: x509.Certificate) -> PresentedChain:
    """What a handshake with these would have brought."""
    return PresentedChain.parse([der(certificate) for certificate in certificates])
