"""Certificates that prove nobody, shown in the handshake itself (RFC 8705 2, RFC 5280)."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.conformance.certification.answers import hold_backchannel_error, hold_token_client_error
from tests.conformance.certification.bank import Bank
from tests.conformance.certification.flow_steps import approve, verified_tokens
from tests.conformance.certification.plan_clients import AUTHORITY, client_key
from tests.conformance.certification.suite_client import Certified, Method, Variant
from tests.unit.listening.tls.listeners import ALWAYS, authority
from tests.unit.protocol.client.certificates.authority import (
    Extension,
    common_name,
    issue,
    purposes,
)

EXPIRED, NOT_YET = (-100, -1), (30_000, 36_500)
MTLS, PRIVATE_KEY_JWT = (
    pytest.mark.parametrize(
        "variant",
        [Variant(method) for method in Method if method.is_mtls is by_certificate],
        indirect=True,
        ids=str,
    )
    for by_certificate in (True, False)
)
SERVER = purposes(ExtendedKeyUsageOID.SERVER_AUTH)


def shown(
    directory: Path,
    *,
    signer: str | None = AUTHORITY,
    name: str = "client-1",
    days: tuple[float, float] = ALWAYS,
    extension: Extension | None = None,
) -> Certified:
    """A certificate of client 1's key; without ``signer`` it is signed by itself."""
    own, subject = client_key("client-1"), common_name(name)
    root = None if signer is None else authority(signer)
    certificate = issue(
        subject,
        own.private_key,  # type: ignore[arg-type]
        issuer=subject if root is None else root.name,
        signing_key=own.private_key if root is None else root.signing_key,  # type: ignore[arg-type]
        days=days,
        extensions=() if extension is None else (extension,),
    )
    directory.mkdir(exist_ok=True)
    file = directory / "shown.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM) + own.as_pem(private=True))
    return Certified(certificate, file)


def bad_certificates(method: Method, directory: Path) -> dict[str, Certified]:
    """What must prove nobody where a certificate is the authentication."""
    signer = AUTHORITY if method is Method.TLS_CLIENT_AUTH else None
    bad = {
        "expired": shown(directory / "1", signer=signer, days=EXPIRED),
        "not-yet-valid": shown(directory / "2", signer=signer, days=NOT_YET),
        "of-another-authority": shown(directory / "3", signer="another"),
        "signed-anew-by-itself": shown(directory / "4", signer=None, days=(-1, 36_500)),
    }
    if method is Method.TLS_CLIENT_AUTH:
        bad["of-a-server"] = shown(directory / "5", extension=SERVER)
        bad["of-another-name"] = shown(directory / "6", name="client-1.attacker")
    return bad


async def hold_refused(bank: Bank, name: str, certificate: Certified, auth_req_id: str) -> None:
    """Hold that client 1 is not recognised by this certificate, at either endpoint."""
    client = bank.client
    client.http = await bank.connection(certificate)
    started = await client.ask()
    assert (name, started.status_code) == (name, 401)
    hold_backchannel_error(started, "invalid_client", 401)
    hold_token_client_error(await client.poll(auth_req_id), "invalid_client")


@MTLS
@pytest.mark.clause("rfc8705-2.1-1", "rfc8705-2.2-1", "rfc8705-2-3")
async def test_a_certificate_that_proves_nobody_is_answered_in_json(bank: Bank, tmp_path: Path):
    """Out of its dates, of another authority, name or purpose: 401, and the request lives on."""
    client = bank.client
    right, pending = client.http, await bank.acknowledged(client)
    for name, certificate in bad_certificates(bank.variant.method, tmp_path).items():
        await hold_refused(bank, name, certificate, pending.auth_req_id)
    client.http = right
    await approve(bank)
    await verified_tokens(bank, client, pending)


@PRIVATE_KEY_JWT
@pytest.mark.parametrize("days", [EXPIRED, NOT_YET], ids=["expired", "not-yet-valid"])
async def test_no_token_is_bound_to_a_certificate_out_of_its_dates(
    bank: Bank, tmp_path: Path, days: tuple[float, float]
):
    """It is as if none were shown: invalid_request, and no word of what is pending."""
    client = bank.client
    right, pending = client.http, await bank.acknowledged(client)
    await approve(bank)
    client.http = await bank.connection(shown(tmp_path, days=days))
    hold_token_client_error(await client.poll(pending.auth_req_id), "invalid_request")
    client.http = right
    await verified_tokens(bank, client, pending)
