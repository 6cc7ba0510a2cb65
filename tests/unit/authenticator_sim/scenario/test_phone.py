"""The phone of scenarios against a scripted service: what it makes of each answer."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from authenticator_sim.connection.addresses import tls_context
from authenticator_sim.connection.http import HttpClient
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.pin import PinKey
from authenticator_sim.errors import ServiceUnreachable, UntrustedService
from authenticator_sim.scenario.decisions import Forger
from authenticator_sim.scenario.phone import Answer, ScenarioPhone
from authenticator_sim.scenario.play import meets
from authenticator_sim.scenario.steps import Deny, Expect, Outcome
from ciba_service.sca.messages import Decide, RefusalReason
from tests.unit.authenticator_sim.doubles import FakeClock
from tests.unit.authenticator_sim.scripted_service import (
    MALFORMED_JSON,
    NOW_MS,
    ScriptedBank,
    ScriptedHttpService,
    serving,
)


@dataclass
class Stage:
    """A phone, and the service it reaches."""

    phone: ScenarioPhone
    service: ScriptedHttpService

    async def denial(self) -> Decide:
        """A decision that declines the open request."""
        (challenge,) = await self.phone.fetch()
        key = PinKey(os.urandom(32))
        forger = Forger(self.phone.identity, key, key, os.urandom)
        return forger.denial(challenge, Deny(), signed_hash=None, now_ms=NOW_MS)

    async def deny(self) -> Answer:
        """Decline the open request."""
        return await self.phone.decide(await self.denial())


@pytest.fixture
async def stage(
    identity: DeviceIdentity, bank: ScriptedBank, clock: FakeClock
) -> AsyncIterator[Stage]:
    """Start the service; one request is open."""
    service = ScriptedHttpService(bank)
    service.open = {"tx-1": bank.offer()}
    async with (
        serving(service.app()) as base,
        HttpClient(base, tls=tls_context(None)) as http,
    ):
        here = replace(identity, messages=f"{base}/device/messages")
        yield Stage(ScenarioPhone(here, http=http, clock=clock, random_bytes=os.urandom), service)


@pytest.mark.parametrize("reason", RefusalReason)
async def test_each_refusal_has_its_outcome(stage: Stage, reason: RefusalReason):
    """By the same word, with the attempts that are left."""
    stage.service.refusals = [(reason, 3)]
    assert await stage.deny() == Answer(Outcome(reason.value), 3)


async def test_an_acceptance_is_one(stage: Stage):
    """Once the service has verified the decision."""
    assert await stage.deny() == Answer(Outcome.ACCEPTED)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Outcome.REJECTED),
        (401, Outcome.REJECTED),
        (403, Outcome.REVOKED),
        (503, Outcome.UNAVAILABLE),
    ],
)
async def test_a_status_has_its_outcome(stage: Stage, status: int, outcome: Outcome):
    """A decision that broke the protocol, a revoked phone, a service that is busy."""
    decide = await stage.denial()
    stage.service.statuses = [status]
    assert await stage.phone.decide(decide) == Answer(outcome)


@pytest.mark.parametrize("answer", [b"{}", b'{"messages":[]}', MALFORMED_JSON])
async def test_an_answer_without_sense_ends_the_scenario(stage: Stage, answer: bytes):
    """The service is not what this phone speaks to."""
    decide = await stage.denial()
    stage.service.answer = answer
    with pytest.raises(ServiceUnreachable):
        await stage.phone.decide(decide)


@pytest.mark.parametrize("greeting", [b"503", b"{}", b'{"type":"fetched","open":[]}'])
async def test_a_greeting_without_sense_ends_the_scenario(stage: Stage, greeting: bytes):
    """Nothing is signed for it."""
    stage.service.nonce_answer = greeting
    with pytest.raises(ServiceUnreachable):
        await stage.phone.fetch()


async def test_another_issuer_gets_no_proof(
    stage: Stage, bank: ScriptedBank, monkeypatch: pytest.MonkeyPatch
):
    """A phone that misbehaves still signs for its own service only."""
    monkeypatch.setattr(bank, "issuer", "https://other.example")
    with pytest.raises(UntrustedService):
        await stage.phone.fetch()


async def test_a_challenge_that_is_not_genuine_is_passed_over(stage: Stage):
    """Scenarios are played with what the service signed."""
    stage.service.open = {"tx-1": f"{stage.service.open['tx-1']}x"}
    assert await stage.phone.fetch() == ()


@pytest.mark.parametrize(
    ("expect", "outcomes", "met"),
    [
        (Expect.REFUSED, [Outcome.FACTORS, Outcome.LOCKED], True),
        (Expect.REFUSED, [Outcome.UNAVAILABLE], False),
        (Expect.REFUSED, [Outcome.NOT_SENT], False),
        (Expect.ACCEPTED, [Outcome.ACCEPTED, Outcome.NOT_OPEN], False),
        (Expect.ONE_ACCEPTED, [Outcome.NOT_OPEN, Outcome.ACCEPTED], True),
        (Expect.ONE_ACCEPTED, [Outcome.ACCEPTED, Outcome.ACCEPTED], False),
        (Expect.ONE_ACCEPTED, [Outcome.NOT_OPEN, Outcome.LOCKED], False),
        (Expect.ONE_ACCEPTED, [Outcome.ACCEPTED, Outcome.UNAVAILABLE], False),
    ],
)
def test_expectations_are_met_by_every_outcome(
    expect: Expect, outcomes: list[Outcome], *, met: bool
):
    """A service that is busy has refused nothing."""
    assert meets(expect, outcomes) is met
