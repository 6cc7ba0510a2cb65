"""A user in front of a terminal with sheets, tables and a time that runs."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from authenticator_sim.cli import main
from authenticator_sim.commands.run import AttendedBy, RunOptions, run
from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import Decided, OtherDeviceEnrolled
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.journal import Journal
from authenticator_sim.keystore import Keystore
from authenticator_sim.ports import system_random
from authenticator_sim.terminal.look.rich_look import RichLook
from authenticator_sim.terminal.look.size import columns_of
from authenticator_sim.terminal.reporter import TextReporter
from ciba_service.sca.messages import (
    AttemptsWarning,
    RefusalReason,
    Verdict,
    Withdrawn,
    WithdrawnReason,
)
from tests.unit.authenticator_sim.doubles import FakeClock
from tests.unit.authenticator_sim.pseudo_terminal import Terminal
from tests.unit.authenticator_sim.scripted_service import (
    NOW_MS,
    PATIENCE_SECONDS,
    PIN,
    ScriptedBank,
    ScriptedSocketService,
    refused,
)
from tests.unit.authenticator_sim.terminal.terminal_session import Session, session_with
from tests.unit.authenticator_sim.terminal.visible import visible


@pytest.fixture
def look(terminal: Terminal) -> RichLook:
    """The look of this terminal."""
    return RichLook(lambda: columns_of(terminal.program))


@pytest.fixture
async def session(
    terminal: Terminal,
    device: Device,
    bank: ScriptedBank,
    clock: FakeClock,
    tmp_path: Path,
    look: RichLook,
) -> AsyncIterator[Session]:
    """A phone whose user types everything."""
    session = session_with(terminal, device, bank, clock, tmp_path, look=look)
    yield session
    session.task.cancel()
    await asyncio.wait({session.task})


@pytest.mark.clause("sca-art5-1")
async def test_a_request_is_a_sheet_before_it_is_a_question(session: Session) -> None:
    """Amount and payee stand out before any answer can be given."""
    session.offer()
    seen = await session.terminal.reads("(3:00 min) Your answer [decline]: ")
    assert seen.index("12.50 EUR") < seen.index("Corner Shop Ltd") < seen.index("APPROVE")
    await session.terminal.types("\r")
    assert await session.outbox.next()


async def test_the_time_runs_while_the_user_reads(session: Session) -> None:
    """What is typed already stays; the line is drawn anew each second."""
    session.offer()
    await session.terminal.reads("(3:00 min) Your answer [decline]: ")
    await session.terminal.types("ye")
    await session.terminal.reads("ye")
    await session.clock.until_asleep(1)
    session.clock.advance(1)
    await session.terminal.reads("\r\x1b[K(2:59 min) Your answer [decline]: ye")
    await session.clock.until_asleep(1)
    session.clock.advance(1)
    await session.terminal.reads("\r\x1b[K(2:58 min) Your answer [decline]: ye")


async def test_an_answer_longer_than_the_line_stops_the_time(session: Session) -> None:
    """Only on the screen: drawn anew it would be there twice."""
    session.offer()
    await session.terminal.reads("[decline]: ")
    await session.terminal.types("x" * 60)
    await session.terminal.reads("x" * 60)
    await session.clock.until_asleep(1)
    session.clock.advance(1)
    await session.clock.until_asleep(1)
    await session.terminal.types("\r")
    await session.terminal.reads("(2:59 min) Enter, n or a: ")
    assert "(2:59 min) Your answer" not in session.terminal.seen


@pytest.mark.clause("sca-art22-2")
async def test_no_secret_is_echoed_while_the_time_runs(session: Session) -> None:
    """Neither PIN nor code, not even when the line is drawn anew."""
    session.offer()
    await session.answers("[decline]: ", "a")
    await session.terminal.reads("PIN: ")
    await session.terminal.types(PIN[:4])
    await session.terminal.reads("****")
    await session.clock.until_asleep(1)
    session.clock.advance(1)
    await session.terminal.reads("(2:59 min) PIN: ****")
    await session.terminal.types(f"{PIN[4:]}\r")
    await session.answers("own]: ", "135791")
    assert await session.outbox.next()
    await session.terminal.reads("******\n")
    for secret in (PIN, PIN[:4], "135791"):
        assert secret not in session.terminal.seen


async def test_a_warning_takes_the_line_of_the_question(session: Session, look: RichLook) -> None:
    """The question stands below it a second later."""
    session.offer()
    await session.terminal.reads("[decline]: ")
    reporter = TextReporter(session.terminal.screen, look=look)
    reporter.report(OtherDeviceEnrolled("d-2", "Tab\x1blet"))
    warning = await session.terminal.reads("Tab<U+001B>let.")
    assert warning.startswith("\r\x1b[K")
    await session.clock.until_asleep(1)
    session.clock.advance(1)
    await session.terminal.reads("(2:59 min) Your answer [decline]: ")


async def test_what_is_withdrawn_is_no_question_any_more(session: Session) -> None:
    """It is said on its line, and the time stands."""
    session.offer()
    await session.terminal.reads("[decline]: ")
    session.hear(Withdrawn("tx-1", WithdrawnReason.DECIDED))
    await session.terminal.reads("This request is no longer open.")
    session.offer("tx-2", factors=("pin",))
    await session.answers("[decline]: ", "a")
    await session.answers("PIN: ", "12")
    assert "✖ A PIN has 6 to 12 digits." in visible(await session.terminal.reads("PIN: "))


@pytest.fixture
def surroundings(terminal: Terminal, clock: FakeClock) -> Surroundings:
    """A command whose user sits at this terminal."""
    return Surroundings(
        stdin=terminal.typed,
        stdout=terminal.screen,
        environment={"TERM": "xterm"},
        clock=clock,
        random_bytes=system_random,
    )


@pytest.mark.parametrize("plain", [False, True])
async def test_a_phone_that_runs_shows_each_outcome(
    bank: ScriptedBank,
    identity: DeviceIdentity,
    tmp_path: Path,
    terminal: Terminal,
    surroundings: Surroundings,
    *,
    plain: bool,
) -> None:
    """Refused with the attempts left, the warning, and locked out; plainly if that is wanted."""
    async with ScriptedSocketService(bank) as service:
        keystore = Keystore(tmp_path / "phone")
        keystore.prepare()
        keystore.save(replace(identity, websocket=service.url))
        options = RunOptions(AttendedBy.USER, 0, None, keystore.directory, None, json=False)
        world = replace(surroundings, plain=plain)
        running = asyncio.create_task(run(options, world))
        conversation = await service.next()
        await conversation.welcome(bank.offer("tx-1", factors=("pin",)))
        for left, reason in ((1, RefusalReason.FACTORS), (None, RefusalReason.LOCKED)):
            await terminal.reads("Your answer [decline]: ")
            await terminal.types("a\r")
            await terminal.reads("PIN: ")
            await terminal.types("482915\r")
            decision = await conversation.hear_decision()
            await conversation.say(refused(decision, reason=reason, attempts_left=left))
        await terminal.reads("an operator must unlock this user.")
        await conversation.say(AttemptsWarning("d", "Tablet", 0, NOW_MS // 1000))
        await terminal.reads("locked after too many wrong PINs or codes, the last on Tablet.")
        running.cancel()
        await asyncio.wait({running}, timeout=PATIENCE_SECONDS)
    seen = visible(terminal.seen)
    assert "Refused. The PIN, the passkey or a code was not right. Attempts left: 1." in seen
    assert ("✖ Refused." in seen) is not plain
    assert ("! Refused." in seen) is not plain
    assert ("━" in seen) is not plain


@pytest.mark.parametrize(
    ("argument", "variable", "table"),
    [([], "", True), (["--plain"], "", False), ([], "1", False), (["--json"], "", False)],
)
async def test_history_is_a_table_for_people_only(
    identity: DeviceIdentity,
    bank: ScriptedBank,
    tmp_path: Path,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    argument: list[str],
    variable: str,
    *,
    table: bool,
) -> None:
    """``--plain``, NO_COLOR and ``--json`` have lines, a line each."""
    monkeypatch.setattr(sys, "stdout", terminal.screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", variable)
    keystore = Keystore(tmp_path)
    keystore.prepare()
    keystore.save(identity)
    Journal(tmp_path).record(Decided("tx-1", Verdict.APPROVE, NOW_MS, bank.challenge()))
    assert main(["history", *argument, "--state", str(tmp_path)]) == 0
    terminal.screen.flush()
    seen = await terminal.reads("Invoice 4711")
    assert ("When" in seen) is table
    assert ("AMOUNT        12.50 EUR" in seen.replace("\x1b[0m", "")) is table
