"""A further phone with the simulator's commands: both sides, at the real service."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from authenticator_sim.attendants import TerminalAttendant
from authenticator_sim.commands.enrol import EnrolOptions, enrol
from authenticator_sim.commands.oneshot import OneShotOptions
from authenticator_sim.commands.phones import approve_device, invite_device, reject_device
from authenticator_sim.connection.addresses import tls_context
from authenticator_sim.connection.http import HttpClient
from authenticator_sim.connection.https import HttpsConnection
from authenticator_sim.connection.socket import SocketConnection
from authenticator_sim.core.deciding.rules import Action, Rules
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import Event, OrderDone, PhoneRejected, PhoneWaiting
from authenticator_sim.core.identity.pin import Pin
from authenticator_sim.errors import EnrolmentRefused, NoSuchNewcomer, UsageError
from authenticator_sim.further_phones import FurtherPhones
from authenticator_sim.journal import Journal
from authenticator_sim.keystore import Keystore
from authenticator_sim.phone import Phone
from authenticator_sim.ports import system_random
from authenticator_sim.rule_attendant import AnswerByRules
from authenticator_sim.rules_file import parse_rules
from authenticator_sim.terminal.look.look import Look
from authenticator_sim.terminal.look.plain_look import PLAIN
from authenticator_sim.terminal.look.rich_look import RichLook
from authenticator_sim.terminal.newcomer_dialogue import NewcomerDialogue
from ciba_service.sca.messages import DenialReason, comparison_code, key_thumbprint
from ciba_service.sca.phones.devices import user_tag
from tests.fake_clock import FakeClock
from tests.services.running_service import RunningService
from tests.services.simulated_phone import PIN, enrolled_state, surroundings
from tests.unit.authenticator_sim.pseudo_terminal import Terminal
from tests.wire.phone import WirePhone


@dataclass
class Naps:
    """The service's time; whoever sleeps is woken by the test."""

    clock: FakeClock
    asleep: asyncio.Event = field(default_factory=asyncio.Event)
    awake: asyncio.Event = field(default_factory=asyncio.Event)

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return self.clock.now_ms()

    async def sleep(self, seconds: float) -> None:
        """Wait for the test."""
        assert seconds > 0
        self.awake.clear()
        self.asleep.set()
        await self.awake.wait()


@dataclass
class NewPhone:
    """A phone whose enrolment waits for approval."""

    task: asyncio.Task[bool]
    naps: Naps
    screen: io.StringIO
    state: Path

    async def looks_again(self) -> bool:
        """Wake it, and return what came of the enrolment."""
        self.naps.awake.set()
        return await asyncio.wait_for(self.task, 10)

    def said(self) -> list[dict[str, Any]]:
        """The events so far."""
        return [json.loads(line) for line in self.screen.getvalue().splitlines()]


@dataclass
class Simulators:
    """Alice's phone in a directory, and what its commands say."""

    service: RunningService
    directory: Path
    screen: io.StringIO = field(default_factory=io.StringIO)

    @property
    def options(self) -> OneShotOptions:
        """Of the phone that is there."""
        return OneShotOptions(self.directory / "phone", None, json=True)

    async def approve(self, code: str) -> bool:
        """Approve what shows this code."""
        around = surroundings(self.service, self.screen)
        return await approve_device(code, self.options, around, pin_file=None)

    async def invite(self) -> dict[str, Any]:
        """An activation code."""
        around = surroundings(self.service, self.screen)
        assert await invite_device(self.options, around, pin_file=None)
        (*_, invitation) = self.said()
        return invitation

    async def reject(self, device_id: str) -> bool:
        """Turn a phone away."""
        around = surroundings(self.service, self.screen)
        return await reject_device(device_id, self.options, around, DenialReason.NOT_ME)

    def said(self) -> list[dict[str, Any]]:
        """The events so far."""
        return [json.loads(line) for line in self.screen.getvalue().splitlines()]

    @asynccontextmanager
    async def enrolling(self, activation_code: str) -> AsyncIterator[NewPhone]:
        """The next phone, as it waits."""
        naps, screen = Naps(self.service.clock), io.StringIO()
        options = EnrolOptions(
            issuer=self.service.issuer,
            activation_code=activation_code,
            second_secret=None,
            name="Tablet",
            pin_file=None,
            if_needed=False,
            state=self.directory / "tablet",
            ca_file=None,
            json=True,
        )
        task = asyncio.create_task(enrol(options, surroundings(self.service, screen, naps)))
        await asyncio.wait_for(naps.asleep.wait(), 10)
        try:
            yield NewPhone(task, naps, screen, options.state)
        finally:
            task.cancel()
            await asyncio.wait({task})


@pytest.fixture
async def simulators(service: RunningService, tmp_path: Path) -> Simulators:
    """One phone is there."""
    await enrolled_state(service, tmp_path / "phone")
    return Simulators(service, tmp_path)


async def test_a_phone_invites_and_approves_the_next_one(
    service: RunningService, simulators: Simulators
):
    """By the code on the new phone's screen and the PIN of the old; the new one then approves."""
    invitation = await simulators.invite()
    code = invitation["activation_code"]
    assert invitation["link"] == f"{service.issuer}/device/enrolments#{code}"
    async with simulators.enrolling(code) as tablet:
        (awaited,) = tablet.said()
        assert awaited["event"] == "approval_awaited"
        wrong = f"{(int(awaited['code']) + 1) % 1_000_000:06}"
        with pytest.raises(NoSuchNewcomer):
            await simulators.approve(wrong)
        assert await simulators.approve(f"{awaited['code'][:3]} {awaited['code'][3:]}")
        assert await tablet.looks_again()
        assert [each["event"] for each in tablet.said()] == ["approval_awaited", "enrolled"]
        enrolled = Keystore(tablet.state).load()
    phones = await service.service.stores.devices.list(user_tag("alice"))
    assert [each.device_id for each in phones][1:] == [enrolled.device_id]
    assert await service.service.stores.attempts.used(user_tag("alice")) == 0


async def test_a_phone_that_is_turned_away_forgets_its_keys(
    service: RunningService, simulators: Simulators
):
    """The user of the other one says "not me"; it can be enrolled anew."""
    async with simulators.enrolling(await service.activation_code("alice")) as tablet:
        device_id = Keystore(tablet.state).load().device_id
        assert await simulators.reject(device_id)
        with pytest.raises(EnrolmentRefused, match="Nobody approved"):
            await tablet.looks_again()
        assert not Keystore(tablet.state).exists()
    assert not await simulators.reject(device_id)
    assert [each["event"] for each in simulators.said()] == ["device_rejected", "device_unknown"]
    with pytest.raises(UsageError):
        await simulators.reject("tablet")


async def test_nothing_is_sent_without_a_phone_that_waits(
    service: RunningService, simulators: Simulators
):
    """Also when one waited too long."""
    code = await service.activation_code("alice")
    async with simulators.enrolling(code) as tablet:
        service.clock.advance(900)
        with pytest.raises(NoSuchNewcomer):
            await simulators.approve(tablet.said()[0]["code"])
    assert simulators.said() == []


@dataclass
class AtTheTerminal:
    """The user of the first phone, in front of a terminal."""

    simulators: Simulators
    terminal: Terminal
    device: Device
    https: HttpsConnection
    attendant: TerminalAttendant
    heard: asyncio.Queue[Event]

    async def fetches(self) -> None:
        """The phone hears what there is."""
        for event in await self.https.fetch():
            self.attendant.notice(event)

    async def answers(self, question: str, answer: str) -> None:
        """Read a question and answer it."""
        await self.terminal.reads(question)
        await self.terminal.types(f"{answer}\r")

    async def hears(self) -> Event:
        """The next event that the dialogue reports."""
        return await asyncio.wait_for(self.heard.get(), 10)


@pytest.fixture
def look() -> Look:
    """The look of the terminal."""
    return PLAIN


@pytest.fixture
async def terminal(simulators: Simulators, look: Look) -> AsyncIterator[AtTheTerminal]:
    """A phone whose user types everything."""
    service, user = simulators.service, Terminal()
    keystore = Keystore(simulators.directory / "phone")
    device = Device(keystore.load(), random_bytes=system_random)
    heard: asyncio.Queue[Event] = asyncio.Queue()
    async with HttpClient(service.issuer, tls=tls_context(None)) as http:
        https = HttpsConnection(device, http=http, clock=service.clock, random_bytes=system_random)
        attendant = TerminalAttendant(
            Phone(
                device,
                channel=SocketConnection(
                    device,
                    clock=service.clock,
                    random_bytes=system_random,
                    tls=tls_context(None),
                    report=heard.put_nowait,
                ),
                clock=service.clock,
                journal=Journal(keystore.directory),
            ),
            keyboard=user.keyboard,
            screen=user.screen,
            pin=None,
            newcomers=NewcomerDialogue(
                FurtherPhones(device, https=https, clock=service.clock, keystore=keystore),
                keyboard=user.keyboard,
                screen=user.screen,
                pin=None,
                report=heard.put_nowait,
                look=look,
            ),
            look=look,
        )
        task = asyncio.create_task(attendant.run())
        yield AtTheTerminal(simulators, user, device, https, attendant, heard)
        task.cancel()
        await asyncio.wait({task})
    user.close()


async def waiting_phone(service: RunningService, name: str = "Tablet") -> WirePhone:
    """A phone of Alice's that waits."""
    phone = service.phone()
    return await phone.enrol(await service.activation_code("alice"), name=name)


def code_of(phone: WirePhone) -> str:
    """The code that it shows."""
    public = {name: str(value) for name, value in phone.key.as_dict(private=False).items()}
    return comparison_code(phone.device_id, key_thumbprint(public))


async def test_the_user_types_the_code_that_the_other_phone_shows(
    service: RunningService, terminal: AtTheTerminal
):
    """The code is not on this screen; another one is no answer; the PIN is asked for after it."""
    tablet = await waiting_phone(service)
    await terminal.fetches()
    assert "Tablet" in await terminal.terminal.reads("Code that it shows: ")
    wrong = f"{(int(code_of(tablet)) + 1) % 1_000_000:06}"
    await terminal.terminal.types(f"{wrong}\r")
    await terminal.terminal.reads("That is not its code.")
    assert code_of(tablet) not in terminal.terminal.seen
    await terminal.answers("Code that it shows: ", code_of(tablet))
    await terminal.answers("PIN: ", "12")
    await terminal.answers("PIN: ", PIN)
    assert isinstance(await terminal.hears(), OrderDone)
    assert await service.service.stores.devices.is_active(tablet.device_id)


@pytest.mark.parametrize("look", [PLAIN, RichLook(lambda: 80)])
async def test_enter_turns_a_phone_away(service: RunningService, terminal: AtTheTerminal):
    """And n says that the user knows nothing of it."""
    for answer, reason in (("", "declined"), ("n", "not_me")):
        tablet = await waiting_phone(service)
        await terminal.fetches()
        await terminal.answers("Code that it shows: ", answer)
        assert isinstance(await terminal.hears(), PhoneRejected)
        assert service.telemetry.named("device_rejected")[-1].fields["reason"] == reason
        assert (await tablet.send({"type": "fetch"})).json()["error"] == "device_revoked"


async def test_a_question_about_a_phone_is_taken_away(
    service: RunningService, terminal: AtTheTerminal
):
    """When it is answered on another phone, and when the time is over."""
    await waiting_phone(service)
    await terminal.fetches()
    await terminal.terminal.reads("Code that it shows: ")
    service.clock.advance(1)
    await service.approve_waiting("alice")
    await terminal.fetches()
    await terminal.terminal.reads("This request is no longer open.")
    await waiting_phone(service, "Second")
    await terminal.fetches()
    await terminal.terminal.reads("Code that it shows: ")
    service.clock.advance(900)
    await terminal.terminal.reads("This request is no longer open.")
    late = PhoneWaiting("A" * 43, "Late", "482913", until=service.clock.now())
    terminal.attendant.notice(late)
    await waiting_phone(service, "Third")
    await terminal.fetches()
    assert "Late" not in await terminal.terminal.reads("Third")


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (Action.APPROVE, ["order_done"]),
        (Action.WRONG_PIN, ["order_refused"]),
        (Action.DENY, ["device_rejected"]),
        (Action.NOT_ME, ["device_rejected"]),
        (Action.IGNORE, []),
    ],
)
async def test_a_headless_phone_does_what_its_rules_say(
    service: RunningService, simulators: Simulators, action: Action, said: list[str]
):
    """Nothing is approved by itself unless the file says so."""
    tablet = await waiting_phone(service)
    events = await judged(simulators, Rules((), Action.IGNORE, action), Pin(PIN))
    assert [each["event"] for each in events] == ["rule", *said]
    approved = await service.service.stores.devices.is_active(tablet.device_id)
    assert approved is (action is Action.APPROVE)


async def test_a_rule_that_approves_needs_the_pin(service: RunningService, simulators: Simulators):
    """Without it nothing is sent."""
    await waiting_phone(service)
    events = await judged(simulators, Rules((), Action.IGNORE, Action.APPROVE), None)
    assert [each["event"] for each in events] == ["rule", "not_decided"]


async def judged(simulators: Simulators, rules: Rules, pin: Pin | None) -> list[dict[str, Any]]:
    """What a phone with these rules does about the phone that waits, as events."""
    service, keystore = simulators.service, Keystore(simulators.directory / "phone")
    device = Device(keystore.load(), random_bytes=system_random)
    said: list[Event] = []
    async with HttpClient(service.issuer, tls=tls_context(None)) as http:
        https = HttpsConnection(device, http=http, clock=service.clock, random_bytes=system_random)
        (waits, *_) = await https.fetch()
        assert isinstance(waits, PhoneWaiting)
        attendant = AnswerByRules(
            Phone(
                device,
                channel=SocketConnection(
                    device,
                    clock=service.clock,
                    random_bytes=system_random,
                    tls=tls_context(None),
                    report=said.append,
                ),
                clock=service.clock,
                journal=Journal(keystore.directory),
            ),
            rules=rules,
            pin=pin,
            further=FurtherPhones(device, https=https, clock=service.clock, keystore=keystore),
            report=said.append,
        )
        await attendant._judge(waits)
    return [json.loads(msgspec.json.encode(each)) for each in said]


def test_a_file_of_rules_may_say_what_becomes_of_new_phones():
    """Ignored unless it does."""
    assert parse_rules("rules: []", name="x").new_phones is Action.IGNORE
    assert parse_rules("{rules: [], new_phones: deny}", name="x").new_phones is Action.DENY
