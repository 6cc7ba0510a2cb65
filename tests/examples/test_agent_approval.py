"""The agent of ``examples/agent_approval``: what it may do, and what it tries beyond that."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from ciba_client import CibaClient, TokenType
from tests.client_time import ClientTime
from tests.examples.agent import (
    PAYMENT,
    RENT,
    Agent,
    agent_of,
    configuration,
    new_wire_client,
)
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

TOO_MUCH = {**PAYMENT, "instructedAmount": {"currency": "EUR", "amount": "8500.00"}}
TO_ITSELF = {**PAYMENT, "creditorName": "Agent Ltd"}
TO_ANOTHER_ACCOUNT = {**PAYMENT, "creditorAccount": {"iban": "GB82WEST12345698765432"}}
IN_POUNDS = {**PAYMENT, "instructedAmount": {"currency": "GBP", "amount": "850.00"}}


@pytest.fixture
async def bank(run_service: ServiceRunner) -> AsyncIterator[RunningService]:
    """A service with the agent's tool as a client, and the API that executes payments."""
    async with run_service(clients=[new_wire_client()]) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """The phone of the agent's human."""
    return await bank.enrolled_phone("alice")


@pytest.fixture
async def agent(bank: RunningService) -> AsyncIterator[Agent]:
    """An agent with the tool."""
    async with agent_of(bank) as made:
        yield made


def executed(bank: RunningService) -> int:
    """How many payments the bank has executed."""
    return len(bank.telemetry.named("payment_executed"))


@pytest.mark.clause("rfc9396-7-1")
async def test_money_moves_when_the_human_has_approved_it(
    bank: RunningService, alice: WirePhone, agent: Agent
):
    """The phone shows amount and payee that the agent named; nothing moves before."""
    async with agent.transferring(alice) as (call, challenge):
        display = claims_of(challenge)["display"]
        assert (display["amount"], display["payee"]) == ("850.00 EUR", "Housing Ltd")
        assert executed(bank) == 0
        await alice.decide(alice.approval(challenge))
        result = await call
    assert result.outcome == "executed"
    assert result.reason == "850.00 EUR went to Housing Ltd."
    assert result.payment_id == claims_of(challenge)["transaction_id"]
    assert executed(bank) == 1


async def test_a_denial_ends_the_call(bank: RunningService, alice: WirePhone, agent: Agent):
    """The agent is told not to ask again."""
    async with agent.transferring(alice) as (call, challenge):
        await alice.decide(alice.denial(challenge))
        result = await call
    assert (result.outcome, result.reason) == ("declined", "The payer declined. Do not ask again.")
    assert executed(bank) == 0


async def test_silence_ends_the_call(bank: RunningService, alice: WirePhone, agent: Agent):
    """After two minutes; who approves then comes too late."""
    async with agent.transferring(alice) as (call, challenge):
        bank.clock.advance(121)
        result = await call
        assert (await alice.decide(alice.approval(challenge)))["type"] == "refused"
    assert (result.outcome, result.payment_id) == ("expired", None)
    assert executed(bank) == 0


async def test_a_call_that_is_cancelled_is_taken_off_the_phone(
    bank: RunningService, alice: WirePhone, agent: Agent
):
    """An agent that was stopped leaves nothing behind to approve."""
    async with agent.transferring(alice) as (call, challenge):
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert await alice.fetch() == []
    assert (await alice.decide(alice.approval(challenge)))["type"] == "refused"
    assert executed(bank) == 0


async def test_the_token_is_good_for_what_the_human_saw_and_for_nothing_else(
    bank: RunningService, alice: WirePhone, agent: Agent
):
    """More money, another payee, account or currency are refused; then the right one, once."""
    tokens = await agent.tokens(alice)
    for attempt in (TOO_MUCH, TO_ITSELF, TO_ANOTHER_ACCOUNT, IN_POUNDS):
        assert await agent.pay(tokens, attempt) == (403, "insufficient_scope")
    assert executed(bank) == 0
    assert await agent.pay(tokens) == (201, None)
    assert await agent.pay(tokens) == (409, "payment_executed")
    assert executed(bank) == 1


async def test_two_uses_at_once_move_money_once(
    bank: RunningService, alice: WirePhone, agent: Agent
):
    """However fast the agent is."""
    tokens = await agent.tokens(alice)
    first, *others = sorted(await asyncio.gather(*(agent.pay(tokens) for _ in range(5))))
    assert first == (201, None)
    assert others == [(409, "payment_executed")] * 4
    assert executed(bank) == 1


async def test_the_token_is_of_no_use_to_another_holder(
    bank: RunningService, alice: WirePhone, agent: Agent
):
    """What an agent leaks, without the key that never leaves the tool's process."""
    tokens = await agent.tokens(alice)
    async with CibaClient(configuration(bank), clock=ClientTime(bank.clock)) as thief:
        assert await agent.pay(tokens, client=thief) == (401, "invalid_token")
    as_bearer = replace(tokens, token_type=TokenType.BEARER)
    assert await agent.pay(as_bearer) == (401, "invalid_token")
    assert executed(bank) == 0


async def test_the_token_ends_after_five_minutes_and_is_not_renewed(
    bank: RunningService, alice: WirePhone, agent: Agent
):
    """An approval cannot be saved up."""
    tokens = await agent.tokens(alice)
    assert tokens.expires_in == 300
    assert tokens.refresh_token is None
    bank.clock.advance(301)
    assert await agent.pay(tokens) == (401, "invalid_token")


@pytest.mark.parametrize(
    "transfer",
    [
        ("850.00", "EUR", "DE89370400440532013001", "Housing Ltd"),
        ("-850.00", "EUR", "DE89370400440532013000", "Housing Ltd"),
        ("8.5e2", "EUR", "DE89370400440532013000", "Housing Ltd"),
        ("850.00", "EUR", "DE89370400440532013000", "Housing\u202e Ltd"),
        ("850.00", "EUR", "DE89370400440532013000", "H\u043eusing Ltd"),
    ],
    ids=["iban", "negative", "exponent", "reversed", "look-alike"],
)
async def test_what_could_deceive_the_human_is_refused_before_anybody_is_asked(
    alice: WirePhone, agent: Agent, transfer: tuple[str, ...]
):
    """Whatever somebody has talked the agent into."""
    result = await agent.tool.transfer(*transfer)
    assert result.outcome == "refused"
    assert "invalid_authorization_details" in result.reason
    assert await alice.fetch() == []


async def test_an_agent_cannot_wear_its_human_out(
    bank: RunningService, alice: WirePhone, agent: Agent
):
    """A phone shows a few requests; the next are refused, and the phone is not told of them."""
    shown = bank.settings.requests.open_prompts
    calls = [asyncio.create_task(agent.tool.transfer(f"{n}.00", *RENT[1:])) for n in range(1, 9)]
    first = islice(asyncio.as_completed(calls), len(calls) - shown)
    assert {(await call).outcome for call in first} == {"refused"}
    assert len(await alice.fetch()) == shown
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)
    assert await alice.fetch() == []


@pytest.mark.parametrize(
    "granted",
    [
        {"authorization_details": (TOO_MUCH,)},
        {"authorization_details": (PAYMENT, TO_ITSELF)},
        {"authorization_details": ()},
        {"token_type": TokenType.BEARER},
        {"expires_in": 3600},
        {"expires_in": None},
        {"refresh_token": "renewed"},
    ],
    ids=["amount", "further", "nothing", "unbound", "long", "endless", "renewable"],
)
async def test_a_token_that_is_good_for_more_is_not_used(
    bank: RunningService, alice: WirePhone, agent: Agent, granted: dict[str, Any]
):
    """The tool holds the bank to what was asked, too."""
    tokens = replace(await agent.tokens(alice), **granted)
    result = await agent.tool._executed(tokens, PAYMENT)
    assert (result.outcome, result.reason) == ("refused", "The bank granted something else.")
    assert executed(bank) == 0


async def test_a_token_that_was_used_elsewhere_is_reported(
    bank: RunningService, alice: WirePhone, agent: Agent
):
    """The tool does not take another's execution for its own."""
    tokens = await agent.tokens(alice)
    assert await agent.pay(tokens) == (201, None)
    result = await agent.tool._executed(tokens, PAYMENT)
    assert result.outcome == "refused"
    assert result.reason.endswith("payment_executed")
    assert executed(bank) == 1


@pytest.mark.parametrize("behind_proxy", [False, True])
@pytest.mark.parametrize(("lost", "outcome"), [(1, "executed"), (3, "uncertain")])
async def test_an_answer_that_is_lost_moves_no_money_twice(
    bank: RunningService,
    alice: WirePhone,
    lost: int,
    outcome: str,
    behind_proxy: bool,  # noqa: FBT001 - a parameter of the test
):
    """The tool asks again with the same token, and says so when it never heard."""
    async with (
        agent_of(bank, lost_answers=lost, behind_proxy=behind_proxy) as agent,
        agent.transferring(alice) as (call, challenge),
    ):
        await alice.decide(alice.approval(challenge))
        assert (await call).outcome == outcome
    assert executed(bank) == 1
