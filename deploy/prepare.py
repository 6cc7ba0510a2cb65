"""What docker-compose.yml needs before anything starts, for development on one machine.

An authority with a certificate for nginx and one for a client, keys of the playground's clients,
and the service's configuration with their public halves in it. What is there already stays, until
the certificates end within a month: then all of them are made anew. The authority's own key is
thrown away with this process, so that whoever trusts it trusts these two certificates alone.
"""

import argparse
import ipaddress
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ciba_client.keygen import generate_key
from ciba_client.sdk.jose.algorithms import SignatureAlgorithm

CLIENTS: Final = ("till", "terminal", "kiosk")
CERTIFIED: Final = "terminal"
HOST: Final = "localhost"
PROXY: Final = "nginx"
"""As the replicas call it, which notify the kiosk through it."""
ENDPOINT: Final = f"https://{PROXY}:8446/notifications"
AUTHORITY_FILE: Final = "/etc/ciba/ca.pem"

_LIFETIME: Final = timedelta(days=397)
_SPARE: Final = timedelta(days=30)
_PLACEHOLDER: Final = "jwks = {{ keys = [] }} # {name}"
_BINDING: Final = {
    "till": "dpop_bound_access_tokens = true\n",
    "terminal": (
        'token_endpoint_auth_method = "tls_client_auth"\n'
        'certificate = "terminal.pem"\ncertificate_key = "terminal.key"\n'
    ),
    "kiosk": (
        'dpop_bound_access_tokens = true\nbackchannel_token_delivery_mode = "ping"\n'
        f'backchannel_client_notification_endpoint = "{ENDPOINT}"\n'
    ),
}

_PublicKey = RSAPublicKey | EllipticCurvePublicKey
_PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Places:
    """A directory for each who reads: nginx, the playground, and everybody."""

    tls: Path
    playground: Path
    configuration: Path


@dataclass(frozen=True, slots=True)
class Authority:
    """It signs twice and is forgotten."""

    key: EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls, now: datetime) -> "Authority":
        """One that may sign for this machine only."""
        key = new_ec_key(SECP256R1())
        subject = _name("ciba-service, development on this machine")
        permitted = [
            x509.DNSName(HOST),
            x509.DNSName(PROXY),
            x509.IPAddress(ipaddress.ip_network("127.0.0.1/32")),
        ]
        usage = _usage(signs=False, certifies=True)
        built = (
            _built(subject, subject, key.public_key(), key.public_key(), now)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.NameConstraints(permitted, None), critical=True)
        )
        return cls(key, built.sign(key, SHA256()))

    def issue(self, name: str, key: _PublicKey, now: datetime, *, server: bool) -> x509.Certificate:
        """A certificate for a server on this machine, or for a client."""
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        built = (
            _built(_name(name), self.certificate.subject, key, self.key.public_key(), now)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=True, certifies=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )
        if server:
            here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            names = x509.SubjectAlternativeName([x509.DNSName(HOST), x509.DNSName(PROXY), here])
            built = built.add_extension(names, critical=False)
        return built.sign(self.key, SHA256())


def prepare(template: Path, places: Places, *, now: datetime) -> None:
    """Make what is missing, and the configuration anew."""
    if not _certificates_last(places, now):
        _make_certificates(places, now)
    text = template.read_text("utf-8")
    issuer = _issuer(text)
    for name in CLIENTS:
        text = text.replace(_PLACEHOLDER.format(name=name), _public_key(places.playground, name))
        client = f'issuer = "{issuer}"\nclient_id = "{name}"\nkey = "{name}.jwk"\n'
        client += f'ca_file = "ca.pem"\n{_BINDING[name]}'
        _write(places.playground / f"{name}.toml", client.encode())
    _write(places.configuration / "ciba.toml", text.encode(), mode=0o644)


def _issuer(template: str) -> str:
    (line,) = (line for line in template.splitlines() if line.startswith("issuer = "))
    return line.split('"')[1]


def _public_key(directory: Path, name: str) -> str:
    """The line for the service's configuration, kept beside the private key."""
    private, public = directory / f"{name}.jwk", directory / f"{name}.public"
    if not (private.exists() and public.exists()):
        private.unlink(missing_ok=True)
        with redirect_stdout(StringIO()) as told:
            generate_key(private, algorithm=SignatureAlgorithm.ES256, kid=None, as_toml=True)
        _write(public, told.getvalue().strip().encode())
    return public.read_text("utf-8")


def _certificates_last(places: Places, now: datetime) -> bool:
    files = (
        places.tls / "server.pem",
        places.tls / "server.key",
        places.playground / f"{CERTIFIED}.pem",
        places.playground / f"{CERTIFIED}.key",
        places.playground / "ca.pem",
        places.configuration / "ca.pem",
    )
    if not all(file.exists() for file in files):
        return False
    ends = x509.load_pem_x509_certificate(files[-1].read_bytes()).not_valid_after_utc
    return now + _SPARE < ends


def _make_certificates(places: Places, now: datetime) -> None:
    authority = Authority.new(now)
    # TLS 1.2 with the suites of FAPI needs RSA.
    server, client = new_rsa_key(65537, 2048), new_ec_key(SECP256R1())
    authority_pem = authority.certificate.public_bytes(Encoding.PEM)
    shown = authority.issue(HOST, server.public_key(), now, server=True)
    proof = authority.issue(CERTIFIED, client.public_key(), now, server=False)
    _write(places.tls / "server.pem", shown.public_bytes(Encoding.PEM))
    _write(places.tls / "server.key", _pem(server))
    _write(places.playground / f"{CERTIFIED}.pem", proof.public_bytes(Encoding.PEM))
    _write(places.playground / f"{CERTIFIED}.key", _pem(client))
    _write(places.playground / "ca.pem", authority_pem)
    # Last: what is there is whole.
    _write(places.configuration / "ca.pem", authority_pem, mode=0o644)


def _built(
    subject: x509.Name, issuer: x509.Name, key: _PublicKey, signer: _PublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _usage(*, signs: bool, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        key_cert_sign=certifies,
        crl_sign=certifies,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: _PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace a file whole."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=mode)
    fresh.write_bytes(content)
    fresh.replace(path)


def new_parser() -> argparse.ArgumentParser:
    """Its flags."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    for name in ("template", "tls", "playground", "configuration"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser


def main() -> None:
    """Prepare, as the command line says."""
    options = new_parser().parse_args()
    places = Places(options.tls, options.playground, options.configuration)
    prepare(options.template, places, now=datetime.now(UTC))  # noqa: TID251 - certificates begin now
    print(f"Certificates, clients and configuration are in place; the authority: {AUTHORITY_FILE}")


if __name__ == "__main__":
    main()
