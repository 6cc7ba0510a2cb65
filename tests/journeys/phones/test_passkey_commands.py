"""The simulator's passkeys: added, used, listed and removed by commands, rules and scenarios."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authenticator_sim.commands.gestures import GESTURE_VARIABLE, obtain_gesture
from authenticator_sim.commands.pins import PIN_VARIABLE
from authenticator_sim.commands.run import AttendedBy, RunOptions, run
from authenticator_sim.commands.scenario import ScenarioOptions, play
from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.core.identity.passkeys import Gesture
from authenticator_sim.errors import MissingFactor, UsageError
from authenticator_sim.ports import SystemClock, system_random
from authenticator_sim.rules_file import parse_rules
from authenticator_sim.scenario.files import parse_scenario, read_scenario
from authenticator_sim.terminal.keyboard import KeyboardClosed
from ciba_service.sca.factors.passkeys import MAXIMUM_PASSKEYS, Passkey
from ciba_service.sca.messages import Factor, transaction_id
from ciba_service.sca.records.evidence import Outcome
from tests.journeys.phones.test_phone_commands import OLD, Commands
from tests.journeys.phones.test_rules import Screen
from tests.journeys.running.test_evidence import record_of, written
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.services.simulated_phone import surroundings
from tests.wire.client import WireClient
from tests.wire.passkey_phone import DEVICE_SECTION, ORIGIN
from tests.wire.signing import claims_of

ADD = ("passkeys", "add", "--origin", ORIGIN)
MADE = "A passkey for bank.example can be made.\n"
REGISTERED = (0, f"{MADE}The passkey is registered.\n")


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient
) -> AsyncIterator[RunningService]:
    """A service that takes passkeys, and demands one of the other till's users."""
    rules = [{"client": "other-till", "require_passkey": True}]
    sections = {"device": DEVICE_SECTION, "policy": {"rules": rules}}
    async with run_service(clients=[till, other_till], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def command(
    bank: RunningService,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Commands:
    """Alice's phone, whose user makes gestures; its PIN is hidden quickly, not well."""
    monkeypatch.setattr("authenticator_sim.core.identity.pin.ROUNDS", 1)
    monkeypatch.setenv(PIN_VARIABLE, OLD)
    monkeypatch.setenv(GESTURE_VARIABLE, "verified")
    commands = Commands(bank, tmp_path / "phone", capsys)
    code = await bank.activation_code("alice")
    enrolment = ("enrol", "--issuer", bank.issuer, "--activation-code", code, "--name", "Phone")
    assert (await commands(*enrolment))[0] == 0
    return commands


async def test_a_passkey_is_added_used_listed_and_removed(
    bank: RunningService, command: Commands, monkeypatch: pytest.MonkeyPatch
):
    """With the PIN once; from then on without it, and the evidence says which it was."""
    assert await command(*ADD) == REGISTERED
    (passkey,) = command.keystore.load().passkeys
    monkeypatch.delenv(PIN_VARIABLE)
    auth_req_id = await bank.till.started()
    approval = await command("approve", "--passkey", "--", transaction_id(auth_req_id))
    assert approval[0] == 0, approval
    claims = claims_of((await bank.till.poll(auth_req_id)).json()["id_token"])
    assert claims["amr"] == ["pop", "user", "mfa"]
    facts = record_of(await written(bank), auth_req_id).facts
    assert (facts.outcome, facts.verified) == (
        Outcome.APPROVED,
        (Factor.DEVICE_KEY, Factor.PASSKEY),
    )
    assert [each.sign_count for each in command.keystore.load().passkeys] == [1]
    status, out = await command("passkeys", "list")
    assert (status, out.split("  ")[0]) == (0, passkey.passkey_id)
    removal = ("passkeys", "remove", "--", passkey.passkey_id)
    assert await command(*removal) == (0, "The passkey is removed.\n")
    assert await command(*removal) == (1, "This phone has no such passkey.\n")
    assert command.keystore.load().passkeys == ()
    assert await command("passkeys", "list") == (0, "This phone has no passkey.\n")


async def test_a_passkey_does_nothing_without_its_user(
    bank: RunningService, command: Commands, monkeypatch: pytest.MonkeyPatch
):
    """Neither is one made; a touch alone is refused by the service."""
    assert (await command(*ADD))[0] == 0
    name = transaction_id(await bank.till.started())
    monkeypatch.setenv(GESTURE_VARIABLE, "none")
    status, out = await command("approve", "--passkey", "--", name)
    assert (status, "a gesture of yours" in out) == (1, True)
    assert (await command(*ADD))[0] == 1
    monkeypatch.setenv(GESTURE_VARIABLE, "present")
    status, out = await command("approve", "--passkey", "--", name)
    assert (status, "Attempts left: 4." in out) == (1, True)
    monkeypatch.setenv(GESTURE_VARIABLE, "verified")
    assert (await command("approve", "--passkey", "--", name))[0] == 0


async def test_a_request_that_demands_a_passkey_gets_one_unasked(
    bank: RunningService, command: Commands
):
    """The PIN would not do; a phone without one says so."""
    name = transaction_id(await bank.clients["other-till"].started())
    status, out = await command("approve", "--", name)
    assert (status, "This phone has no passkey" in out) == (1, True)
    assert (await command(*ADD))[0] == 0
    assert (await command("approve", "--", name))[0] == 0


async def test_what_the_service_does_not_take_is_not_kept(
    bank: RunningService, command: Commands, monkeypatch: pytest.MonkeyPatch
):
    """As made on another page, synced, or with a wrong PIN; nor is a sixth prepared."""
    refused = f"{MADE}Not done. The service does not take this passkey.\n"
    for options in ((), ("--origin", ORIGIN, "--synced")):
        assert await command("passkeys", "add", *options) == (1, refused)
    monkeypatch.setenv(PIN_VARIABLE, "518273")
    assert "Attempts left: 4." in (await command(*ADD))[1]
    monkeypatch.setenv(PIN_VARIABLE, OLD)
    assert command.keystore.load().passkeys == ()
    device = await bank.service.stores.devices.find(command.keystore.load().device_id)
    assert device is not None
    for number in range(MAXIMUM_PASSKEYS):
        full = Passkey(f"{number:022}", b"", 0, False, False, 0, f"order {number}")  # noqa: FBT003
        await bank.service.stores.devices.add_passkey(device, full)
    status, out = await command(*ADD)
    assert (status, "as many passkeys" in out) == (1, True)
    assert command.keystore.load().passkeys == ()


async def test_what_cannot_be_meant_is_wrong_usage(
    command: Commands, monkeypatch: pytest.MonkeyPatch
):
    """Nothing is sent."""
    assert (await command("passkeys", "remove", "short"))[0] == 2
    monkeypatch.setenv(GESTURE_VARIABLE, "a nod")
    assert (await command(*ADD))[0] == 2
    monkeypatch.delenv(GESTURE_VARIABLE)
    assert (await command(*ADD))[0] == 2
    nowhere = Surroundings(io.StringIO(), io.StringIO(), {}, SystemClock(), system_random)
    with pytest.raises(UsageError, match="No gesture"):
        await obtain_gesture(nowhere)


class Seated(Surroundings):
    """Somebody at a keyboard."""

    answer: str | None = "y"

    def keyboard(self) -> "Seated":  # type: ignore[override]
        """Themselves."""
        return self

    async def ask(self, question: str) -> str:
        """What they type."""
        assert "passkey" in question
        if self.answer is None:
            raise KeyboardClosed
        return self.answer


@pytest.mark.parametrize(
    ("answer", "gesture"), [("y", Gesture.VERIFIED), ("", Gesture.NONE), (None, Gesture.NONE)]
)
async def test_at_a_terminal_the_user_confirms(answer: str | None, gesture: Gesture):
    """Anything but a yes is none."""
    seated = Seated(io.StringIO(), io.StringIO(), {}, SystemClock(), system_random)
    object.__setattr__(seated, "answer", answer)
    assert await obtain_gesture(seated) is gesture


async def test_rules_can_use_the_passkey(bank: RunningService, command: Commands):
    """Whoever writes the rule makes the gesture."""
    assert (await command(*ADD))[0] == 0
    screen = Screen()
    options = RunOptions(
        attended_by=AttendedBy.RULES,
        automation_port=0,
        pin_file=None,
        state=command.state,
        ca_file=None,
        json=True,
        rules=parse_rules("rules: [{then: passkey}]", name="rules"),
    )
    running = asyncio.create_task(run(options, surroundings(bank, screen)))
    try:
        await screen.until(1, "fetched")
        auth_req_id = await bank.till.started()
        await screen.until(1, "decided")
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    tokens = (await bank.till.poll(auth_req_id)).json()
    assert claims_of(tokens["id_token"])["amr"] == ["pop", "user", "mfa"]


async def test_a_phone_misbehaves_with_its_passkey(
    bank: RunningService, command: Commands, monkeypatch: pytest.MonkeyPatch
):
    """The scenario that comes along: touched only, and a count from before."""
    options = ScenarioOptions(
        scenario=read_scenario("passkey"),
        state=command.state,
        second_state=None,
        pin_file=None,
        ca_file=None,
        json=True,
    )
    monkeypatch.setenv(PIN_VARIABLE, OLD)
    screen = io.StringIO()
    world = Surroundings(io.StringIO(), screen, {PIN_VARIABLE: OLD}, bank.clock, system_random)
    without = "about: x\nsteps: [{do: request}, {do: approve, passkey: right}]"
    await bank.till.started()
    with pytest.raises(MissingFactor, match="has no passkey"):
        await play(replaced(options, without), world)
    assert (await command(*ADD))[0] == 0
    await bank.till.started()
    assert await play(options, world), screen.getvalue()
    did = [json.loads(line).get("did") for line in screen.getvalue().splitlines()]
    assert "approve (passkey touched)" in did
    assert "approve (old count)" in did
    assert did[-2] == "approve (passkey)"


def replaced(options: ScenarioOptions, text: str) -> ScenarioOptions:
    """The same with another scenario."""
    return ScenarioOptions(
        parse_scenario(text, name="x"), options.state, None, None, None, json=True
    )
