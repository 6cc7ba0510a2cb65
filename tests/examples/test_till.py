"""The till of ``examples/till`` in front of a running service, with Alice's phone."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.examples.passing_clock import PassingClock
from tests.examples.till_program import APPROVE, EXAMPLE, TYPE, WAITS, till_program
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

TILL = {
    "profile": "fapi2-ciba",
    "dpop_bound_access_tokens": True,
    "scope": "openid",
    "polling_interval": 0,
}


@pytest.fixture(scope="module")
def till() -> WireClient:
    """The client as ciba.example.toml registers it, but for the pace."""
    return WireClient("till", metadata=TILL)


@pytest.fixture
async def bank(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """A service on real time, whose requests live for half a minute."""
    short = {"requests": {"default_expiry": 30}}
    async with run_service(clients=[till], sections=short, clock=PassingClock()) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


async def shown(phone: WirePhone, code: str) -> str:
    """The challenge that shows the code of the till, and what is sold there."""
    (challenge,) = await phone.fetch()
    display = claims_of(challenge)["display"]
    assert display["binding_message"] == code
    assert (display["amount"], display["payee"]) == ("12.50 EUR", "Corner Shop Ltd")
    return challenge


async def test_the_till_is_paid_what_the_customer_approved(
    bank: RunningService, alice: WirePhone, tmp_path: Path
):
    """Both show the same code; approved once, executed once, under the number on the receipt."""
    async with till_program(bank, tmp_path) as till:
        challenge = await shown(alice, await till.line(APPROVE))
        assert (await alice.decide(alice.approval(challenge)))["type"] == "accepted"
        status, said = await till.end()
    paid = re.fullmatch(r"Paid\. Receipt number (\S+)\.", said)
    assert paid is not None, said
    assert status == 0
    assert paid[1] == claims_of(challenge)["transaction_id"]
    (executed,) = bank.telemetry.named("payment_executed")
    assert executed.fields["transaction_id"] == paid[1]


async def test_the_till_shows_the_digits_that_are_typed_on_the_phone(
    run_service: ServiceRunner, till: WireClient, tmp_path: Path
):
    """Where the bank demands number matching."""
    sections = {"policy": {"require_verification_code": True}}
    async with run_service(clients=[till], sections=sections, clock=PassingClock()) as bank:
        alice = await bank.enrolled_phone("alice")
        async with till_program(bank, tmp_path) as program:
            challenge = await shown(alice, await program.line(APPROVE))
            digits = await program.line(TYPE)
            approval = alice.approval(challenge, verification_code=digits)
            assert (await alice.decide(approval))["type"] == "accepted"
            assert (await program.end())[0] == 0


async def test_a_customer_who_declines_pays_nothing(
    bank: RunningService, alice: WirePhone, tmp_path: Path
):
    """The till says so, and its exit status too."""
    async with till_program(bank, tmp_path) as till:
        challenge = await shown(alice, await till.line(APPROVE))
        await alice.decide(alice.denial(challenge))
        assert await till.end() == (1, "Declined.")
    assert bank.telemetry.named("payment_executed") == []


async def test_ctrl_c_takes_the_request_off_the_phone(
    bank: RunningService, alice: WirePhone, tmp_path: Path
):
    """Nobody can approve afterwards what the till has left."""
    async with till_program(bank, tmp_path, patient=True) as till:
        challenge = await shown(alice, await till.line(APPROVE))
        till.interrupt()
        assert await till.end() == (1, "Cancelled.")
    assert await alice.fetch() == []
    assert (await alice.decide(alice.approval(challenge)))["type"] == "refused"


async def test_a_customer_who_does_not_answer_pays_nothing(
    bank: RunningService, alice: WirePhone, tmp_path: Path
):
    """The till stops asking when the time is over."""
    async with till_program(bank, tmp_path) as till:
        await shown(alice, await till.line(APPROVE))
        bank.clock.advance(30)
        assert await till.end() == (1, "Nobody answered in time.")


async def test_a_stranger_is_not_asked(bank: RunningService, tmp_path: Path):
    """What the bank refuses is told by its code."""
    async with till_program(bank, tmp_path, customer="nobody@example.org") as till:
        assert await till.end() == (1, "Refused: unknown_user_id")


async def test_the_till_goes_slower_for_good_when_it_is_told_to(
    run_service: ServiceRunner, tmp_path: Path
):
    """CIBA 11: five seconds more from each ``slow_down`` on; the first poll is free."""
    hurried = WireClient("till", metadata={**TILL, "polling_interval": 60})
    async with run_service(clients=[hurried], clock=PassingClock()) as bank:
        alice = await bank.enrolled_phone("alice")
        async with till_program(bank, tmp_path) as till:
            challenge = await shown(alice, await till.line(APPROVE))
            waits = [float(await till.line(WAITS)) for _ in range(4)]
            await alice.decide(alice.approval(challenge))
            assert (await till.end())[0] == 0
    assert waits == [60, 60, 65, 70]


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ("signature", "Out of order: the ID token is forged"),
        ("algorithm", "Out of order: the ID token is signed by a stranger"),
        ("payment", "Out of order: another payment was granted"),
    ],
)
async def test_the_till_believes_no_answer_that_proves_nothing(
    bank: RunningService, alice: WirePhone, tmp_path: Path, lie: str, said: str
):
    """A forged ID token, and another payment than was asked; nothing is executed."""
    async with till_program(bank, tmp_path, lie=lie) as till:
        challenge = await shown(alice, await till.line(APPROVE))
        await alice.decide(alice.approval(challenge))
        assert await till.end() == (2, said)
    assert bank.telemetry.named("payment_executed") == []


async def test_the_till_asks_no_other_bank(bank: RunningService, tmp_path: Path):
    """The issuer is the one of its configuration to the letter (Discovery 4.3)."""
    async with till_program(bank, tmp_path, issuer=f"{bank.issuer}/") as till:
        assert await till.end() == (2, "Out of order: this is another provider")


def test_the_till_is_short_and_needs_nothing():
    """Under 150 lines, with what Node brings."""
    text = (EXAMPLE / "till.mjs").read_text("utf-8")
    assert len(text.splitlines()) < 150
    assert all(name.startswith("node:") for name in re.findall(r'from "([^"]+)"', text))
