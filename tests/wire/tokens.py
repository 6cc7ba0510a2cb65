"""What is done with tokens at the level of the wire: refresh, introspect, revoke, ask about."""

from typing import Any

import httpx2

from tests.services.running_service import RunningService
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import new_key

REFRESHING = {"grant_types": [CIBA, "refresh_token"]}
API = "https://api.example"
USERS = (
    {
        "sub": "alice",
        "claims": {"name": "Alice Example", "email": "alice@example.org", "email_verified": True},
    },
    {"sub": "bob"},
)


def resource_server(client_id: str = "api", *resources: str, **metadata: Any) -> WireClient:
    """A client that may ask about tokens for ``resources``, and nothing else."""
    registration = {
        "grant_types": [],
        "backchannel_token_delivery_mode": None,
        "protected_resources": list(resources or [API]),
        **metadata,
    }
    return WireClient(client_id, key=new_key(kid=client_id), metadata=registration)


async def granted(client: WireClient, phone: WirePhone, **claims: Any) -> dict[str, Any]:
    """The tokens of a request that was approved."""
    auth_req_id = await client.started(**claims)
    await phone.approve_next()
    answer = await client.poll(auth_req_id)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def refresh(client: WireClient, refresh_token: str, **changed: str) -> httpx2.Response:
    """A token request of the refresh grant."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **client.credentials()}
    return await client.post("/token", {**form, **changed})


async def introspect(client: WireClient, token: str, **changed: str) -> httpx2.Response:
    """A question about a token."""
    return await client.post("/introspect", {"token": token, **client.credentials(), **changed})


async def is_active(client: WireClient, token: str) -> bool:
    """What a resource server is told; of an inactive token nothing else."""
    answer = await introspect(client, token)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["active"] or told == {"active": False}
    return bool(told["active"])


async def revoke(client: WireClient, token: str, **changed: str) -> httpx2.Response:
    """A token given back."""
    return await client.post("/revoke", {"token": token, **client.credentials(), **changed})


async def userinfo(
    service: RunningService, token: str, *, scheme: str = "Bearer", method: str = "GET"
) -> httpx2.Response:
    """A question about the user."""
    headers = {"authorization": f"{scheme} {token}"}
    return await service.http.request(method, "/userinfo", headers=headers)
