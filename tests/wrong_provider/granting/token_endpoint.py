"""The token endpoint: polling and redemption (CIBA sections 10 and 11), and refreshing."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.wrong_provider.clients.authentication import authenticate, not_allowed
from tests.wrong_provider.clients.sender_constraint import binding_of
from tests.wrong_provider.errors import Refusal, invalid_request
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.forms import read_form
from tests.wrong_provider.granting.tokens import Issued, issue
from tests.wrong_provider.provider import Client, Pending, Provider, State

__all__ = ["answer_token_request", "pending_response"]

GRACE = 60
EARLY = 1
STEP = 5


async def answer_token_request(provider: Provider, request: Request) -> Response:
    """Tokens, or why there are none."""
    form = await read_form(provider, request)
    client = authenticate(provider, request, form)
    bound_to = binding_of(provider, client, request)
    match form.get("grant_type"):
        case "urn:openid:params:grant-type:ciba":
            tokens = await _redeem(provider, client, form, bound_to)
        case "refresh_token":
            tokens = _refresh(provider, client, form, bound_to)
        case "password" if provider.has(Fault.OFFERS_PASSWORD_GRANT):
            raise _invalid_grant()
        case None:
            if provider.has(Fault.MISSING_GRANT_AS_500):
                raise Refusal(500, "server_error", "No grant.")
            raise invalid_request("The grant type is missing.")
        case _:
            wrong = provider.has(Fault.UNKNOWN_GRANT_WITH_WRONG_CODE)
            code = "invalid_grant" if wrong else "unsupported_grant_type"
            raise Refusal(400, code, "The grant type is not supported.")
    return _response(provider, tokens)


async def _redeem(
    provider: Provider, client: Client, form: dict[str, str], bound_to: str | None
) -> dict[str, Any]:
    if provider.has(Fault.HOLDS_POLLS_TOO_LONG):
        await provider.time.sleep(40)
    pending = _found(provider, client, form.get("auth_req_id"))
    if pending.client.mode == "push" and not provider.has(Fault.PUSH_CLIENT_MAY_POLL):
        raise not_allowed()
    _verify_state(provider, pending)
    pending.state = State.REDEEMED
    return issue(provider, Issued(client, pending.sub, pending.scope, bound_to, pending.acr))


def _found(provider: Provider, client: Client, auth_req_id: str | None) -> Pending:
    if auth_req_id is None:
        if provider.has(Fault.MISSING_AUTH_REQ_ID_AS_500):
            raise Refusal(500, "server_error", "No request.")
        raise invalid_request("The auth_req_id is missing.")
    pending = provider.pending.get(auth_req_id)
    if pending is None:
        raise _unknown(provider)
    if pending.client.client_id != client.client_id:
        if provider.has(Fault.ANOTHER_CLIENTS_REQUEST_WITH_WRONG_CODE):
            raise not_allowed()
        if provider.has(Fault.ANOTHER_CLIENT_ENDS_THE_REQUEST):
            pending.state = State.REDEEMED
        if not provider.has(Fault.REDEEMABLE_BY_ANOTHER_CLIENT):
            raise _invalid_grant()
    return pending


def _unknown(provider: Provider) -> Refusal:
    if provider.has(Fault.UNKNOWN_AUTH_REQ_ID_AS_500):
        return Refusal(500, "server_error", "No such request.")
    if provider.has(Fault.UNKNOWN_AUTH_REQ_ID_AS_PENDING):
        return _still_pending()
    if provider.has(Fault.UNKNOWN_AUTH_REQ_ID_WITH_WRONG_CODE):
        return Refusal(400, "expired_token", "It has expired.")
    return _invalid_grant()


def _verify_state(provider: Provider, pending: Pending) -> None:
    """Refuse whatever is not approved; tokens are due when this returns."""
    now = provider.time.now()
    too_fast = _poll(provider, pending, now)
    if too_fast and provider.has(Fault.FIRST_POLL_MUST_WAIT):
        raise _slow_down()
    match pending.state:
        case State.REDEEMED if not provider.has(Fault.REDEEMABLE_TWICE):
            known = not provider.has(Fault.REDEEMED_AS_EXPIRED)
            raise _invalid_grant() if known else _expired(provider)
        case State.DENIED:
            _refuse_denied(provider)
        case State.APPROVED if now >= pending.expires_at + GRACE:
            raise _expired(provider)
        case State.PENDING:
            raise _still_open(provider, pending, now, too_fast=too_fast)
        case _:
            pass


def _still_open(provider: Provider, pending: Pending, now: float, *, too_fast: bool) -> Refusal:
    if now >= pending.expires_at:
        return _expired(provider)
    if not too_fast:
        return _still_pending()
    if provider.has(Fault.FAST_POLLING_ENDS_THE_REQUEST):
        pending.state = State.REDEEMED
    return _slow_down()


def _poll(provider: Provider, pending: Pending, now: float) -> bool:
    """Count a poll; whether it came too early."""
    early = 0 < now < pending.not_before - EARLY
    if provider.has(Fault.SLOW_DOWN_AT_THE_INTERVAL) and pending.not_before:
        early = now < pending.not_before + STEP
    if early and provider.has(Fault.SLOW_DOWN_FOR_EVER):
        pending.interval += 1000
    if early:
        pending.interval += STEP
    pending.not_before = now + pending.interval
    return early and not provider.has(Fault.NO_SLOW_DOWN)


def _refuse_denied(provider: Provider) -> None:
    if provider.has(Fault.DENIED_AND_YET_REDEEMABLE):
        return
    if provider.has(Fault.DENIED_AS_PENDING):
        raise _still_pending()
    if provider.has(Fault.DENIED_AS_INVALID_GRANT):
        raise _invalid_grant()
    status = 403 if provider.has(Fault.DENIED_WITH_STATUS_403) else 400
    raise Refusal(status, "access_denied", "The user has declined.")


def _refresh(
    provider: Provider, client: Client, form: dict[str, str], bound_to: str | None
) -> dict[str, Any]:
    kept = provider.refresh_tokens.get(form.get("refresh_token", ""))
    owned = kept is not None and (
        kept.client.client_id == client.client_id
        or provider.has(Fault.REFRESH_TOKEN_OF_ANOTHER_CLIENT)
    )
    if kept is None or not owned or provider.has(Fault.REFRESH_REFUSED):
        raise _invalid_grant()
    sub = "somebody" if provider.has(Fault.REFRESHED_TOKENS_WITH_OTHER_SUB) else kept.sub
    issued = Issued(client, sub, kept.scope, bound_to, auth_time=kept.auth_time)
    return issue(provider, issued)


def _response(provider: Provider, tokens: dict[str, Any]) -> Response:
    headers = {} if provider.has(Fault.TOKENS_MAY_BE_STORED) else {"Cache-Control": "no-store"}
    if provider.has(Fault.TOKENS_AS_TEXT):
        return PlainTextResponse(JSONResponse(tokens).body, headers=headers)
    return JSONResponse(tokens, headers=headers)


def _still_pending() -> Refusal:
    return Refusal(400, "authorization_pending", "The user has not decided yet.")


def _slow_down() -> Refusal:
    return Refusal(400, "slow_down", "Ask less often.")


def _invalid_grant() -> Refusal:
    return Refusal(400, "invalid_grant", "There is no such request.")


def _expired(provider: Provider) -> Refusal:
    if provider.has(Fault.EXPIRED_AS_INVALID_GRANT):
        return _invalid_grant()
    if provider.has(Fault.EXPIRED_AS_PENDING):
        return _still_pending()
    return Refusal(400, "expired_token", "The request has expired.")


def pending_response(provider: Provider, refusal: Refusal) -> Refusal:
    """A refusal that only says to wait, as the faults have it."""
    if refusal.code != "authorization_pending":
        return refusal
    if provider.has(Fault.PENDING_AS_200):
        return Refusal(200, refusal.code, refusal.description)
    if provider.has(Fault.PENDING_WITH_STATUS_403):
        return Refusal(403, refusal.code, refusal.description)
    return refusal
