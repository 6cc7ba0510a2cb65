"""Certificates, keys and versions that cannot be offered stop the start with a sentence."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from ciba_service.listening.tls.client_certificates import ClientCertificateContext
from ciba_service.listening.tls.identity import InvalidTlsError, ServerIdentity
from ciba_service.listening.tls.offer import TlsOffer
from ciba_service.listening.tls.ordinary import OrdinaryContext
from tests.unit.listening.tls.listeners import server_files, write_pem
from tests.unit.protocol.client.certificates.authority import der, key, self_signed


def write(directory: Path, name: str, content: bytes) -> Path:
    """A file of these bytes."""
    file = directory / name
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("kind", ["P-256", "P-384", "Ed25519"])
def test_tls_1_2_needs_an_rsa_certificate(tmp_path: Path, kind: str):
    """FAPI permits only RSA suites, so another key can be offered with TLS 1.3 alone."""
    identity = ServerIdentity.load(*server_files(tmp_path, kind))
    with pytest.raises(InvalidTlsError, match=r"TLS 1\.2 is switched on, but .* RSA certificate"):
        TlsOffer(identity, tls_1_2=True)
    OrdinaryContext.create(TlsOffer(identity))
    ClientCertificateContext.create(TlsOffer(identity))


def test_a_missing_file_is_named(tmp_path: Path):
    """Either file."""
    certificate, own = server_files(tmp_path)
    with pytest.raises(InvalidTlsError, match="nowhere cannot be read: No such file"):
        ServerIdentity.load(Path("nowhere"), own)
    with pytest.raises(InvalidTlsError, match="nowhere cannot be read: No such file"):
        ServerIdentity.load(certificate, Path("nowhere"))


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_of_something_else_is_named(tmp_path: Path, content: bytes):
    """Neither a certificate nor a key can be found in it."""
    certificate, own = server_files(tmp_path)
    other = write(tmp_path, "other", content)
    with pytest.raises(InvalidTlsError, match="other holds no PEM certificate"):
        ServerIdentity.load(other, own)
    with pytest.raises(InvalidTlsError, match="other holds no PEM private key"):
        ServerIdentity.load(certificate, other)


def test_the_key_must_be_that_of_the_certificate(tmp_path: Path):
    """A chain in the wrong order is found the same way."""
    certificate, _ = server_files(tmp_path)
    _, other = write_pem(tmp_path, "other", [self_signed()], key(owner="client"))
    with pytest.raises(InvalidTlsError, match="does not belong to the first certificate"):
        ServerIdentity.load(certificate, other)


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_a_password(tmp_path: Path):
    """A service has no terminal."""
    certificate, _ = server_files(tmp_path)
    sealed = key("RSA-2048", "server").private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    with pytest.raises(InvalidTlsError, match="is encrypted"):
        ServerIdentity.load(certificate, write(tmp_path, "sealed", sealed))


def test_a_weak_key_is_refused(tmp_path: Path):
    """An RSA key of 1024 bits protects nothing."""
    weak = key("RSA-1024", "server")
    files = write_pem(tmp_path, "weak", [self_signed(kind="RSA-1024", owner="server")], weak)
    with pytest.raises(InvalidTlsError, match="fewer than 2048 bits"):
        ServerIdentity.load(*files)


def test_a_curve_that_tls_does_not_know_is_refused(tmp_path: Path):
    """P-224 has no place in TLS 1.3, nor has a key for encryption alone."""
    own = key("P-224", "server")
    files = write_pem(tmp_path, "odd", [self_signed(kind="P-224", owner="server")], own)
    with pytest.raises(InvalidTlsError, match=r"a curve that TLS 1\.3 does not know"):
        ServerIdentity.load(*files)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    odd = write(tmp_path, "x25519", X25519PrivateKey.generate().private_bytes(*form))
    with pytest.raises(InvalidTlsError, match="is neither RSA nor elliptic curve"):
        ServerIdentity.load(files[0], odd)


def test_a_key_of_an_unknown_kind_is_named(tmp_path: Path):
    """SM2, say: the start ends in a sentence about the file."""
    p_256, sm2 = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a811ccf5501822d")
    certificate, own = self_signed(owner="server"), key(owner="server")
    shown = ssl.DER_cert_to_PEM_cert(der(certificate).replace(p_256, sm2))
    form = (Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    private = ssl.DER_cert_to_PEM_cert(own.private_bytes(*form).replace(p_256, sm2))
    odd = write(tmp_path, "odd.pem", shown.encode())
    odd_key = write(tmp_path, "odd.key", private.replace("CERTIFICATE", "EC PRIVATE KEY").encode())
    with pytest.raises(InvalidTlsError, match=r"certificate in .*odd\.pem has a key of an unknown"):
        ServerIdentity.load(odd, odd_key)
    with pytest.raises(InvalidTlsError, match=r"key in .*odd\.key is of an unknown kind"):
        ServerIdentity.load(server_files(tmp_path)[0], odd_key)


def test_a_file_that_has_changed_since_is_not_taken(tmp_path: Path):
    """What was read and what OpenSSL reads must be the same."""
    identity = ServerIdentity.load(*server_files(tmp_path))
    identity.key_file.write_bytes(b"")
    with pytest.raises(InvalidTlsError, match="TLS cannot be offered with"):
        OrdinaryContext.create(TlsOffer(identity))


def test_neither_chain_nor_key_is_in_the_text_of_an_identity(tmp_path: Path):
    """It may be logged."""
    identity = ServerIdentity.load(*server_files(tmp_path))
    assert isinstance(identity.chain[0], x509.Certificate)
    assert "key=" not in repr(identity)
    assert "chain=" not in repr(identity)
