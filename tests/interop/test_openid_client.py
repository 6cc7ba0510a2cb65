"""A client that others wrote, npm's openid-client, through whole flows on both TLS ports."""

import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from tests.interop.bank import ROOT, Bank, pem, running_bank
from tests.interop.node_program import NodeProgram
from tests.unit.protocol.client.certificates.authority import key
from tests.wire.signing import claims_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bank(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bank]:
    """One service for all of them that run in this process."""
    async with running_bank(tmp_path_factory.mktemp("bank")) as running:
        yield running


def thumbprint(certificate: str) -> str:
    """RFC 8705 3.1, of a certificate in PEM."""
    digest = load_pem_x509_certificate(certificate.encode()).fingerprint(SHA256())
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


async def refusals_until_tokens(program: NodeProgram) -> list[str]:
    """The errors of the token endpoint until it answers 200; every answer brings a nonce."""
    refusals = []
    while (answered := await program.next("answered"))["status"] != 200:
        refusals.append(answered["error"])
        assert (answered["status"], answered["brings_nonce"]) == (400, True)
    assert answered["brings_nonce"]
    return refusals


@pytest.mark.parametrize(("alg", "proof_alg"), [("PS256", "ES256"), ("EdDSA", "PS256")])
@pytest.mark.clause(
    "ciba-7.3-1", "ciba-10.1.1-1", "fapi2-sp-5.3.2.1-10", "rfc9449-5-2", "rfc9449-6.1-1",
    "rfc9449-7.2-1", "rfc9449-8-1", "rfc9449-8.2-1",
)  # fmt: skip
async def test_a_signed_request_and_tokens_bound_by_dpop(bank: Bank, alg: str, proof_alg: str):
    """Assertion, request, proofs and their nonces, ID token, userinfo and refresh all hold."""
    message = f"DPOP {alg}"
    async with bank.program(
        "dpop", f"speaker-{alg.lower()}", message, proof_alg=proof_alg
    ) as program:
        jkt = (await program.next("proving"))["jkt"]
        started = await program.next("acknowledged")
        assert started["interval"] == 1
        await bank.approve(message)
        first, *others = await refusals_until_tokens(program)
        assert first == "use_dpop_nonce"
        assert set(others) <= {"authorization_pending"}
        tokens = await program.next("tokens")
        assert (tokens["token_type"], tokens["claims"]["sub"]) == ("dpop", "alice")
        told = {"sub": "alice", "name": "Alice Example"}
        assert await program.next("userinfo") == told
        assert await refusals_until_tokens(program) == []
        refreshed = await program.next("refreshed")
        assert refreshed["claims"]["sub"] == "alice"
        assert await program.next("userinfo") == told
        for each in (tokens, refreshed):
            assert claims_of(each["access_token"])["cnf"] == {"jkt": jkt}
        without = await program.next("without_proof")
        assert without["status"] == 401
        assert "dpop" in [challenge["scheme"] for challenge in without["challenges"]]
        await program.next("done")


@pytest.mark.parametrize("client_id", ["till", "kiosk"])
@pytest.mark.clause(
    "rfc8705-2-3", "rfc8705-3-1", "rfc8705-3-2", "rfc8705-3.1-1", "rfc8705-5-1",
    "fapi2-sp-5.2.2-2",
)  # fmt: skip
async def test_a_certificate_at_the_aliases(bank: Bank, client_id: str):
    """By a name that an authority confirmed or by itself, it proves the client and binds tokens."""
    message, own = f"CERTIFICATE {client_id}", key(owner="other")
    another = pem(ROOT.issue("other", own, days=(-1, 36_500)), own)
    async with bank.program(
        "certificate", client_id, message, another_certificate=another
    ) as program:
        await program.next("acknowledged")
        await bank.approve(message)
        tokens = await program.next("tokens")
        assert (tokens["token_type"], tokens["claims"]["sub"]) == ("bearer", "alice")
        bound = claims_of(tokens["access_token"])["cnf"]
        assert bound == {"x5t#S256": thumbprint(bank.certificates[client_id])}
        assert await program.next("userinfo") == {"sub": "alice", "name": "Alice Example"}
        stolen = await program.next("stolen")
        assert stolen["status"] == 401
        assert "invalid_token" in {
            challenge["parameters"].get("error") for challenge in stolen["challenges"]
        }
        assert await program.next("refused") == {"status": 401, "error": "invalid_client"}
        await program.next("done")


async def notified(program: NodeProgram, started: dict[str, Any]) -> None:
    """Hold that the one notification is for this request, and authenticated by its token."""
    ping = await program.next("notified")
    assert (ping["method"], ping["url"]) == ("POST", "/ping")
    assert ping["content_type"] == "application/json"
    assert ping["authorization"] == f"Bearer {started['client_notification_token']}"
    assert json.loads(ping["body"]) == {"auth_req_id": started["auth_req_id"]}


@pytest.mark.clause(
    "ciba-9-2", "ciba-10.1.1-1", "ciba-10.2-1", "ciba-10.2-3", "fapi-ciba-5.2.2-5",
    "fapi-ciba-7.8-1",
)  # fmt: skip
async def test_a_ping_and_then_the_tokens(bank: Bank):
    """It asks nothing until it was called back at its TLS endpoint, and collects at once then."""
    async with bank.program("ping", "radio", "PING") as program:
        started = await program.next("acknowledged")
        await bank.approve("PING")
        await notified(program, started)
        assert await refusals_until_tokens(program) == ["use_dpop_nonce"]
        tokens = await program.next("tokens")
        assert (tokens["token_type"], tokens["claims"]["sub"]) == ("dpop", "alice")
        assert tokens["claims"]["aud"] == "radio"
        assert (await program.next("userinfo"))["sub"] == "alice"
        await program.next("done")


@pytest.mark.clause("ciba-10.2-1", "ciba-11-4")
async def test_a_ping_after_a_denial(bank: Bank):
    """The notification says nothing of it; the token endpoint does."""
    async with bank.program("ping", "radio", "PING DENIED") as program:
        started = await program.next("acknowledged")
        await bank.deny("PING DENIED")
        await notified(program, started)
        assert (await program.next("answered"))["error"] == "use_dpop_nonce"
        assert (await program.next("answered"))["error"] == "access_denied"
        failed = await program.next("failed")
        assert (failed["name"], failed["error"]) == ("ResponseBodyError", "access_denied")


@pytest.mark.clause("ciba-7.3-1", "ciba-10.1.1-1")
async def test_an_unsigned_request_of_ciba_core(bank: Bank):
    """A form is enough where the client registered so; its tokens can be asked about and ended."""
    async with bank.program("unsigned", "shop", "UNSIGNED") as program:
        await program.next("acknowledged")
        await bank.approve("UNSIGNED")
        tokens = await program.next("tokens")
        assert (tokens["token_type"], tokens["claims"]["aud"]) == ("bearer", "shop")
        assert (await program.next("userinfo"))["sub"] == "alice"
        told = await program.next("introspected")
        assert (told["active"], told["client_id"]) == (True, "shop")
        assert await program.next("introspected") == {"active": False}
        await program.next("done")
