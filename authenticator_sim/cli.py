"""The command line of ``authenticator-sim``: options in, exit status 0, 1 or 2 out."""

import argparse
import asyncio
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from authenticator_sim.commands.enrol import EnrolOptions, enrol
from authenticator_sim.commands.history import history
from authenticator_sim.commands.oneshot import OneShotOptions, approve, deny, list_open
from authenticator_sim.commands.pins import PIN_VARIABLE
from authenticator_sim.commands.run import AttendedBy, RunOptions, run
from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.errors import PhoneError, UsageError
from authenticator_sim.ports import SystemClock, system_random
from ciba_service.sca.messages import DenialReason

__all__ = ["main"]

_DONE: Final = 0
_FAILED: Final = 1
_MISUSED: Final = 2
_HIGHEST_PORT: Final = 65535

_PIN_HELP: Final = f"file with the PIN (else {PIN_VARIABLE}, else a hidden prompt)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when it was done, 1 when it could not be, 2 when the command line cannot be followed.
    """
    options = _parser(os.environ).parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    surroundings = Surroundings(
        stdin=sys.stdin,
        stdout=sys.stdout,
        environment=os.environ,
        clock=SystemClock(),
        random_bytes=system_random,
    )
    try:
        done = _carry_out(options, surroundings)
    except UsageError as error:
        return _fail(str(error), _MISUSED)
    except PhoneError as error:
        return _fail(str(error), _FAILED)
    except KeyboardInterrupt:
        return _fail("Interrupted.", _FAILED)
    except BrokenPipeError:
        return _FAILED
    return _DONE if done else _FAILED


def _fail(sentence: str, status: int) -> int:
    sys.stderr.write(f"authenticator-sim: {sentence}\n")
    return status


def _carry_out(options: argparse.Namespace, surroundings: Surroundings) -> bool:
    match options.command:
        case "enrol":
            return asyncio.run(enrol(_enrol_options(options), surroundings))
        case "run":
            return asyncio.run(run(_run_options(options), surroundings))
        case "history":
            return history(options.state, surroundings, json=options.json)
        case _:
            return asyncio.run(_one_shot(options, surroundings))


async def _one_shot(options: argparse.Namespace, surroundings: Surroundings) -> bool:
    shared = OneShotOptions(state=options.state, ca_file=options.ca_file, json=options.json)
    match options.command:
        case "approve":
            return await approve(options.transaction_id, shared, surroundings, options.pin_file)
        case "deny":
            reason = DenialReason(options.reason)
            return await deny(options.transaction_id, shared, surroundings, reason)
        case _:
            return await list_open(shared, surroundings)


def _enrol_options(options: argparse.Namespace) -> EnrolOptions:
    return EnrolOptions(
        issuer=options.issuer,
        activation_code=options.activation_code,
        second_secret=options.second_secret,
        name=options.name,
        pin_file=options.pin_file,
        state=options.state,
        ca_file=options.ca_file,
        json=options.json,
    )


def _run_options(options: argparse.Namespace) -> RunOptions:
    attended_by = options.attended_by or AttendedBy.USER
    if options.automation_port is not None:
        attended_by = AttendedBy.AUTOMATION
    return RunOptions(
        attended_by=attended_by,
        automation_port=options.automation_port or 0,
        pin_file=options.pin_file,
        state=options.state,
        ca_file=options.ca_file,
        json=options.json,
    )


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="authenticator-sim",
        description="A simulated phone that approves or declines CIBA authentication requests.",
        epilog="Exit status: 0 done, 1 not done, 2 wrong usage.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = _shared_options(environment)
    pin = argparse.ArgumentParser(add_help=False)
    pin.add_argument("--pin-file", type=Path, metavar="FILE", help=_PIN_HELP)

    command = commands.add_parser(
        "enrol",
        allow_abbrev=False,
        parents=[shared, pin],
        help="make a phone out of an activation code",
    )
    command.add_argument("--issuer", required=True, metavar="URL", help="issuer of the service")
    command.add_argument("--activation-code", required=True, metavar="C", help="the code")
    command.add_argument("--second-secret", metavar="S", help="the secret sent another way")
    command.add_argument("--name", default="Simulated phone", metavar="N", help="of the phone")

    _add_run(
        commands.add_parser(
            "run", allow_abbrev=False, parents=[shared, pin], help="stay connected and answer"
        )
    )

    commands.add_parser("list", allow_abbrev=False, parents=[shared], help="show the open requests")
    command = commands.add_parser(
        "approve", allow_abbrev=False, parents=[shared, pin], help="approve one request"
    )
    command.add_argument("transaction_id", metavar="TRANSACTION_ID")
    command = commands.add_parser(
        "deny", allow_abbrev=False, parents=[shared], help="decline one request"
    )
    command.add_argument("transaction_id", metavar="TRANSACTION_ID")
    command.add_argument(
        "--reason", choices=[*DenialReason], default=DenialReason.DECLINED, help="why"
    )
    commands.add_parser(
        "history", allow_abbrev=False, parents=[shared], help="show the last fifty decisions"
    )
    return parser


def _shared_options(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    home = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    shared = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    shared.add_argument(
        "--state",
        type=Path,
        default=Path(home) / "authenticator-sim",
        metavar="DIR",
        help="directory of this phone (default: %(default)s)",
    )
    shared.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="trust these certificates only (PEM)"
    )
    shared.add_argument("--json", action="store_true", help="one JSON object a line")
    return shared


def _add_run(command: argparse.ArgumentParser) -> None:
    who = command.add_mutually_exclusive_group()
    who.add_argument(
        "--approve-all",
        dest="attended_by",
        action="store_const",
        const=AttendedBy.APPROVE_ALL,
        help="approve every request",
    )
    who.add_argument(
        "--deny-all",
        dest="attended_by",
        action="store_const",
        const=AttendedBy.DENY_ALL,
        help="decline every request",
    )
    who.add_argument(
        "--automation-port",
        type=_port,
        metavar="N",
        help="decide only when told on http://127.0.0.1:N/decide (0 takes a free port)",
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port
