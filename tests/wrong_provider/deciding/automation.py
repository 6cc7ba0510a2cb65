"""What decides in the user's place: ``POST /automation?auth_req_id=..&action=allow|deny``."""

from starlette.requests import Request
from starlette.responses import Response

from tests.wrong_provider.deciding.callbacks import notify
from tests.wrong_provider.provider import Provider, State

__all__ = ["decide"]

DECISIONS = {"allow": State.APPROVED, "deny": State.DENIED}


async def decide(provider: Provider, request: Request) -> Response:
    """Decide a request that is pending, and tell its client."""
    pending = provider.pending.get(request.query_params.get("auth_req_id", ""))
    decision = DECISIONS.get(request.query_params.get("action", ""))
    if pending is None or decision is None:
        return Response(status_code=404)
    if pending.state is not State.PENDING or provider.time.now() >= pending.expires_at:
        return Response(status_code=409)
    pending.state = decision
    if provider.differently:
        provider.alarms.append((provider.time.now(), lambda: notify(provider, pending)))
    else:
        await notify(provider, pending)
    return Response(status_code=204)
