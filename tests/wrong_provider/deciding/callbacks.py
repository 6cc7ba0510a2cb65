"""Ping and push callbacks (CIBA sections 10.2 and 10.3), all sent before the decision is answered.

So whoever decides knows, once it is answered, that nothing is under way any more.
"""

from collections.abc import Mapping
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import Any

import httpx2

from tests.wrong_provider.faults import Fault
from tests.wrong_provider.granting.tokens import Issued, issue
from tests.wrong_provider.provider import Pending, Provider, State

__all__ = ["notify", "tell_of_expiry"]

SECONDS = 5
NO_AUTHORITIES = SSLContext(PROTOCOL_TLS_CLIENT)
"""Clients listen on this machine, without TLS: to load authorities takes longer than a flow."""


async def notify(provider: Provider, pending: Pending) -> None:
    """Tell the client of the decision, as it is registered."""
    match pending.client.mode:
        case "ping":
            await _ping(provider, pending)
        case "push":
            await _push(provider, pending)
        case _:
            pass


async def tell_of_expiry(provider: Provider, pending: Pending) -> None:
    """Push an error when the user has not decided in time (CIBA 12)."""
    if pending.state is not State.PENDING:
        return
    if provider.has(Fault.PUSHES_TOKENS_ON_EXPIRY):
        await _push(provider, pending)
    elif not provider.has(Fault.NO_PUSH):
        await _push_error(provider, pending, pending.notification_token, "expired_token")


async def _ping(provider: Provider, pending: Pending) -> None:
    denied = pending.state is State.DENIED
    if provider.has(Fault.NO_PING) or (denied and provider.has(Fault.NO_PING_ON_DENIAL)):
        return
    body: dict[str, Any] = {"auth_req_id": pending.auth_req_id}
    changes: dict[Fault, dict[str, Any]] = {
        Fault.PING_WITH_MORE_MEMBERS: {"state": str(pending.state)},
        Fault.PING_WITH_TOKENS: {"access_token": "never-by-ping"},
        Fault.PING_WITH_WRONG_ID: {"auth_req_id": "another"},
    }
    for fault, change in changes.items():
        if provider.has(fault):
            body.update(change)
    token = _token(
        provider,
        pending,
        missing=Fault.PING_WITHOUT_TOKEN,
        wrong=Fault.PING_WITH_WRONG_TOKEN,
    )
    status = await _send(provider, pending, body, token)
    if _ends_it(provider, status):
        del provider.pending[pending.auth_req_id]
    if _repeats(provider, status):
        await _send(provider, pending, body, token)


def _ends_it(provider: Provider, status: int) -> bool:
    refused = status in {401, 403} and provider.has(Fault.PING_REFUSED_ENDS_THE_REQUEST)
    failed = status == 500 and provider.has(Fault.PING_FAILED_ENDS_THE_REQUEST)
    answered = status == 200 and provider.has(Fault.PING_ANSWERED_WITH_BODY_ENDS_THE_REQUEST)
    return refused or failed or answered


def _repeats(provider: Provider, status: int) -> bool:
    refused = 400 <= status < 500 and provider.has(Fault.PING_RETRIED_AFTER_4XX)
    taken = status == 204 and provider.has(Fault.PING_RETRIED_AFTER_204)
    return refused or taken


async def _push(provider: Provider, pending: Pending) -> None:
    if provider.has(Fault.NO_PUSH):
        return
    named: dict[str, Any] = {"auth_req_id": pending.auth_req_id}
    token = _token(
        provider,
        pending,
        missing=Fault.PUSH_WITHOUT_TOKEN,
        wrong=Fault.PUSH_WITH_WRONG_TOKEN,
    )
    if pending.state is State.DENIED:
        await _push_error(provider, pending, token, "access_denied")
        return
    issued = Issued(
        pending.client,
        pending.sub,
        pending.scope,
        pending.bound_to,
        pending.acr,
        pushed=pending.auth_req_id,
    )
    tokens = issue(provider, issued)
    pending.state = State.REDEEMED
    if provider.has(Fault.PUSH_WITHOUT_ID):
        named = {}
    tokens.pop("scope")
    status = await _send(provider, pending, {**named, **tokens}, token)
    again = {204: Fault.PUSH_RETRIED_AFTER_204, 200: Fault.PUSH_RETRIED_AFTER_200}
    if status in again and provider.has(again[status]):
        await _send(provider, pending, {**named, **tokens}, token)


async def _push_error(provider: Provider, pending: Pending, token: str | None, code: str) -> None:
    if provider.has(Fault.NO_PUSH_ERROR):
        return
    body: dict[str, Any] = {
        "auth_req_id": pending.auth_req_id,
        "error": code,
        "error_description": "There will be no tokens.",
    }
    if provider.has(Fault.PUSH_ERROR_WITH_WRONG_CODE):
        body["error"] = "authorization_declined"
    if provider.has(Fault.PUSH_ERROR_WITH_TOKENS):
        body["access_token"] = "never-with-an-error"
    if provider.has(Fault.PUSH_ERROR_WITH_QUOTES):
        body["error_description"] = 'They said "no".'
    if provider.has(Fault.PUSH_ERROR_WITHOUT_ID):
        del body["auth_req_id"]
    await _send(provider, pending, body, token)


def _token(provider: Provider, pending: Pending, *, missing: Fault, wrong: Fault) -> str | None:
    if provider.has(missing):
        return None
    return "another" if provider.has(wrong) else pending.notification_token


async def _send(
    provider: Provider, pending: Pending, body: Mapping[str, Any], token: str | None
) -> int:
    """Call the client; the status of its answer, 0 without one."""
    follows = provider.has(Fault.PING_FOLLOWS_REDIRECT) or provider.has(Fault.PUSH_FOLLOWS_REDIRECT)
    as_form = provider.has(Fault.PING_AS_FORM) or provider.has(Fault.PUSH_AS_FORM)
    content: dict[str, Any] = {"data": body} if as_form else {"json": body}
    by_get = provider.has(Fault.PING_BY_GET) or provider.has(Fault.PUSH_BY_GET)
    method = "GET" if by_get else "POST"
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    endpoint = pending.client.notification_endpoint
    assert endpoint is not None
    async with httpx2.AsyncClient(
        verify=NO_AUTHORITIES, timeout=SECONDS, trust_env=False, follow_redirects=follows
    ) as http:
        try:
            answer = await http.request(method, endpoint, headers=headers, **content)
        except httpx2.HTTPError:
            return 0
    return answer.status_code
