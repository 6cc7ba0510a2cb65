"""The phone at a real (pseudo) terminal: keyboard, dialogue and the attendant behind it."""

import asyncio
import io
import os
import pty
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from authenticator_sim.core import jose
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import Closed, Withdrawal
from authenticator_sim.core.identity.passkeys import SoftwarePasskey
from authenticator_sim.core.identity.pin import Pin
from authenticator_sim.keystore import Keystore
from authenticator_sim.terminal.keyboard import Keyboard, KeyboardClosed
from ciba_service.sca.messages import (
    Factor,
    RefusalReason,
    Shown,
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
    accepted,
    refused,
    transaction_of,
)
from tests.unit.authenticator_sim.terminal.terminal_session import Session, session_with


@pytest.mark.clause("sca-art6-2", "sca-art22-2")
async def test_a_secret_is_never_echoed(terminal: Terminal) -> None:
    """Each digit shows as a star; the terminal is put back afterwards."""
    answer = asyncio.create_task(terminal.keyboard.ask_secret("PIN: "))
    await terminal.reads("PIN: ")
    await terminal.types(f"{PIN}\r")
    assert await answer == PIN
    assert await terminal.reads("\n") == "******\n"
    assert PIN not in terminal.seen


@pytest.mark.clause("sca-art6-2", "sca-art22-2")
async def test_nothing_is_echoed_once_the_question_stands_there(terminal: Terminal) -> None:
    """Whoever answers at once, by pasting say, is not shown either, and is heard."""
    answers = f"{PIN}\r"

    class Screen(io.StringIO):
        def flush(self) -> None:
            nonlocal answers
            terminal.screen.write(self.getvalue())
            terminal.screen.flush()
            self.seek(self.truncate(0))
            os.write(terminal.user, answers.encode())
            answers = ""

    keyboard = Keyboard(terminal.program, Screen())
    assert await asyncio.wait_for(keyboard.ask_secret("PIN: "), PATIENCE_SECONDS) == PIN
    assert await terminal.reads("\n") == "PIN: ******\n"


async def test_an_answer_is_echoed_and_can_be_corrected(terminal: Terminal) -> None:
    """Backspace takes one letter back, never more than there are; controls do nothing."""
    answer = asyncio.create_task(terminal.keyboard.ask("? "))
    await terminal.reads("? ")
    await terminal.types("ü\x7f\x7f\x08dx\x7f\x1bn\n")
    assert await answer == "dn"


async def test_an_endless_answer_is_cut_off(terminal: Terminal) -> None:
    """Two hundred and fifty-six letters are enough."""
    answer = asyncio.create_task(terminal.keyboard.ask("? "))
    await terminal.reads("? ")
    await terminal.types("x" * 300 + "\n")
    assert await answer == "x" * 256


async def test_ctrl_d_is_no_answer(terminal: Terminal) -> None:
    """The user has gone."""
    answer = asyncio.create_task(terminal.keyboard.ask("? "))
    await terminal.reads("? ")
    await terminal.types("a\x04")
    with pytest.raises(KeyboardClosed):
        await answer


async def test_a_question_can_be_taken_back(terminal: Terminal) -> None:
    """Cancelled, the terminal echoes again."""
    answer = asyncio.create_task(terminal.keyboard.ask_secret("PIN: "))
    await terminal.reads("PIN: ")
    await terminal.types("12")
    answer.cancel()
    await asyncio.wait({answer})
    assert terminal.echoes()


async def test_a_closed_terminal_is_no_answer() -> None:
    """The window was closed."""
    user, program = pty.openpty()
    keyboard = Keyboard(program, io.StringIO())
    answer = asyncio.create_task(keyboard.ask("? "))
    await asyncio.sleep(0)
    os.close(user)
    with pytest.raises(KeyboardClosed):
        await answer
    with pytest.raises(KeyboardClosed):
        await keyboard.ask("? ")
    os.close(program)


@pytest.fixture
async def session(
    terminal: Terminal, device: Device, bank: ScriptedBank, clock: FakeClock, tmp_path: Path
) -> AsyncIterator[Session]:
    """A phone whose user types everything."""
    session = session_with(terminal, device, bank, clock, tmp_path)
    yield session
    session.task.cancel()
    await asyncio.wait({session.task})


@pytest.mark.clause("nist63b-3.2.8-1")
async def test_approving_takes_a_key_the_pin_and_the_code(session: Session) -> None:
    """The phone fills in its own code; nothing secret is on the screen."""
    token = session.offer()
    view = await session.terminal.reads("Your answer [decline]: ")
    assert "12.50 EUR" in view
    assert session.outbox.sent.empty()
    await session.terminal.types("a\r")
    await session.answers("PIN: ", PIN)
    await session.answers("One-time code", "")
    verified = session.bank.verify_decision(await session.outbox.next(), challenge=token)
    code = session.bank.otp_at(NOW_MS)
    assert verified.proofs == {
        "jti": verified.claims["jti"],
        "pin_proof": session.bank.expected_pin_proof(verified.claims),
        "otp": code,
    }
    await session.terminal.reads("\n")
    assert PIN not in session.terminal.seen
    assert code not in session.terminal.seen


async def test_what_is_shown_is_told(session: Session) -> None:
    """Once it is on the screen; a name that no receipt can hold is not told."""
    session.offer("A" * 22)
    await session.answers("Your answer [decline]: ", "")
    await session.outbox.next()
    session.offer()
    await session.answers("Your answer [decline]: ", "")
    await session.outbox.next()
    assert session.outbox.receipts == [Shown("A" * 22)]


async def test_a_typed_code_is_used(session: Session) -> None:
    """Another authenticator may show it; it is masked like a PIN."""
    token = session.offer()
    await session.answers("[decline]: ", "A")
    await session.answers("PIN: ", PIN)
    await session.answers("own]: ", "135791")
    verified = session.bank.verify_decision(await session.outbox.next(), challenge=token)
    assert verified.proofs is not None
    assert verified.proofs["otp"] == "135791"
    assert "135791" not in session.terminal.seen


async def test_the_code_of_the_other_device_is_asked_for(session: Session) -> None:
    """After the PIN, and it may be seen: the other device shows it anyway."""
    token = session.offer(factors=(Factor.DEVICE_KEY, Factor.PIN, Factor.VERIFICATION_CODE))
    await session.terminal.reads("the other device shows six digits")
    await session.answers("[decline]: ", "a")
    await session.answers("PIN: ", PIN)
    await session.answers("Code that the other device shows: ", "042 187")
    verified = session.bank.verify_decision(await session.outbox.next(), challenge=token)
    assert verified.proofs is not None
    assert verified.proofs["verification_code"] == "042187"


@pytest.fixture
async def passkey_session(
    terminal: Terminal, device: Device, bank: ScriptedBank, clock: FakeClock, tmp_path: Path
) -> AsyncIterator[Session]:
    """A phone with a passkey."""
    keystore = Keystore(tmp_path / "keys")
    keystore.prepare()
    passkey = SoftwarePasskey(
        "A" * 22,
        jose.new_private_key(),
        "bank.example",
        "https://bank.example",
        "u",
        registered=True,
    )
    keystore.save(replace(device.identity, passkeys=(passkey,)))
    session = session_with(terminal, device, bank, clock, tmp_path, keystore=keystore)
    yield session
    session.task.cancel()
    await asyncio.wait({session.task})


async def test_a_passkey_is_offered_in_place_of_the_pin(passkey_session: Session) -> None:
    """With a gesture of its user the PIN is not asked for; without one it is."""
    session = passkey_session
    token = session.offer(passkey_for_pin=True, factors=(Factor.DEVICE_KEY, Factor.PIN))
    await session.answers("[decline]: ", "a")
    await session.answers("passkey [y, else with the PIN]: ", "y")
    verified = session.bank.verify_decision(await session.outbox.next(), challenge=token)
    assert verified.proofs is not None
    assert set(verified.proofs) == {"jti", "passkey"}
    assert verified.proofs["passkey"]["id"] == "A" * 22
    other = session.offer("tx-2", passkey_for_pin=True, factors=(Factor.DEVICE_KEY, Factor.PIN))
    await session.answers("[decline]: ", "a")
    await session.answers("passkey [y, else with the PIN]: ", "")
    await session.answers("PIN: ", PIN)
    verified = session.bank.verify_decision(await session.outbox.next(), challenge=other)
    assert verified.proofs is not None
    assert set(verified.proofs) == {"jti", "pin_proof"}


async def test_a_passkey_that_is_asked_for_does_nothing_by_itself(passkey_session: Session) -> None:
    """Without the gesture nothing is sent; with it the PIN is not asked for."""
    session = passkey_session
    session.offer(factors=(Factor.DEVICE_KEY, Factor.PASSKEY))
    await session.answers("[decline]: ", "a")
    await session.answers("passkey [y, else no]: ", "n")
    await session.terminal.reads("a gesture of yours")
    assert session.outbox.sent.empty()
    session.offer("tx-2", factors=(Factor.DEVICE_KEY, Factor.PASSKEY))
    await session.answers("[decline]: ", "a")
    await session.answers("passkey [y, else no]: ", "y")
    assert await session.outbox.next()
    assert "PIN: " not in session.terminal.seen


async def test_a_phone_without_a_passkey_offers_none(session: Session) -> None:
    """And says what is missing where one is asked for."""
    session.offer(passkey_for_pin=True, factors=(Factor.DEVICE_KEY, Factor.PIN))
    await session.answers("[decline]: ", "a")
    await session.answers("PIN: ", PIN)
    assert await session.outbox.next()
    session.offer("tx-2", factors=(Factor.DEVICE_KEY, Factor.PASSKEY))
    await session.answers("[decline]: ", "a")
    await session.answers("passkey [y, else no]: ", "y")
    await session.terminal.reads("This phone has no passkey")


@pytest.mark.clause("rfc10027-6.1.14-2")
@pytest.mark.parametrize(
    ("answer", "reason"), [("", "declined"), ("d", "declined"), ("n", "not_me")]
)
async def test_enter_declines(session: Session, answer: str, reason: str) -> None:
    """Declining takes one key and no factor."""
    token = session.offer()
    await session.answers("[decline]: ", answer)
    claims = session.bank.verify_decision(await session.outbox.next(), challenge=token).claims
    assert (claims["verdict"], claims["reason"]) == ("deny", reason)


async def test_another_key_decides_nothing(session: Session) -> None:
    """The question is put again."""
    session.offer()
    await session.answers("[decline]: ", "yes")
    await session.answers("Enter, n or a: ", "approve")
    await session.answers("Enter, n or a: ", "n")
    assert await session.outbox.next()


async def test_a_pin_that_is_none_is_asked_for_again(session: Session) -> None:
    """A typing mistake costs no attempt."""
    session.offer()
    await session.answers("[decline]: ", "a")
    await session.answers("PIN: ", "12345")
    await session.terminal.reads("A PIN has 6 to 12 digits.")
    await session.answers("PIN: ", PIN)
    await session.answers("own]: ", "")
    assert await session.outbox.next()


async def test_only_the_factors_asked_for_are_asked(session: Session) -> None:
    """A challenge for the device key alone needs neither PIN nor code."""
    session.offer(factors=("device_key",))
    await session.answers("[decline]: ", "a")
    assert await session.outbox.next()
    assert "PIN" not in session.terminal.seen


async def test_a_wrong_pin_may_be_tried_again(session: Session) -> None:
    """The same challenge comes back with its question."""
    session.offer()
    await session.answers("[decline]: ", "a")
    await session.answers("PIN: ", "482915")
    await session.answers("own]: ", "")
    first = await session.outbox.next()
    session.hear(refused(first, reason=RefusalReason.FACTORS, attempts_left=4))
    await session.answers("[decline]: ", "")
    second = await session.outbox.next()
    session.hear(accepted(second))
    assert session.device.history[0].verdict == "deny"


async def test_a_withdrawn_challenge_is_taken_away_while_it_is_read(session: Session) -> None:
    """The question ends, and the next request follows."""
    session.offer()
    await session.terminal.reads("[decline]: ")
    session.offer("tx-2")
    session.hear(Withdrawn("tx-1", WithdrawnReason.DECIDED))
    await session.terminal.reads("no longer open")
    await session.answers("[decline]: ", "")
    token = await session.outbox.next()
    assert "tx-2" in str(session.device.find_challenge("tx-2", now_ms=NOW_MS))
    assert token


async def test_a_challenge_is_never_shown_past_its_expiry(session: Session) -> None:
    """The clock takes it away; one that expired in the queue is not shown at all."""
    session.offer()
    session.offer("tx-2", display=session.bank.challenge().display)
    await session.terminal.reads("[decline]: ")
    await session.clock.until_asleep(180)
    session.clock.advance(180)
    await session.terminal.reads("no longer open")
    session.offer("tx-3", exp=NOW_MS // 1000 + 600)
    await session.terminal.reads("Time left:  7:00 min")
    assert session.terminal.seen.count("Confirm payment") == 2


async def test_an_end_that_is_not_on_the_screen_disturbs_nobody(session: Session) -> None:
    """Only the challenge being read is taken away."""
    session.offer()
    await session.terminal.reads("[decline]: ")
    session.attendant.notice(Closed("tx-9", Withdrawal.CANCELLED))
    await session.terminal.types("\r")
    assert await session.outbox.next()


async def test_not_me_may_be_said_of_a_request_that_is_over(session: Session) -> None:
    """The user is asked once it has gone, with one key to report it and any other to go on."""
    tokens = [session.offer(name) for name in ("tx-1", "tx-2")]
    await session.terminal.reads("[decline]: ")
    for name in ("tx-1", "tx-2"):
        session.hear(Withdrawn(name, WithdrawnReason.CANCELLED))
    await session.terminal.reads("no longer open")
    await session.answers("[n: this was not me]: ", "")
    await session.answers("[n: this was not me]: ", "n")
    said = await session.outbox.next()
    claims = session.bank.verify_decision(said, challenge=tokens[1]).claims
    assert (claims["verdict"], claims["reason"]) == ("deny", "not_me")
    assert session.outbox.sent.empty()


async def test_a_request_does_not_wait_for_what_is_over(session: Session) -> None:
    """It is asked first, and then about the other again, whichever was there before."""
    session.offer()
    await session.terminal.reads("[decline]: ")
    session.hear(Withdrawn("tx-1", WithdrawnReason.EXPIRED))
    session.offer("tx-2")
    await session.answers("[decline]: ", "")
    assert transaction_of(await session.outbox.next()) == "tx-2"
    await session.terminal.reads("[n: this was not me]: ")
    session.offer("tx-3")
    await session.answers("[decline]: ", "")
    assert transaction_of(await session.outbox.next()) == "tx-3"
    await session.answers("[n: this was not me]: ", "n")
    assert transaction_of(await session.outbox.next()) == "tx-1"


async def test_leaving_ends_the_work(session: Session) -> None:
    """Ctrl-D decides nothing."""
    session.offer()
    await session.terminal.reads("[decline]: ")
    await session.terminal.types("\x04")
    await asyncio.wait_for(session.task, PATIENCE_SECONDS)
    assert session.outbox.sent.empty()


async def test_a_decision_that_came_too_late_is_said(session: Session) -> None:
    """The request was answered elsewhere in the same moment."""
    session.offer()
    await session.terminal.reads("[decline]: ")
    session.device.receive(Withdrawn("tx-1", WithdrawnReason.DECIDED), now_ms=NOW_MS)
    await session.terminal.types("\r")
    await session.terminal.reads("There is no open request")


async def test_a_given_pin_is_not_asked_for(
    terminal: Terminal, device: Device, bank: ScriptedBank, clock: FakeClock, tmp_path: Path
) -> None:
    """The user still has to approve."""
    session = session_with(terminal, device, bank, clock, tmp_path, Pin(PIN))
    token = session.offer(factors=("pin",))
    await session.answers("[decline]: ", "a")
    verified = bank.verify_decision(await session.outbox.next(), challenge=token)
    assert verified.proofs is not None
    assert verified.proofs["pin_proof"] == bank.expected_pin_proof(verified.claims)
    session.task.cancel()
    await asyncio.wait({session.task})
