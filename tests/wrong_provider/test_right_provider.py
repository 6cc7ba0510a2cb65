"""Without a fault the provider serves an ordinary client in each mode."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from starlette.applications import Starlette

from ciba_client import (
    AccessDenied,
    CibaClient,
    ClientConfiguration,
    NotificationReceiver,
    SignatureAlgorithm,
    SigningKey,
    TokenDeliveryMode,
)
from tests.client_time import ClientTime
from tests.fake_clock import FakeClock
from tests.services.asgi_server import serving
from tests.wire.signing import new_key, public_jwk
from tests.wrong_provider.provider import Client, Provider
from tests.wrong_provider.running import running_provider

MODES = list(TokenDeliveryMode)


@asynccontextmanager
async def _stage(mode: TokenDeliveryMode) -> AsyncIterator[tuple[Provider, CibaClient]]:
    key = new_key(kid="till")
    time = ClientTime(FakeClock())
    receiver = None if mode is TokenDeliveryMode.POLL else NotificationReceiver()
    async with serving(receiver or Starlette()) as endpoint:
        till = Client("till", (public_jwk(key),), "ES256", mode, endpoint, dpop_bound=True)
        async with running_provider([till], time) as provider:
            configuration = ClientConfiguration(
                issuer=provider.issuer,
                client_id="till",
                key=SigningKey(key, SignatureAlgorithm.ES256, "till"),
                backchannel_token_delivery_mode=mode,
                dpop_bound_access_tokens=True,
            )
            async with CibaClient(configuration, clock=time, notifications=receiver) as client:
                yield provider, client


@pytest.mark.parametrize("mode", MODES)
async def test_an_approval_becomes_tokens(mode: TokenDeliveryMode):
    """The client library, which verifies what it gets, gets verified tokens in each mode."""
    async with (
        _stage(mode) as (provider, client),
        client.authenticate(login_hint="alice@example.org") as pending,
    ):
        await _decide(provider, pending.auth_req_id.value, "allow")
        tokens = await pending.tokens()
    assert tokens.id_token.sub == "alice"


@pytest.mark.parametrize("mode", MODES)
async def test_a_denial_is_told(mode: TokenDeliveryMode):
    """The client learns of a denial, and gets nothing."""
    async with (
        _stage(mode) as (provider, client),
        client.authenticate(login_hint="alice@example.org") as pending,
    ):
        await _decide(provider, pending.auth_req_id.value, "deny")
        with pytest.raises(AccessDenied):
            await pending.tokens()
    assert not provider.access_tokens


async def _decide(provider: Provider, auth_req_id: str, action: str) -> None:
    query = {"auth_req_id": auth_req_id, "action": action}
    async with httpx2.AsyncClient() as http:
        answer = await http.post(provider.url("/automation"), params=query)
    assert answer.status_code == 204
