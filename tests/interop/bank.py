"""``ciba-service serve`` on its two TLS ports, with a client of every kind and Alice's phone."""

import secrets
import ssl
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ciba_service.stores.service_keys.key_files import generate_keys
from tests.interop.node_program import NodeProgram, node_program
from tests.ports import free_port
from tests.services.running_service import _toml
from tests.services.service_process import READY_SECONDS, Installation, WallClock
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.unit.protocol.client.certificates.authority import (
    CA,
    Authority,
    Key,
    common_name,
    der,
    issue,
    key,
)
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, new_key, public_jwk

LONG = (-1, 36_500)
NAME, ROOT_KEY = common_name("root"), key(owner="root")
ROOT = Authority(
    NAME,
    ROOT_KEY,
    issue(NAME, ROOT_KEY, issuer=NAME, signing_key=ROOT_KEY, extensions=(CA,), days=LONG),
)
ALICE = {
    "sub": "alice",
    "login_hints": ["alice@example.org"],
    "claims": {"name": "Alice Example"},
}
EVERY = {"grant_types": [CIBA, "refresh_token"], "polling_interval": 0}


@dataclass(frozen=True)
class Certified:
    """A client with a certificate, and certificate and key in one text."""

    client: WireClient
    pem: str


def pem(certificate: x509.Certificate, private: Key) -> str:
    """Certificate and key in one text."""
    parts = (
        certificate.public_bytes(Encoding.PEM),
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
    return b"".join(parts).decode()


def by_name() -> Certified:
    """``tls_client_auth``: known by the subject that an authority confirmed."""
    metadata = {
        **EVERY,
        "profile": "fapi-ciba",
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_subject_dn": "CN=till",
    }
    own = key(owner="till")
    certificate = ROOT.issue("till", own, days=LONG)
    return Certified(WireClient("till", metadata=metadata), pem(certificate, own))


def by_itself() -> Certified:
    """``self_signed_tls_client_auth``: known by the certificate in its key set."""
    name, own, signing = common_name("kiosk"), key(owner="kiosk"), new_key(kid="kiosk")
    certificate = issue(name, own, issuer=name, signing_key=own, days=LONG)
    numbers = own.public_key().public_numbers()
    shown = {
        "kty": "EC",
        "crv": "P-256",
        "kid": "kiosk-tls",
        "x": _coordinate(numbers.x),
        "y": _coordinate(numbers.y),
        "x5c": [b64encode(der(certificate)).decode()],
    }
    metadata = {
        **EVERY,
        "profile": "fapi-ciba",
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "jwks": {"keys": [public_jwk(signing), shown]},
    }
    return Certified(WireClient("kiosk", key=signing, metadata=metadata), pem(certificate, own))


def speaker(alg: str) -> WireClient:
    """A client of FAPI 2.0 that signs with ``alg``; its tokens are bound by DPoP."""
    name = f"speaker-{alg.lower()}"
    metadata = {**EVERY, "profile": "fapi2-ciba", "dpop_bound_access_tokens": True}
    return WireClient(name, alg=alg, key=new_key(alg, kid=name), metadata=metadata)


def radio(notification_port: int) -> WireClient:
    """A client of FAPI 2.0 that is pinged; its tokens are bound by DPoP."""
    metadata = {
        **EVERY,
        "profile": "fapi2-ciba",
        "dpop_bound_access_tokens": True,
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": f"https://127.0.0.1:{notification_port}/ping",
    }
    return WireClient("radio", key=new_key(kid="radio"), metadata=metadata)


def shop(issuer: str) -> WireClient:
    """A client of CIBA Core that signs no requests and may ask about its tokens."""
    metadata = {
        **EVERY,
        "backchannel_authentication_request_signing_alg": None,
        "protected_resources": [issuer],
    }
    return WireClient("shop", metadata=metadata)


@dataclass
class SecureInstallation(Installation):
    """One with an https issuer."""

    @property
    def issuer(self) -> str:
        """Where it will answer."""
        return f"https://127.0.0.1:{self.port}"


@dataclass
class Bank:
    """A service on two ports, who uses it, and the one phone that decides."""

    place: SecureInstallation
    trusted: LoopbackCertificate
    clients: dict[str, WireClient]
    certificates: dict[str, str]
    phone: WirePhone
    notification_port: int

    def program(
        self, script: str, client_id: str, binding_message: str, **more: Any
    ) -> AbstractAsyncContextManager[NodeProgram]:
        """A script that acts for a client and asks for Alice."""
        client = self.clients[client_id]
        options = {
            "issuer": self.place.issuer,
            "client_id": client_id,
            "alg": client.alg,
            "key": client.key.as_dict(private=True),
            "ca": self.trusted.chain.read_text("utf-8"),
            "certificate": self.certificates.get(client_id),
            "request": asked(binding_message),
            "endpoint": {
                "port": self.notification_port,
                "certificate": self.trusted.chain.read_text("utf-8"),
                "key": self.trusted.key.read_text("utf-8"),
            },
            **more,
        }
        return node_program(f"openid_client/{script}.mjs", options, authorities=self.trusted.chain)

    async def approve(self, binding_message: str) -> None:
        """Let Alice approve what shows this message."""
        await self._decide(self.phone.approval(await self._shown(binding_message)))

    async def deny(self, binding_message: str) -> None:
        """Let Alice deny it."""
        await self._decide(self.phone.denial(await self._shown(binding_message)))

    async def _shown(self, binding_message: str) -> str:
        challenges = await self.phone.fetch()
        (challenge,) = [each for each in challenges if shows(each, binding_message)]
        return challenge

    async def _decide(self, decision: str) -> None:
        outcome = await self.phone.decide(decision)
        assert outcome["type"] == "accepted", outcome


def asked(binding_message: str) -> dict[str, str]:
    """The parameters of a request for Alice."""
    return {
        "scope": "openid profile",
        "login_hint": "alice@example.org",
        "binding_message": binding_message,
    }


def shows(challenge: str, binding_message: str) -> bool:
    """Whether this is what the phone shows."""
    return bool(claims_of(challenge)["display"]["binding_message"] == binding_message)


@asynccontextmanager
async def running_bank(directory: Path) -> AsyncIterator[Bank]:
    """Start it, and enrol the phone; all ends with the block."""
    trusted = LoopbackCertificate.write(directory)
    context = ssl.create_default_context(cafile=str(trusted.chain))
    port, notification_port = free_port(), free_port()
    issuer = f"https://127.0.0.1:{port}"
    certified = {each.client.client_id: each for each in (by_name(), by_itself())}
    clients = {
        client.client_id: client
        for client in (
            *(each.client for each in certified.values()),
            *(speaker(alg) for alg in ("PS256", "EdDSA")),
            radio(notification_port),
            shop(issuer),
        )
    }
    async with httpx2.AsyncClient(base_url=issuer, verify=context, timeout=READY_SECONDS) as http:
        place = SecureInstallation(directory, port, http, clients["shop"])
        _configure(place, trusted, tuple(clients.values()))
        try:
            await place.serve()
            certificates = {name: each.pem for name, each in certified.items()}
            phone = await _enrolled(place)
            yield Bank(place, trusted, clients, certificates, phone, notification_port)
        finally:
            for process in place.processes:
                if process.returncode is None:
                    process.kill()
                    await process.wait()


def _configure(
    place: SecureInstallation, trusted: LoopbackCertificate, clients: tuple[WireClient, ...]
) -> None:
    authorities = place.directory / "authorities.pem"
    authorities.write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    keys = place.directory / "keys"
    generate_keys(keys, random=secrets.token_bytes, now=WallClock().now_ms())
    mtls_port = free_port()
    sections = {
        "keys": {"directory": str(keys)},
        "server": {
            "port": place.port,
            "tls_certificate": str(trusted.chain),
            "tls_key": str(trusted.key),
        },
        "store": {"data_directory": str(place.data)},
        "tokens": {"require_dpop_nonce": True},
        "outbound": {"ca_bundle": str(trusted.chain), "allowed_networks": ["127.0.0.1"]},
        "mtls": {
            "base_url": f"https://127.0.0.1:{mtls_port}",
            "port": mtls_port,
            "authorities": str(authorities),
        },
    }
    place.config.write_text(_toml(place.issuer, clients, (ALICE,), sections), "utf-8")


async def _enrolled(place: SecureInstallation) -> WirePhone:
    made = (await place.command("users", "activate", "alice", "--json")).json()
    phone = WirePhone(place.http, place.issuer, WallClock())
    return await phone.enrol(made["activation_code"], second_secret=made["second_secret"])


def _coordinate(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode()
