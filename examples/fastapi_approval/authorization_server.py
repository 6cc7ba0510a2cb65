"""An authorization server of its own, on FastAPI, that takes only the approval from ciba-service.

Run it with ``uvicorn --factory examples.fastapi_approval.authorization_server:create_server``
(README.md).
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from ciba_service.embedding import Doors, NoGrant, create_service
from examples.fastapi_approval.clients import Clients
from examples.fastapi_approval.tokens import Tokens, now

SETTINGS: Final = Path(__file__).with_name("ciba.toml")
CIBA: Final = "urn:openid:params:grant-type:ciba"
LARGEST_FORM: Final = 65_536


def create_server(settings: Mapping[str, Any] | None = None) -> FastAPI:
    """The server; ``settings`` are those of the approval backend, as in ciba.toml."""
    settings = settings or tomllib.loads(SETTINGS.read_text("utf-8"))
    ciba = create_service(settings, doors=Doors.APPROVAL_BACKEND)
    issuer = ciba.settings.server.issuer
    clients, tokens = Clients(settings["clients"], audience=issuer, now=now), Tokens(issuer)
    server = FastAPI(lifespan=ciba.lifespan, openapi_url=None)

    @server.get("/.well-known/openid-configuration")
    def metadata() -> dict[str, object]:
        return {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "backchannel_authentication_endpoint": ciba.backchannel_authentication_endpoint,
            "backchannel_token_delivery_modes_supported": ["poll"],
            "grant_types_supported": [CIBA],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }

    @server.get("/jwks")
    def jwks() -> dict[str, object]:
        return tokens.jwks

    @server.post("/token")
    async def token(request: Request) -> JSONResponse:
        form = await posted(request)
        if form is None:
            return answer(400, {"error": "invalid_request"})
        client_id = clients.authenticated(form.get("client_assertion", ""))
        if client_id is None:
            return answer(401, {"error": "invalid_client"})
        if form.get("grant_type") != CIBA:
            return answer(400, {"error": "unsupported_grant_type"})
        # All of CIBA is in this call: whose request it is, what became of it, how often it may be
        # asked about, whether phone and user are still in order, and that there is one grant.
        granted = await ciba.grants.redeem(client_id, form.get("auth_req_id", ""))
        if isinstance(granted, NoGrant):
            return answer(400, {"error": granted.error.error})
        return answer(200, tokens.answer(granted))

    # Last: whatever the server has no route for belongs to phones, and to clients that ask.
    server.router.routes.extend(ciba.routes)
    return server


async def posted(request: Request) -> dict[str, str] | None:
    """The form, if it is not too long and names each parameter once (RFC 6749 3.2)."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            return None
    pairs = parse_qsl(body.decode("ascii", "replace"))
    form = dict(pairs)
    return form if len(form) == len(pairs) else None


def answer(status: int, content: Mapping[str, object]) -> JSONResponse:
    """An answer of the token endpoint, never stored (RFC 6749 5.1)."""
    return JSONResponse(content, status, headers={"cache-control": "no-store"})
