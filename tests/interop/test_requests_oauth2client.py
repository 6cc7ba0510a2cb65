"""A client that others wrote, PyPI's requests_oauth2client, through whole flows on both ports.

It reads no more of a challenge than its beginning, takes the requirement of a nonce from the answer
alone, and sends what it was given: what it gets along with, much else will.
"""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import pytest
import pytest_asyncio
import requests
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate
from jwskate import Jwk, JwkSet, SignedJwt
from requests_oauth2client import (
    AccessDenied,
    AuthorizationPending,
    BackChannelAuthenticationResponse,
    BearerToken,
    DPoPToken,
    InvalidGrant,
    OAuth2Client,
    PrivateKeyJwt,
    PublicApp,
)

from tests.interop.bank import Bank, running_bank
from tests.services.service_process import WallClock
from tests.wire.signing import claims_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bank(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bank]:
    """One service for all of them that run in this process."""
    async with running_bank(tmp_path_factory.mktemp("bank")) as running:
        yield running


@dataclass(frozen=True)
class Till:
    """The library as one of the clients, each of its calls in a thread."""

    bank: Bank
    client_id: str
    metadata: dict[str, Any]
    library: OAuth2Client
    session: requests.Session

    @classmethod
    async def of(cls, bank: Bank, client_id: str, **options: Any) -> Self:
        """Discover the service, and authenticate by the client's key."""
        session = opened(bank)
        metadata = await discovered(bank, session)
        client = bank.clients[client_id]
        key = Jwk(client.key.as_dict(private=True))
        auth = PrivateKeyJwt(client_id, key, alg=client.alg, aud=metadata["issuer"])
        library = known(metadata, session, auth=auth, **options)
        return cls(bank, client_id, metadata, library, session)

    @classmethod
    async def certified(cls, bank: Bank, client_id: str, certificate: Path) -> Self:
        """Discover the aliases, and authenticate by the client's certificate."""
        session = opened(bank)
        session.cert = str(certificate)
        metadata = await discovered(bank, session)
        metadata |= metadata["mtls_endpoint_aliases"]
        library = known(metadata, session, auth=PublicApp(client_id))
        return cls(bank, client_id, metadata, library, session)

    async def ask(self, message: str, **more: Any) -> BackChannelAuthenticationResponse:
        """Send an authentication request for Alice, in a form."""
        return await asyncio.to_thread(
            self.library.backchannel_authentication_request,
            scope="openid profile",
            login_hint="alice@example.org",
            binding_message=message,
            **more,
        )

    async def ask_signed(self, message: str, **more: Any) -> BackChannelAuthenticationResponse:
        """Send a signed one, with the claims of FAPI-CIBA 5.2.2."""
        now, client = WallClock().now(), self.bank.clients[self.client_id]
        return await self.ask(
            message,
            private_jwk=client.key.as_dict(private=True),
            alg=client.alg,
            iss=self.client_id,
            aud=self.metadata["issuer"],
            iat=now,
            nbf=now,
            exp=now + 120,
            jti=str(uuid4()),
            **more,
        )

    async def collect(self, asked: BackChannelAuthenticationResponse) -> BearerToken:
        """Ask the token endpoint once."""
        return await asyncio.to_thread(self.library.ciba, asked)

    async def refresh(self, tokens: BearerToken) -> BearerToken:
        """Use the refresh token."""
        return await asyncio.to_thread(self.library.refresh_token, tokens)

    async def userinfo(self, tokens: BearerToken) -> requests.Response:
        """Present the access token as the library does."""
        address = self.metadata["userinfo_endpoint"]
        return await asyncio.to_thread(self.session.get, address, auth=tokens)

    async def verified(self, tokens: BearerToken) -> dict[str, Any]:
        """The claims of the ID token, which one of the published keys signed."""
        answer = await asyncio.to_thread(self.session.get, self.metadata["jwks_uri"])
        id_token = SignedJwt(str(tokens.id_token))
        assert id_token.verify_signature(JwkSet(answer.json()), algs=["ES256", "PS256", "EdDSA"])
        return dict(id_token.claims)


def opened(bank: Bank) -> requests.Session:
    """Whom the bank trusts, whatever the environment says."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(bank.trusted.chain)
    return session


async def discovered(bank: Bank, session: requests.Session) -> dict[str, Any]:
    """The metadata, as anybody reads it."""
    address = f"{bank.place.issuer}/.well-known/openid-configuration"
    return dict((await asyncio.to_thread(session.get, address)).json())


def known(metadata: dict[str, Any], session: requests.Session, **options: Any) -> OAuth2Client:
    """The library's client; it leaves the backchannel endpoint of the metadata alone."""
    return OAuth2Client.from_discovery_document(
        metadata,
        session=session,
        testing=True,  # a port of 127.0.0.1
        backchannel_authentication_endpoint=metadata["backchannel_authentication_endpoint"],
        **options,
    )


@pytest.mark.clause("ciba-7.3-1", "ciba-10.1.1-1", "ciba-11-2")
async def test_an_unsigned_request_of_ciba_core(bank: Bank):
    """Pending, tokens, userinfo, refresh, introspection and revocation."""
    till = await Till.of(bank, "shop")
    asked = await till.ask("REQUESTS SHOP")
    assert (asked.interval, asked.is_expired()) == (1, False)
    with pytest.raises(AuthorizationPending):
        await till.collect(asked)
    await bank.approve("REQUESTS SHOP")
    tokens = await till.collect(asked)
    claims = await till.verified(tokens)
    assert (claims["aud"], claims["sub"]) == ("shop", "alice")
    refreshed = await till.refresh(tokens)
    assert (await till.userinfo(refreshed)).json() == {"sub": "alice", "name": "Alice Example"}
    told = await asyncio.to_thread(till.library.introspect_token, refreshed.access_token)
    assert (told["active"], told["client_id"]) == (True, "shop")
    assert await asyncio.to_thread(till.library.revoke_access_token, refreshed.access_token)
    told = await asyncio.to_thread(till.library.introspect_token, refreshed.access_token)
    assert told == {"active": False}


@pytest.mark.parametrize("alg", ["PS256", "EdDSA"])
@pytest.mark.clause(
    "ciba-7.3-1", "ciba-10.1.1-1", "fapi2-sp-5.3.2.1-10", "rfc9449-5-2", "rfc9449-6.1-1",
    "rfc9449-7.1-1", "rfc9449-8-1", "rfc9449-9-1",
)  # fmt: skip
async def test_a_signed_request_and_tokens_bound_by_dpop(bank: Bank, alg: str):
    """The nonces of the token endpoint and of the resource are learnt from their refusals."""
    till = await Till.of(bank, f"speaker-{alg.lower()}", dpop_bound_access_tokens=True)
    asked = await till.ask_signed(f"REQUESTS {alg}")
    with pytest.raises(AuthorizationPending):
        await till.collect(asked)
    await bank.approve(f"REQUESTS {alg}")
    tokens = await till.collect(asked)
    assert isinstance(tokens, DPoPToken)
    assert (await till.verified(tokens))["sub"] == "alice"
    bound = claims_of(tokens.access_token)["cnf"]["jkt"]
    assert bound == tokens.dpop_key.dpop_jkt
    assert (await till.userinfo(tokens)).json()["sub"] == "alice"
    refreshed = await till.refresh(tokens)
    assert (await till.userinfo(refreshed)).json()["sub"] == "alice"


@pytest.mark.clause("rfc8705-2-3", "rfc8705-3-1", "rfc8705-5-1")
async def test_a_certificate_at_the_aliases(bank: Bank, tmp_path: Path):
    """It proves the client, and binds the tokens."""
    shown = tmp_path / "kiosk.pem"
    shown.write_text(bank.certificates["kiosk"], "utf-8")
    till = await Till.certified(bank, "kiosk", shown)
    asked = await till.ask_signed("REQUESTS KIOSK")
    await bank.approve("REQUESTS KIOSK")
    tokens = await till.collect(asked)
    certificate = load_pem_x509_certificate(shown.read_bytes())
    digest = urlsafe_b64encode(certificate.fingerprint(SHA256())).rstrip(b"=").decode()
    assert claims_of(tokens.access_token)["cnf"] == {"x5t#S256": digest}
    assert (await till.userinfo(tokens)).json()["sub"] == "alice"


@pytest.mark.clause("ciba-11-4")
async def test_a_denial(bank: Bank):
    """The library has an error of its own for it, and for what is no request any more."""
    till = await Till.of(bank, "shop")
    asked = await till.ask("REQUESTS DENIED")
    await bank.deny("REQUESTS DENIED")
    with pytest.raises(AccessDenied):
        await till.collect(asked)
    with pytest.raises(InvalidGrant):
        await asyncio.to_thread(till.library.ciba, "no-such-request")
