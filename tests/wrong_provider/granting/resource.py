"""The protected resource: userinfo, as FAPI wants resources to behave."""

import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.wrong_provider.clients.certificates import certificate_of, thumbprint
from tests.wrong_provider.clients.sender_constraint import proven_key
from tests.wrong_provider.errors import Refusal
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.provider import Provider, Tokens

__all__ = ["userinfo"]

INTERACTION = "x-fapi-interaction-id"


async def userinfo(provider: Provider, request: Request) -> Response:
    """Who the token is about."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not token and provider.has(Fault.RESOURCE_ACCEPTS_TOKEN_IN_QUERY):
        scheme, token = "Bearer", request.query_params.get("access_token", "")
    if not token and not provider.has(Fault.RESOURCE_ACCEPTS_NO_TOKEN):
        raise Refusal(401, "invalid_token", "There is no token.")
    sub = _owner(provider, request, scheme, token)
    return JSONResponse({"sub": sub}, headers=_interaction(provider, request))


def _owner(provider: Provider, request: Request, scheme: str, token: str) -> str:
    kept = provider.access_tokens.get(token)
    if provider.has(Fault.RESOURCE_REFUSES_TOKENS):
        kept = None
    if kept is None or provider.time.now() >= kept.expires_at:
        if provider.has(Fault.RESOURCE_ACCEPTS_ANY_TOKEN) or not token:
            return "anybody"
        raise Refusal(401, "invalid_token", "The token is unknown.")
    if not _presented_by_owner(provider, request, scheme, token, kept):
        raise Refusal(401, "invalid_token", "The token is bound to another key.")
    return kept.sub


def _presented_by_owner(
    provider: Provider, request: Request, scheme: str, token: str, kept: Tokens
) -> bool:
    if kept.bound_to is None or provider.has(Fault.RESOURCE_IGNORES_BINDING):
        return True
    if provider.has(Fault.RESOURCE_ACCEPTS_TOKEN_IN_QUERY) and request.query_params:
        return True
    if kept.client.certificate is not None:
        certificate = certificate_of(request)
        if provider.has(Fault.ACCEPTS_ANOTHER_CLIENTS_CERTIFICATE):
            return True
        return certificate is not None and thumbprint(certificate) == kept.bound_to
    if scheme.lower() != "dpop":
        return False
    try:
        key = proven_key(provider, request, token)
    except Refusal as refusal:
        raise Refusal(401, refusal.code, refusal.description) from None
    return key == kept.bound_to or provider.has(Fault.RESOURCE_ACCEPTS_OTHER_DPOP_KEY)


def _interaction(provider: Provider, request: Request) -> dict[str, str]:
    if provider.has(Fault.RESOURCE_WITHOUT_INTERACTION_ID):
        return {}
    if provider.has(Fault.RESOURCE_WITH_OTHER_INTERACTION_ID):
        return {INTERACTION: str(uuid.uuid4())}
    return {INTERACTION: request.headers.get(INTERACTION, str(uuid.uuid4()))}
