"""``ciba-service serve`` with TLS: an ordinary listener, and one that asks for certificates."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.ports import free_port
from tests.services.service_process import READY_SECONDS, Installation, WallClock
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.unit.protocol.client.certificates.authority import (
    CA,
    Authority,
    common_name,
    issue,
    key,
)
from tests.wire.client import CIBA, WireClient
from tests.wire.signing import claims_of

LONG = (-1, 36_500)
NAME, ROOT_KEY = common_name("root"), key(owner="root")
ROOT = Authority(
    NAME,
    ROOT_KEY,
    issue(NAME, ROOT_KEY, issuer=NAME, signing_key=ROOT_KEY, extensions=(CA,), days=LONG),
)
METADATA = {
    "profile": "fapi-ciba",
    "token_endpoint_auth_method": "tls_client_auth",
    "tls_client_auth_subject_dn": "CN=till",
    "polling_interval": 1,
}


@dataclass
class SecureInstallation(Installation):
    """One with an https issuer."""

    @property
    def issuer(self) -> str:
        """Where it will answer."""
        return f"https://127.0.0.1:{self.port}"


def write_client(directory: Path, certificate: x509.Certificate) -> Path:
    """Certificate and key of a client in one file."""
    private = key(owner="client").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = directory / "client.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
    return file


@dataclass
class Bank:
    """A service on two ports, and who uses it."""

    place: SecureInstallation
    trusted: LoopbackCertificate
    mtls_port: int
    client_file: Path

    @asynccontextmanager
    async def mtls(self, *, shows_certificate: bool = True) -> AsyncIterator[httpx2.AsyncClient]:
        """A connection to the second port."""
        context = ssl.create_default_context(cafile=str(self.trusted.chain))
        if shows_certificate:
            context.load_cert_chain(self.client_file)
        base_url = f"https://127.0.0.1:{self.mtls_port}"
        async with httpx2.AsyncClient(
            base_url=base_url, verify=context, timeout=READY_SECONDS
        ) as http:
            yield http


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    """Started, with keys that were made by command."""
    trusted = LoopbackCertificate.write(tmp_path)
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    port, mtls_port = free_port(), free_port()
    issuer = f"https://127.0.0.1:{port}"
    context = ssl.create_default_context(cafile=str(trusted.chain))
    async with httpx2.AsyncClient(base_url=issuer, verify=context, timeout=READY_SECONDS) as http:
        till = WireClient("till", metadata=METADATA, issuer=issuer, clock=WallClock(), http=http)
        place = SecureInstallation(tmp_path, port, http, till)
        place.configure(
            server={"tls_certificate": str(trusted.chain), "tls_key": str(trusted.key)},
            mtls={
                "base_url": f"https://127.0.0.1:{mtls_port}",
                "port": mtls_port,
                "authorities": str(authorities),
            },
            resource={"enabled": True, "accounts_scope": "openid"},
        )
        try:
            assert (await place.command("keys", "generate")).status == 0
            await place.serve()
            client_file = write_client(tmp_path, ROOT.issue("till", days=LONG))
            yield Bank(place, trusted, mtls_port, client_file)
        finally:
            for process in place.processes:
                if process.returncode is None:
                    process.kill()
                    await process.wait()


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code."""
    return answer.status_code, answer.json()["error"]


@pytest.mark.clause("rfc8705-2-1", "rfc8705-3-1", "rfc8705-3-2", "rfc8705-5-1")
async def test_a_certificate_from_request_to_resource(bank: Bank):
    """The aliases lead to the port that asks; token and userinfo hold to the certificate."""
    document = (await bank.place.http.get("/.well-known/openid-configuration")).json()
    aliases = document["mtls_endpoint_aliases"]
    made = (await bank.place.command("users", "activate", "alice", "--json")).json()
    phone = await bank.place.phone().enrol(
        made["activation_code"], second_secret=made["second_secret"]
    )
    till, identity = bank.place.till, {"client_id": "till"}
    async with bank.mtls() as certified, bank.mtls(shows_certificate=False) as bare:
        request = {**identity, "request": till.request_object()}
        refused = await bare.post(aliases["backchannel_authentication_endpoint"], data=request)
        assert refusal(refused) == (401, "invalid_client")
        started = await certified.post(aliases["backchannel_authentication_endpoint"], data=request)
        form = {**identity, "grant_type": CIBA, "auth_req_id": started.json()["auth_req_id"]}
        assert refusal(await bare.post(aliases["token_endpoint"], data=form)) == (
            401,
            "invalid_client",
        )
        pending = await certified.post(aliases["token_endpoint"], data=form)
        assert refusal(pending) == (400, "authorization_pending")
        assert (await phone.approve_next())["type"] == "accepted"
        tokens = (await certified.post(aliases["token_endpoint"], data=form)).json()
        assert claims_of(tokens["access_token"])["cnf"].keys() == {"x5t#S256"}
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        told = await certified.get(aliases["userinfo_endpoint"], headers=bearer)
        assert (told.status_code, told.json()["sub"]) == (200, "alice")
        stolen = await bare.get(aliases["userinfo_endpoint"], headers=bearer)
        assert refusal(stolen) == (401, "invalid_token")
        read = await certified.get("/resource/accounts", headers=bearer)
        assert (read.status_code, len(read.json()["accounts"])) == (200, 2)
        assert read.headers["date"]
        assert refusal(await bare.get("/resource/accounts", headers=bearer)) == (
            401,
            "invalid_token",
        )


@pytest.mark.clause("oidd-3-2", "fapi1-p2-8.9-1", "fapi2-sp-5.4.2-1")
async def test_the_key_set_is_had_over_tls_only(bank: Bank):
    """Its address begins with https, and plain http gets no answer from either port."""
    document = (await bank.place.http.get("/.well-known/openid-configuration")).json()
    assert document["jwks_uri"] == f"{bank.place.issuer}/jwks"
    keys = (await bank.place.http.get(document["jwks_uri"])).json()["keys"]
    assert {key["use"] for key in keys} == {"sig"}
    assert {key["kty"] for key in keys} == {"EC", "RSA", "OKP"}
    assert not any({"d", "p", "q", "dp", "dq", "qi", "k"} & key.keys() for key in keys)
    async with httpx2.AsyncClient(timeout=READY_SECONDS) as plain:
        for port in (bank.place.port, bank.mtls_port):
            with pytest.raises(httpx2.TransportError):
                await plain.get(f"http://127.0.0.1:{port}/jwks")


@pytest.mark.parametrize("port", ["ordinary", "mtls"])
async def test_both_speak_tls_1_3_only_by_default(bank: Bank, port: str):
    """An older version ends in an alert and not in silence."""
    number = bank.place.port if port == "ordinary" else bank.mtls_port
    context = ssl.create_default_context(cafile=str(bank.trusted.chain))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with httpx2.AsyncClient(verify=context) as http:
        with pytest.raises(httpx2.ConnectError, match=r"(?i)alert protocol.version"):
            await http.get(f"https://127.0.0.1:{number}/healthz")
