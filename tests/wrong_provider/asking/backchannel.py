"""The backchannel authentication endpoint (CIBA section 7)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.wrong_provider import liberties
from tests.wrong_provider.asking.parameters import (
    acr,
    asked_user,
    expiry,
    notification_token,
    scope,
    verify_binding_message,
    verify_unknown,
)
from tests.wrong_provider.asking.request_objects import asked_parameters
from tests.wrong_provider.clients.authentication import authenticate
from tests.wrong_provider.clients.sender_constraint import binding_of
from tests.wrong_provider.deciding.callbacks import notify, tell_of_expiry
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.forms import read_form
from tests.wrong_provider.provider import Pending, Provider, State

__all__ = ["acknowledge"]

INTERVAL = 5


async def acknowledge(provider: Provider, request: Request) -> Response:
    """Refuse the request, or acknowledge it and let it wait for the user."""
    form = await read_form(provider, request)
    client = authenticate(provider, request, form)
    asked = asked_parameters(provider, client, form)
    verify_unknown(provider, asked)
    lifetime = expiry(provider, asked)
    pending = Pending(
        auth_req_id=provider.new_auth_req_id(),
        client=client,
        notification_token=notification_token(provider, client, asked),
        scope=scope(provider, asked),
        expires_at=provider.time.now() + lifetime,
        interval=INTERVAL,
        bound_to=binding_of(provider, client, request) if client.mode == "push" else None,
        sub="",
        acr=acr(provider, asked),
    )
    verify_binding_message(provider, asked)
    pending.sub = asked_user(provider, client, asked).sub
    provider.pending[pending.auth_req_id] = pending
    await _prepare(provider, pending)
    return _acknowledgement(provider, pending, lifetime)


async def _prepare(provider: Provider, pending: Pending) -> None:
    """What happens unless the user decides, and what faults have happen before that."""
    if provider.has(Fault.FIRST_POLL_MUST_WAIT):
        pending.not_before = provider.time.now() + pending.interval
    if provider.has(Fault.TOKENS_BEFORE_DECISION):
        pending.state = State.APPROVED
    if provider.has(Fault.PING_WITHOUT_APPROVAL) or provider.has(Fault.PUSH_WITHOUT_APPROVAL):
        await notify(provider, pending)
    if pending.client.mode == "push":
        provider.alarms.append((pending.expires_at, lambda: tell_of_expiry(provider, pending)))


def _acknowledgement(provider: Provider, pending: Pending, lifetime: int) -> Response:
    body: dict[str, Any] = {"auth_req_id": pending.auth_req_id, "expires_in": lifetime}
    if pending.client.mode != "push" or provider.has(Fault.INTERVAL_FOR_PUSH):
        body["interval"] = pending.interval
    changes: dict[Fault, dict[str, Any]] = {
        Fault.EXPIRES_IN_AS_STRING: {"expires_in": str(lifetime)},
        Fault.EXPIRES_IN_ZERO: {"expires_in": 0},
        Fault.EXPIRES_IN_MISSING: {"expires_in": None},
        Fault.INTERVAL_NEGATIVE: {"interval": -5},
        Fault.INTERVAL_AS_STRING: {"interval": str(INTERVAL)},
        Fault.ACKNOWLEDGES_WITHOUT_ID: {"auth_req_id": None},
    }
    for fault, change in changes.items():
        if provider.has(fault):
            body.update(change)
    body = {name: value for name, value in body.items() if value is not None}
    if provider.differently:
        body = liberties.acknowledgement(body)
    status = 201 if provider.has(Fault.ACKNOWLEDGES_WITH_201) else 200
    if provider.has(Fault.ACKNOWLEDGES_AS_TEXT):
        return PlainTextResponse(JSONResponse(body).body, status)
    kept = provider.has(Fault.ACKNOWLEDGEMENT_MAY_BE_STORED)
    return JSONResponse(body, status, {} if kept else {"Cache-Control": "no-store"})
