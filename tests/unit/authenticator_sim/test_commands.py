"""The commands as a user or a program starts them, against a scripted service."""

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from authenticator_sim.cli import main
from authenticator_sim.commands.enrol import EnrolOptions
from authenticator_sim.commands.pins import choose_pin, obtain_pin
from authenticator_sim.commands.run import AttendedBy, RunOptions, run
from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.pin import Pin
from authenticator_sim.errors import NotEnrolled, UsageError
from authenticator_sim.keystore import Keystore
from authenticator_sim.ports import SystemClock, system_random
from ciba_service.sca.messages import (
    ChallengeOffered,
    CloseCode,
    Factor,
    HandleRefusal,
    LastingAccess,
    RefusalReason,
)
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.unit.authenticator_sim.pseudo_terminal import Terminal
from tests.unit.authenticator_sim.scripted_service import (
    ACTIVATION_CODE,
    DEVICE_ID,
    HANDLE,
    PATIENCE_SECONDS,
    PIN,
    SECOND_SECRET,
    ScriptedBank,
    ScriptedHttpService,
    ScriptedSocketService,
    serving,
    transaction_of,
)

ACCESS = "A" * 22
FAR = 4_000_000_000  # seconds: the commands use the real clock


@dataclass
class CommandLine:
    """A service, a directory, and what a command said."""

    service: ScriptedHttpService
    base: str
    state: Path
    capsys: pytest.CaptureFixture[str]

    async def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Run one command; return its status, output and errors."""
        full = [*arguments, "--state", str(self.state)]
        status = await asyncio.to_thread(main, full)
        out, err = self.capsys.readouterr()
        return status, out, err

    def offer(self, *names: str, **changes: Any) -> None:
        """Open requests at the service."""
        bank = self.service.bank
        for name in names:
            self.service.open[name] = bank.offer(name, exp=FAR, **changes)

    async def enrol(self, *more: str) -> tuple[int, str, str]:
        """Enrol a phone."""
        return await self(
            "enrol", "--issuer", self.base, "--activation-code", ACTIVATION_CODE, *more
        )


@pytest.fixture
async def command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[CommandLine]:
    """Start a service; the PIN is in the environment; nobody is at a terminal."""
    monkeypatch.setenv("AUTHENTICATOR_SIM_PIN", PIN)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    service = ScriptedHttpService(ScriptedBank())
    async with serving(service.app()) as base:
        service.bank.issuer = base
        yield CommandLine(service, base, tmp_path / "phone", capsys)


@pytest.mark.parametrize("name", ["-" + "A" * 21, "--" + "A" * 20])
async def test_a_transaction_whose_name_begins_with_a_hyphen_is_no_option(
    command: CommandLine, name: str
) -> None:
    """One in 64 does; options may stand behind it."""
    await command.enrol("--second-secret", SECOND_SECRET)
    command.offer(name)
    status, out, _ = await command("approve", name)
    assert (status, out.splitlines()[-1]) == (0, "Approved: Corner Shop.")
    ended = await command("access", "end", name)
    assert ended == (1, f"There is no access {name}.\n", "")


async def test_whoever_separates_names_already_is_taken_at_its_word(
    command: CommandLine,
) -> None:
    """Nothing is moved past a ``--``."""
    name = "-" + "A" * 21
    await command.enrol("--second-secret", SECOND_SECRET)
    full = ["access", "end", "--state", str(command.state), "--", name]
    assert await asyncio.to_thread(main, full) == 1
    assert command.capsys.readouterr().out.endswith(f"There is no access {name}.\n")


async def test_enrol_list_approve_deny_history(command: CommandLine) -> None:
    """The first journey on the command line."""
    assert await command.enrol("--second-secret", SECOND_SECRET, "--name", "Tablet") == (
        0,
        f"Enrolled for alice at {command.base} as {DEVICE_ID}.\n",
        "",
    )
    bank = command.service.bank
    assert (bank.enrolment["name"], bank.enrolment["second_secret"]) == ("Tablet", SECOND_SECRET)

    command.offer("tx-1", "tx-2")
    status, out, _ = await command("list")
    assert status == 0
    assert "Transaction tx-1" in out
    assert "Transaction tx-2" in out

    token = command.service.open["tx-1"]
    status, out, _ = await command("approve", "tx-1")
    assert status == 0
    assert "12.50 EUR" in out
    assert "Transaction tx-2" not in out
    assert out.endswith("Approved: Corner Shop.\n")
    verified = bank.verify_decision(command.service.decisions[0], challenge=token)
    assert verified.proofs is not None
    assert verified.proofs["pin_proof"] == bank.expected_pin_proof(verified.claims)

    status, out, _ = await command("deny", "tx-2", "--reason", "not_me")
    assert status == 0
    assert out.endswith("Declined and reported: Corner Shop.\n")

    status, out, _ = await command("history")
    assert status == 0
    lines = out.splitlines()
    assert "approved  Confirm payment  Corner Shop  W4SCT  12.50 EUR  Corner Shop Ltd" in lines[0]
    assert lines[0].endswith("  DE89 3704 0044 0532 0130 00  Invoice 4711")
    assert "declined (not_me)" in lines[1]
    assert await command("list") == (0, "No open requests.\n", "")


async def test_access_is_listed_and_ended(command: CommandLine) -> None:
    """By a person and by a program; what is not there is status 1."""
    await command.enrol()
    assert await command("access", "list") == (0, "No client has access that lasts.\n", "")
    for name in (ACCESS, "B" * 22):
        command.service.accesses[name] = LastingAccess(name, "Shop", ("Your identity",), 1, 2)
    status, out, _ = await command("access", "list")
    assert status == 0
    assert out.count("Client:  Shop\n") == 2
    assert await command("access", "end", ACCESS) == (0, f"Access {ACCESS} has ended.\n", "")
    assert await command("access", "end", ACCESS) == (1, f"There is no access {ACCESS}.\n", "")
    status, out, _ = await command("access", "list", "--json")
    assert status == 0
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["access", "accesses"]
    status, out, _ = await command("access", "end", "B" * 22, "--json")
    assert json.loads(out) == {"event": "access_ended", "transaction_id": "B" * 22}


async def test_what_is_no_transaction_id_is_not_sent(command: CommandLine) -> None:
    """It is wrong usage."""
    await command.enrol()
    status, out, err = await command("access", "end", "tx-1")
    assert (status, out) == (2, "")
    assert "22 letters" in err


async def test_json_is_one_object_a_line(command: CommandLine) -> None:
    """For every command."""
    events = []
    _, out, _ = await command.enrol("--json")
    events.append([json.loads(line)["event"] for line in out.splitlines()])
    command.offer("tx-1")
    for arguments in (["list"], ["approve", "tx-1"], ["history"]):
        _, out, _ = await command(*arguments, "--json")
        events.append([json.loads(line)["event"] for line in out.splitlines()])
    assert events == [["enrolled"], ["challenge", "fetched"], ["challenge", "decided"], ["decided"]]


async def test_a_refused_decision_is_status_1(command: CommandLine) -> None:
    """With the attempts left."""
    await command.enrol()
    command.offer("tx-1")
    command.service.refusals = [(RefusalReason.FACTORS, 4)]
    status, out, _ = await command("approve", "tx-1")
    assert status == 1
    assert "Attempts left: 4." in out


async def test_a_handle_is_shown(command: CommandLine) -> None:
    """As a line to copy and as one JSON object; a lost answer is asked for again."""
    await command.enrol()
    command.service.statuses = [503]
    status, out, err = await command("handle")
    assert (status, out, err) == (0, f"{HANDLE}\nGood for one request within 180 s.\n", "")
    status, out, _ = await command("handle", "--json")
    assert status == 0
    assert json.loads(out) == {"event": "handle", "handle": HANDLE, "expires_in": 180}


async def test_no_handle_is_status_1(command: CommandLine) -> None:
    """With the reason."""
    await command.enrol()
    command.service.handle_refusal = HandleRefusal.LOCKED
    status, out, _ = await command("handle")
    assert status == 1
    assert out.startswith("No handle. Too many failed attempts")


async def test_an_unknown_transaction_is_status_1(command: CommandLine) -> None:
    """For both verdicts; nothing is sent."""
    await command.enrol()
    for verb in ("approve", "deny"):
        status, _, err = await command(verb, "tx-9")
        assert status == 1
        assert err == "authenticator-sim: There is no open request with this transaction id.\n"
    assert command.service.decisions == []


async def test_a_challenge_for_the_device_key_needs_no_pin(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is asked for one."""
    await command.enrol()
    monkeypatch.delenv("AUTHENTICATOR_SIM_PIN")
    command.offer("tx-1", factors=(Factor.DEVICE_KEY,))
    status, _, _ = await command("approve", "tx-1")
    assert status == 0
    command.offer("tx-2")
    status, _, err = await command("approve", "tx-2")
    assert status == 2
    assert "give --pin-file or AUTHENTICATOR_SIM_PIN" in err


async def test_the_code_of_the_other_device_is_given_on_the_command_line(
    command: CommandLine,
) -> None:
    """Where the challenge asks for it."""
    await command.enrol()
    command.offer("tx-1", factors=(Factor.DEVICE_KEY, Factor.VERIFICATION_CODE))
    status, _, err = await command("approve", "tx-1")
    assert (status, "the code that the other device shows" in err) == (1, True)
    status, _, _ = await command("approve", "tx-1", "--verification-code", "042187")
    assert status == 0


async def test_forged_challenges_are_listed_as_a_warning(command: CommandLine) -> None:
    """And cannot be approved."""
    await command.enrol()
    command.offer("tx-1", iss="https://attacker.example")
    status, out, err = await command("approve", "tx-1")
    assert status == 1
    assert "WARNING" in out
    assert "no open request" in err


async def test_a_phone_is_enrolled_once_in_a_directory(command: CommandLine) -> None:
    """The second activation code is not spent."""
    await command.enrol()
    status, _, err = await command.enrol()
    assert status == 1
    assert "name another with --state" in err
    assert len(command.service.enrolments) == 1


async def test_enrolling_if_needed_is_content_with_the_phone_that_is_there(
    command: CommandLine,
) -> None:
    """A container may start again; but a phone of another issuer is not what was asked for."""
    first = await command.enrol("--if-needed")
    assert first[0] == 0
    assert await command.enrol("--if-needed") == first
    assert len(command.service.enrolments) == 1
    status, _, err = await command(
        "enrol", "--if-needed", "--issuer", "https://op.example", "--activation-code", "c"
    )
    assert status == 1
    assert "belongs to another issuer" in err


@pytest.mark.clause("nist63b-3.1.3.1-3")
async def test_certificates_of_the_given_authority_only(
    command: CommandLine, tmp_path: Path
) -> None:
    """Over TLS the phone enrols with --ca-file, and not without it."""
    certificate = await asyncio.to_thread(LoopbackCertificate.write, tmp_path)
    async with serving(command.service.app(), certificate) as base:
        command.base = command.service.bank.issuer = base
        assert base.startswith("https://")
        status, _, err = await command.enrol()
        assert status == 1
        assert "certificate of the service is not trusted (self-signed certificate" in err
        assert "--ca-file" in err
        assert command.service.enrolments == []
        status, _, _ = await command.enrol("--ca-file", str(certificate.chain))
        assert status == 0
        status, out, _ = await command("list", "--ca-file", str(certificate.chain))
        assert (status, out) == (0, "No open requests.\n")


async def test_a_wrong_code_is_status_1(command: CommandLine) -> None:
    """One sentence, which names the issuer too, and no keystore."""
    command.service.enrolment_statuses = [400]
    status, _, err = await command.enrol()
    assert status == 1
    assert "did not accept" in err
    assert f"its issuer is not {command.base} to the letter" in err
    assert not (command.state / "keystore.json").exists()


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (f"{PIN}\n", 0, ""),
        ("123456", 1, "too easy"),
        ("73", 1, "6 to 12 digits"),
        ("ü" * 6, 1, "6 to 12 digits"),
    ],
)
async def test_the_pin_file_goes_before_the_environment(
    command: CommandLine, tmp_path: Path, content: str, status: int, sentence: str
) -> None:
    """A bad PIN spends no activation code and is not repeated."""
    pin_file = tmp_path / "pin"
    await asyncio.to_thread(pin_file.write_text, content)
    got, _, err = await command.enrol("--pin-file", str(pin_file))
    assert got == status
    assert sentence in err
    assert content.strip() not in err
    assert len(command.service.enrolments) == (1 if status == 0 else 0)


@pytest.mark.parametrize(
    "arguments",
    [
        ["enrol", "--issuer", "x", "--activation-code", "c", "--pin-file", "/nonexistent"],
        ["enrol", "--issuer", "x", "--activation-code", "c", "--ca-file", "/nonexistent"],
    ],
)
async def test_files_that_are_not_there_are_wrong_usage(
    command: CommandLine, arguments: list[str]
) -> None:
    """Status 2, with the name of the file."""
    arguments[2] = command.base
    status, _, err = await command(*arguments)
    assert status == 2
    assert "/nonexistent" in err


async def test_plain_text_to_another_machine_is_status_1(command: CommandLine) -> None:
    """Before anything is sent or stored."""
    status, _, err = await command(
        "enrol", "--issuer", "http://op.example", "--activation-code", "c"
    )
    assert status == 1
    assert "https://" in err
    assert not command.state.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["run", "--approve-all", "--deny-all"],
        ["run", "--approve-all", "--automation-port", "0"],
        ["run", "--automation-port", "65536"],
        ["run", "--automation-port", "x"],
        ["run", "--pin", "739154"],
        ["approve"],
        ["deny", "tx-1", "--reason", "because"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    """Among it any PIN on the command line."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize("name", ["enrol", "run", "list", "approve", "deny", "handle", "history"])
def test_help_is_everywhere(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 0."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert "--state DIR" in capsys.readouterr().out


def test_the_state_directory_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """XDG_STATE_HOME, and a clear sentence when there is no phone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert main(["history"]) == 1
    assert str(tmp_path / "authenticator-sim") in capsys.readouterr().err


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, 1), (BrokenPipeError, 1)])
def test_an_interrupted_command_is_status_1(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
    status: int,
) -> None:
    """Ctrl-C, or a reader that has gone."""

    def interrupted(_self: Keystore) -> DeviceIdentity:
        raise error

    monkeypatch.setattr(Keystore, "load", interrupted)
    assert main(["history", "--state", str(tmp_path)]) == status


class Screen(io.StringIO):
    """Standard output that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._written = asyncio.Event()

    def write(self, text: str, /) -> int:
        """Write and wake."""
        self._written.set()
        return super().write(text)

    async def shows(self, text: str) -> None:
        """Wait for a text."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.getvalue():
                await self._written.wait()
                self._written.clear()


@dataclass
class RunningPhone:
    """A phone that was started with ``run``, and its service."""

    service: ScriptedSocketService
    state: Path
    screen: Screen
    bank: ScriptedBank

    def start(
        self, attended_by: AttendedBy, pin: str | None = PIN, *, json: bool = False
    ) -> asyncio.Task[bool]:
        """Start the command."""
        options = RunOptions(
            attended_by=attended_by,
            automation_port=0,
            pin_file=None,
            state=self.state,
            ca_file=None,
            json=json,
        )
        surroundings = Surroundings(
            stdin=io.StringIO(),
            stdout=self.screen,
            environment={} if pin is None else {"AUTHENTICATOR_SIM_PIN": pin},
            clock=SystemClock(),
            random_bytes=system_random,
        )
        return asyncio.create_task(run(options, surroundings))


@pytest.fixture
async def phone(
    tmp_path: Path, identity: DeviceIdentity, bank: ScriptedBank
) -> AsyncIterator[RunningPhone]:
    """An enrolled phone that is not started."""
    async with ScriptedSocketService(bank) as service:
        keystore = Keystore(tmp_path / "phone")
        await asyncio.to_thread(keystore.prepare)
        await asyncio.to_thread(keystore.save, replace(identity, websocket=service.url))
        yield RunningPhone(service, tmp_path / "phone", Screen(), bank)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_headless_phone_approves_all_until_a_signal(
    phone: RunningPhone, number: signal.Signals
) -> None:
    """Several at once and one after the other; the signal ends it cleanly."""
    running = phone.start(AttendedBy.APPROVE_ALL)
    names = ["tx-1", "tx-2", "tx-3"]
    tokens = {name: phone.bank.offer(name, exp=FAR, factors=(Factor.PIN,)) for name in names}
    conversation = await phone.service.next()
    await conversation.welcome(*tokens.values())
    decided = set()
    for _ in names:
        decision = await conversation.hear_decision()
        name = transaction_of(decision)
        assert phone.bank.verify_decision(decision, challenge=tokens[name]).proofs
        decided.add(name)
        await conversation.accept(decision)
    assert decided == set(names)
    await phone.screen.shows("Approved: Corner Shop.\n")
    os.kill(os.getpid(), number)
    assert await asyncio.wait_for(running, PATIENCE_SECONDS) is True
    assert phone.screen.getvalue().count("Approved: Corner Shop.") >= 2


async def test_json_events_of_a_run(phone: RunningPhone) -> None:
    """In the order in which they happen."""
    running = phone.start(AttendedBy.DENY_ALL, pin=None, json=True)
    conversation = await phone.service.next()
    await conversation.welcome(phone.bank.offer(exp=FAR))
    await conversation.accept(await conversation.hear_decision())
    await phone.screen.shows('"decided"')
    await conversation.close(CloseCode.REPLACED)
    assert await asyncio.wait_for(running, PATIENCE_SECONDS) is False
    events = [json.loads(line)["event"] for line in phone.screen.getvalue().splitlines()]
    assert events == ["connected", "challenge", "fetched", "decided", "stopped"]


async def test_a_run_in_automation_mode_decides_nothing_by_itself(phone: RunningPhone) -> None:
    """It tells its port and waits."""
    running = phone.start(AttendedBy.AUTOMATION)
    conversation = await phone.service.next()
    await conversation.welcome(phone.bank.offer(exp=FAR))
    await phone.screen.shows("Automation endpoint: http://127.0.0.1:")
    await phone.screen.shows("12.50 EUR")
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(running, PATIENCE_SECONDS) is True


@pytest.mark.parametrize(
    ("attended_by", "pin", "sentence"),
    [
        (AttendedBy.USER, PIN, "Nobody to answer"),
        (AttendedBy.APPROVE_ALL, None, "No PIN"),
        (AttendedBy.AUTOMATION, None, "No PIN"),
    ],
)
async def test_a_run_that_nobody_can_answer_does_not_start(
    phone: RunningPhone, attended_by: AttendedBy, pin: str | None, sentence: str
) -> None:
    """Without terminal, rule or PIN."""
    with pytest.raises(UsageError, match=sentence):
        await phone.start(attended_by, pin)
    assert phone.service.quiet


async def test_a_run_without_a_phone_does_not_start(phone: RunningPhone, tmp_path: Path) -> None:
    """It says how to make one."""
    phone.state = tmp_path / "empty"
    with pytest.raises(NotEnrolled):
        await phone.start(AttendedBy.DENY_ALL)


def at_terminal(terminal: Terminal) -> Surroundings:
    """A command whose user sits at a terminal."""
    return Surroundings(
        stdin=terminal.typed,
        stdout=terminal.screen,
        environment={},
        clock=SystemClock(),
        random_bytes=system_random,
    )


async def test_a_user_at_the_terminal_answers(phone: RunningPhone, terminal: Terminal) -> None:
    """The whole program: challenge, decline, outcome, and Ctrl-D at the next question."""
    options = RunOptions(AttendedBy.USER, 0, None, phone.state, None, json=False)
    running = asyncio.create_task(run(options, at_terminal(terminal)))
    conversation = await phone.service.next()
    await conversation.welcome(phone.bank.offer("tx-1", exp=FAR))
    await terminal.reads("Your answer [decline]: ")
    await terminal.types("\r")
    await conversation.accept(await conversation.hear_decision())
    await terminal.reads("Declined: Corner Shop.")
    await conversation.say(ChallengeOffered(phone.bank.offer("tx-2", exp=FAR)))
    await terminal.reads("Your answer [decline]: ")
    await terminal.types("\x04")
    assert await asyncio.wait_for(running, PATIENCE_SECONDS) is True
    assert terminal.seen.count("Confirm payment") == 2


async def test_an_answer_that_nobody_confirmed_is_told_at_the_end(
    phone: RunningPhone, terminal: Terminal
) -> None:
    """It may have counted: whoever ends the phone in between does not go without a word."""
    options = RunOptions(AttendedBy.USER, 0, None, phone.state, None, json=False)
    running = asyncio.create_task(run(options, at_terminal(terminal)))
    conversation = await phone.service.next()
    offers = [phone.bank.offer(name, exp=FAR) for name in ("tx-1", "tx-2")]
    await conversation.welcome(*offers)
    await terminal.reads("Your answer [decline]: ")
    await terminal.types("\r")
    await conversation.hear_decision()
    await terminal.reads("Your answer [decline]: ")
    await terminal.types("\x04")
    assert await asyncio.wait_for(running, PATIENCE_SECONDS) is True
    await terminal.reads("Your answer to Corner Shop was never confirmed")


@pytest.mark.clause("sca-art22-2")
async def test_a_new_pin_is_typed_twice_and_hidden(terminal: Terminal) -> None:
    """Trivial and differing ones are asked for again."""
    choosing = asyncio.create_task(choose_pin(at_terminal(terminal), None))
    for question, answer in (
        ("12 digits): ", "123456"),
        ("12 digits): ", PIN),
        ("Once more: ", "739155"),
        ("12 digits): ", PIN),
        ("Once more: ", PIN),
    ):
        await terminal.reads(question)
        await terminal.types(f"{answer}\r")
    assert (await choosing).digits == PIN
    await terminal.reads("\n")
    assert "too easy to guess" in terminal.seen
    assert "The two PINs differ." in terminal.seen
    assert PIN not in terminal.seen


async def test_a_pin_is_asked_for_where_none_is_given(terminal: Terminal) -> None:
    """Once, hidden."""
    asking = asyncio.create_task(obtain_pin(at_terminal(terminal), None))
    await terminal.reads("PIN: ")
    await terminal.types(f"{PIN}\r")
    assert (await asking).digits == PIN
    await terminal.reads("\n")
    assert PIN not in terminal.seen


@pytest.mark.parametrize("command", [choose_pin, obtain_pin])
async def test_no_pin_entered_is_wrong_usage(
    terminal: Terminal, command: Callable[[Surroundings, None], Awaitable[Pin]]
) -> None:
    """Ctrl-D at the question."""
    asking = asyncio.ensure_future(command(at_terminal(terminal), None))
    await terminal.reads(": ")
    await terminal.types("\x04")
    with pytest.raises(UsageError, match="No PIN was entered"):
        await asking


async def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    """``python -m authenticator_sim``, with its exit status."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "authenticator_sim",
        "history",
        "--state",
        str(tmp_path / "none"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"run authenticator-sim enrol" in errors


def test_no_representation_shows_a_secret() -> None:
    """The options of ``enrol`` hold an activation code and a second secret."""
    options = EnrolOptions(
        issuer="https://op.example",
        activation_code=ACTIVATION_CODE,
        second_secret=SECOND_SECRET,
        name="Tablet",
        if_needed=False,
        pin_file=None,
        state=Path("/nowhere"),
        ca_file=None,
        json=False,
    )
    assert repr(options) == "EnrolOptions(issuer='https://op.example', ...)"
