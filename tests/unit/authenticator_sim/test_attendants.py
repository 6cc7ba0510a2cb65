"""A headless phone: rules that answer, and the one-time codes they may use."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from authenticator_sim.attendants import AnswerAll
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import ChallengeShown, Connected, NotDecided
from authenticator_sim.core.identity.pin import Pin
from authenticator_sim.errors import MissingFactor
from authenticator_sim.journal import Journal
from authenticator_sim.phone import Phone
from ciba_service.sca.messages import (
    ChallengeOffered,
    Decide,
    Factor,
    Shown,
)
from tests.unit.authenticator_sim.doubles import Ears, FakeClock
from tests.unit.authenticator_sim.scripted_service import (
    NOW_MS,
    PATIENCE_SECONDS,
    PIN,
    ScriptedBank,
    VerifiedDecision,
    transaction_of,
)


class Outbox:
    """Takes decisions."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Decide] = asyncio.Queue()
        self.receipts: list[Shown] = []

    async def tell(self, receipt: Shown) -> None:
        """Keep it."""
        self.receipts.append(receipt)

    async def submit(self, decide: Decide) -> None:
        """Keep a decision."""
        self.sent.put_nowait(decide)


@dataclass
class Headless:
    """A phone that answers by itself."""

    device: Device
    phone: Phone
    attendant: AnswerAll
    outbox: Outbox
    bank: ScriptedBank
    offers: dict[str, str]

    def offer(self, name: str, **changes: object) -> None:
        """Offer a challenge."""
        self.offers[name] = self.bank.offer(name, **changes)
        message = ChallengeOffered(self.offers[name])
        for event in self.device.receive(message, now_ms=NOW_MS).events:
            self.attendant.notice(event)

    async def decision(self) -> VerifiedDecision:
        """Wait for the next decision and verify it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            token = (await self.outbox.sent.get()).decision
        return self.bank.verify_decision(token, challenge=self.offers[transaction_of(token)])


@pytest.fixture
def phone(device: Device, clock: FakeClock, tmp_path: Path) -> Phone:
    """A phone with an outbox."""
    return Phone(device, channel=Outbox(), clock=clock, journal=Journal(tmp_path))


@pytest.fixture
async def headless(
    request: pytest.FixtureRequest, phone: Phone, bank: ScriptedBank, ears: Ears
) -> AsyncIterator[Headless]:
    """Approve all, or deny all where the test says so."""
    approve = getattr(request, "param", True)
    pin = Pin(PIN) if approve else None
    attendant = AnswerAll(phone, approve=approve, pin=pin, report=ears.report)
    outbox = phone._channel
    assert isinstance(outbox, Outbox)
    task = asyncio.create_task(attendant.run())
    yield Headless(phone.device, phone, attendant, outbox, bank, {})
    task.cancel()
    await asyncio.wait({task})


async def test_several_challenges_at_once_are_all_approved(headless: Headless) -> None:
    """Each with a PIN proof of its own."""
    names = {f"tx-{number}" for number in range(5)}
    for name in names:
        headless.offer(name, factors=(Factor.PIN,))
    verified = [await headless.decision() for _ in names]
    assert {decision.claims["transaction_id"] for decision in verified} == names
    for decision in verified:
        assert decision.proofs is not None
        assert decision.proofs["pin_proof"] == headless.bank.expected_pin_proof(decision.claims)


@pytest.mark.parametrize("headless", [False], indirect=True)
async def test_deny_all_needs_no_pin(headless: Headless) -> None:
    """And sends no factors."""
    headless.offer("tx-1")
    decision = await headless.decision()
    assert decision.claims["verdict"] == "deny"
    assert decision.proofs is None


async def test_each_time_step_gives_one_code(headless: Headless, clock: FakeClock) -> None:
    """Two challenges at once that ask for a code: the second waits for the next step."""
    for name in ("tx-1", "tx-2"):
        headless.offer(name, factors=(Factor.OTP,))
    first = await headless.decision()
    assert headless.outbox.sent.empty()
    assert await clock.until_asleep() == 30
    clock.advance(30)
    second = await headless.decision()
    assert first.proofs is not None
    assert second.proofs is not None
    assert first.proofs["otp"] == headless.bank.otp_at(NOW_MS)
    assert second.proofs["otp"] == headless.bank.otp_at(NOW_MS + 30_000)


async def test_a_challenge_that_expires_before_the_next_code_is_not_decided(
    headless: Headless, clock: FakeClock, ears: Ears
) -> None:
    """It is told, and the phone goes on."""
    headless.offer("tx-1", factors=(Factor.OTP,))
    await headless.decision()
    headless.offer("tx-2", factors=(Factor.OTP,), exp=NOW_MS // 1000 + 20)
    await clock.until_asleep()
    clock.advance(30)
    assert (await ears.next(NotDecided)).transaction_id == "tx-2"
    headless.offer("tx-3", factors=(Factor.DEVICE_KEY,))
    assert (await headless.decision()).claims["transaction_id"] == "tx-3"


async def test_what_closed_in_the_meantime_is_told(
    headless: Headless, bank: ScriptedBank, ears: Ears
) -> None:
    """A challenge nobody has any more is no reason to stop; other events are none of its."""
    headless.attendant.notice(Connected("d"))
    headless.attendant.notice(ChallengeShown("tx-9", bank.challenge("tx-9"), 180))
    told = await ears.next(NotDecided)
    assert told == NotDecided("tx-9", "There is no open request with this transaction id.")


async def test_an_approval_without_the_pin_is_not_tried(phone: Phone, bank: ScriptedBank) -> None:
    """Before anything is signed."""
    phone.device.receive(ChallengeOffered(bank.offer()), now_ms=NOW_MS)
    with pytest.raises(MissingFactor):
        await phone.approve("tx-1", pin=None)
