"""A client that registers itself, at the level of the wire (RFC 7591, RFC 7592)."""

import hashlib
from typing import Any

import httpx2

from tests.services.running_service import RunningService
from tests.wire.client import CIBA, WireClient
from tests.wire.signing import JoseKey, new_key, public_jwk

INITIAL_ACCESS_TOKEN = "initial-access-token-of-a-shop"


def permission(token: str = INITIAL_ACCESS_TOKEN, **members: Any) -> dict[str, Any]:
    """What the configuration knows of an initial access token."""
    return {"name": "shop", "sha256": hashlib.sha256(token.encode()).hexdigest(), **members}


def registration_section(**members: Any) -> dict[str, Any]:
    """Registration for whoever has the initial access token."""
    section = {
        "enabled": True,
        "profile": "ciba-core",
        "scope": "openid profile",
        "initial_access_tokens": [permission()],
        **members,
    }
    return {name: value for name, value in section.items() if value is not None}


def metadata_of(key: JoseKey, alg: str = "ES256", **changed: Any) -> dict[str, Any]:
    """What a client says of itself; a member set to None is left out."""
    members = {
        "client_name": "Corner shop",
        "grant_types": [CIBA],
        "response_types": [],
        "jwks": {"keys": [public_jwk(key)]},
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": alg,
        "backchannel_token_delivery_mode": "poll",
        "backchannel_authentication_request_signing_alg": alg,
        "id_token_signed_response_alg": alg,
        "backchannel_user_code_parameter": False,
        **changed,
    }
    return {name: value for name, value in members.items() if value is not None}


def bearer(token: str | None) -> dict[str, str]:
    """The header that presents a token."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}


async def register(
    service: RunningService, members: Any, token: str | None = INITIAL_ACCESS_TOKEN
) -> httpx2.Response:
    """Ask to be registered."""
    return await service.http.post("/register", json=members, headers=bearer(token))


async def registered(service: RunningService, **changed: Any) -> tuple[WireClient, dict[str, Any]]:
    """A client that registered, ready to ask, and what it was told."""
    key = new_key(kid="own")
    answer = await register(service, metadata_of(key, **changed))
    assert answer.status_code == 201, answer.text
    told = answer.json()
    client = WireClient(
        told["client_id"],
        key=key,
        issuer=service.issuer,
        clock=service.clock,
        http=service.http,
    )
    return client, told


async def configure(
    service: RunningService,
    method: str,
    told: dict[str, Any],
    members: Any = None,
    *,
    token: str | None = None,
) -> httpx2.Response:
    """Ask the client configuration endpoint, by default with the token that was told."""
    presented = told["registration_access_token"] if token is None else token
    return await service.http.request(
        method, told["registration_client_uri"], json=members, headers=bearer(presented or None)
    )
