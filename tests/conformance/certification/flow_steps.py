"""The common flow of nearly every module: poll twice, approve, collect, verify."""

from typing import Any

import httpx2

from tests.conformance.certification.answers import (
    PENDING,
    Acknowledgement,
    error_of,
    hold_resource,
    hold_token_error,
    token_response,
)
from tests.conformance.certification.bank import Bank
from tests.conformance.certification.id_tokens import IdTokenExpectation, hold_key_set
from tests.conformance.certification.pings import pinged
from tests.conformance.certification.suite_client import SuiteClient


async def poll_twice(bank: Bank, client: SuiteClient, pending: Acknowledgement) -> None:
    """Poll at once and after the interval, while nobody has decided."""
    first = await client.poll(pending.auth_req_id)
    hold_token_error(first, *PENDING)
    bank.clock.advance(pending.delay)
    second = await client.poll(pending.auth_req_id)
    hold_token_error(second, *PENDING)
    if error_of(second) == "slow_down":
        bank.clock.advance(pending.delay + 5)


async def approve(bank: Bank) -> None:
    """The user approves what the phone shows."""
    assert (await bank.phone.approve_next())["type"] == "accepted"


async def collected(bank: Bank, client: SuiteClient, pending: Acknowledgement) -> httpx2.Response:
    """The first answer after the decision that is not a pending one.

    Who polls asks now and then; who is pinged asks once, as soon as the ping has come.
    """
    if client.is_pinged:
        await pinged(bank, client, pending)
        return await client.poll(pending.auth_req_id)
    delay = pending.delay
    for _ in range(20):
        bank.clock.advance(delay)
        answer = await client.poll(pending.auth_req_id)
        if answer.status_code == 200 or error_of(answer) not in PENDING:
            return answer
        hold_token_error(answer, *PENDING)
        delay = min(delay * 1.5, 60)
    raise AssertionError("pending for ever")


async def verified_tokens(
    bank: Bank, client: SuiteClient, pending: Acknowledgement, *, acr: str | None = None
) -> dict[str, Any]:
    """Collect tokens, hold all that is said about them, and use the access token."""
    answer = await collected(bank, client, pending)
    tokens = hold_tokens(bank, client, pending, answer, acr=acr)
    hold_resource(await client.call_resource(tokens), client.resource_headers)
    return tokens


def hold_tokens(
    bank: Bank,
    client: SuiteClient,
    pending: Acknowledgement,
    answer: httpx2.Response,
    *,
    acr: str | None = None,
) -> dict[str, Any]:
    """Hold all that is said about a token response and return it."""
    tokens = token_response(answer)
    hold_key_set(bank.jwks)
    expected = IdTokenExpectation(
        issuer=bank.metadata["issuer"],
        client_id=client.client_id,
        jwks=bank.jwks,
        now=bank.clock.now(),
        auth_req_id=pending.auth_req_id,
        acr=acr,
    )
    expected.verify(tokens)
    return tokens


async def completed(bank: Bank, client: SuiteClient, **claims: Any) -> dict[str, Any]:
    """A whole flow of a client; returns the token response."""
    pending = await bank.acknowledged(client, **claims)
    await poll_twice(bank, client, pending)
    await approve(bank)
    return await verified_tokens(bank, client, pending, acr=claims.get("acr_values"))
