"""One enrolled phone for all tests, and a clock that stands still."""

import os
from collections.abc import Iterator

import pytest

from authenticator_sim.core.device import Device
from authenticator_sim.core.identity.enrolment import complete_enrolment, new_enrolment
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.pin import parse_chosen_pin
from tests.unit.authenticator_sim.doubles import Ears, FakeClock
from tests.unit.authenticator_sim.pseudo_terminal import Terminal
from tests.unit.authenticator_sim.scripted_service import (
    ACTIVATION_CODE,
    ISSUER,
    NOW_MS,
    PIN,
    SECOND_SECRET,
    ScriptedBank,
)


@pytest.fixture(scope="session")
def enrolled() -> tuple[ScriptedBank, DeviceIdentity]:
    """Enrol a phone at a service; both are the same for the whole run."""
    bank = ScriptedBank()
    pending = new_enrolment(
        issuer=ISSUER,
        activation_code=ACTIVATION_CODE,
        second_secret=SECOND_SECRET,
        name="Alice's phone",
        now_ms=NOW_MS,
        random_bytes=os.urandom,
    )
    answer = bank.enrol(pending.body)
    pin = parse_chosen_pin(PIN)
    return bank, complete_enrolment(pending, answer, pin=pin, random_bytes=os.urandom)


@pytest.fixture
def bank(enrolled: tuple[ScriptedBank, DeviceIdentity]) -> ScriptedBank:
    """The service."""
    return enrolled[0]


@pytest.fixture
def identity(enrolled: tuple[ScriptedBank, DeviceIdentity]) -> DeviceIdentity:
    """The phone's keys."""
    return enrolled[1]


@pytest.fixture
def device(identity: DeviceIdentity) -> Device:
    """The phone itself."""
    return Device(identity, random_bytes=os.urandom)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture
def ears() -> Ears:
    """Hears what the phone tells."""
    return Ears()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A terminal that echoes, as terminals do."""
    terminal = Terminal()
    assert terminal.echoes()
    yield terminal
    assert terminal.echoes()
    terminal.close()
