"""Authlib as a client: its assertions name the token endpoint and live for an hour."""

from collections.abc import AsyncIterator
from ssl import create_default_context

import pytest
import pytest_asyncio
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign

from tests.interop.bank import Bank, asked, running_bank
from tests.wire.client import ASSERTION_TYPE, CIBA
from tests.wire.signing import claims_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bank(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bank]:
    """One service for all of them that run in this process."""
    async with running_bank(tmp_path_factory.mktemp("bank")) as running:
        yield running


@pytest.mark.clause("ciba-7.1-2", "ciba-10.1.1-1", "rfc7523-3-5")
async def test_an_unsigned_request_of_ciba_core(bank: Bank):
    """Tokens by the grant of CIBA, and new ones by the refresh token."""
    shop = bank.clients["shop"]
    key = shop.key
    metadata = (await bank.place.http.get("/.well-known/openid-configuration")).json()
    address = metadata["token_endpoint"]
    started = await bank.place.http.post(
        metadata["backchannel_authentication_endpoint"],
        data={
            **asked("AUTHLIB"),
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": private_key_jwt_sign(key, "shop", address, alg=shop.alg),
        },
    )
    await bank.approve("AUTHLIB")
    async with AsyncOAuth2Client(
        "shop",
        key,
        token_endpoint_auth_method=PrivateKeyJWT(address, alg=shop.alg),
        token_endpoint=address,
        verify=create_default_context(cafile=str(bank.trusted.chain)),
    ) as library:
        tokens = await library.fetch_token(
            address, grant_type=CIBA, auth_req_id=started.json()["auth_req_id"]
        )
        assert claims_of(tokens["id_token"])["sub"] == "alice"
        told = await library.get(metadata["userinfo_endpoint"])
        assert told.json() == {"sub": "alice", "name": "Alice Example"}
        refreshed = await library.refresh_token(address)
        assert refreshed["access_token"] != tokens["access_token"]
