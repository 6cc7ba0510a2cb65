"""A further phone with the simulator's commands: both sides, at the real service."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from authenticator_sim.commands.enrol import EnrolOptions, enrol
from authenticator_sim.commands.oneshot import OneShotOptions
from authenticator_sim.commands.phones import approve_device, invite_device, reject_device
from authenticator_sim.errors import EnrolmentRefused, NoSuchNewcomer, UsageError
from authenticator_sim.keystore import Keystore
from ciba_service.sca.devices import user_tag
from ciba_service.sca.messages import DenialReason
from tests.fake_clock import FakeClock
from tests.running_service import RunningService
from tests.simulated_phone import enrolled_state, surroundings


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
