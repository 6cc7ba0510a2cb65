"""What may stand on the command line; a PIN may not."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from authenticator_sim.commands.pins import NEW_PIN_VARIABLE, PIN_VARIABLE
from authenticator_sim.commands.run import AttendedBy
from authenticator_sim.commands.version_flag import VersionFlag
from ciba_service.sca.messages import DenialReason

__all__ = ["new_parser"]

_HIGHEST_PORT: Final = 65535
_NEW_PIN_HELP: Final = f"file with the new PIN (else {NEW_PIN_VARIABLE}, else hidden prompts)"
_PIN_HELP: Final = f"file with the PIN (else {PIN_VARIABLE}, else a hidden prompt)"


def new_parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """Make the parser; the default directory depends on the environment."""
    parser = argparse.ArgumentParser(
        prog="authenticator-sim",
        description="A simulated phone that approves or declines CIBA authentication requests.",
        epilog="Exit status: 0 done, 1 not done, 2 wrong usage.",
        allow_abbrev=False,
    )
    parser.set_defaults(plain=False)
    parser.add_argument("--version", action=VersionFlag, nargs=0, help="show the version")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = _shared_options(environment)
    pin = argparse.ArgumentParser(add_help=False)
    pin.add_argument("--pin-file", type=Path, metavar="FILE", help=_PIN_HELP)

    _add_enrol(
        commands.add_parser(
            "enrol",
            allow_abbrev=False,
            parents=[shared, pin],
            help="make a phone out of an activation code",
        )
    )
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
    command.add_argument(
        "--verification-code", metavar="C", help="the code that the other device shows"
    )
    command.add_argument(
        "--passkey", action="store_true", help="confirm with this phone's passkey, not the PIN"
    )
    command = commands.add_parser(
        "deny", allow_abbrev=False, parents=[shared], help="decline one request"
    )
    command.add_argument("transaction_id", metavar="TRANSACTION_ID")
    command.add_argument(
        "--reason", choices=[*DenialReason], default=DenialReason.DECLINED, help="why"
    )
    _add_access(
        commands.add_parser(
            "access", allow_abbrev=False, help="show clients with lasting access, and end it"
        ),
        shared,
    )
    _add_devices(
        commands.add_parser(
            "devices", allow_abbrev=False, help="show the user's phones; add, name or revoke one"
        ),
        shared,
        pin,
    )
    _add_passkeys(
        commands.add_parser(
            "passkeys", allow_abbrev=False, help="show this phone's passkeys, add or remove one"
        ),
        shared,
        pin,
    )
    _add_pin(commands.add_parser("pin", allow_abbrev=False, help="change the PIN"), shared, pin)
    commands.add_parser(
        "handle",
        allow_abbrev=False,
        parents=[shared],
        help="show a login_hint that is good for one request within three minutes",
    )
    _add_web(commands.add_parser("web", allow_abbrev=False, help="serve a phone for browsers"))
    _add_scenarios(
        commands.add_parser(
            "scenarios", allow_abbrev=False, help="show the scenarios for run --scenario"
        )
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
    shared.add_argument(
        "--plain", action="store_true", help="no colours and tables (also with NO_COLOR)"
    )
    return shared


def _add_enrol(command: argparse.ArgumentParser) -> None:
    command.add_argument("--issuer", required=True, metavar="URL", help="issuer of the service")
    command.add_argument("--activation-code", required=True, metavar="C", help="the code")
    command.add_argument("--second-secret", metavar="S", help="the secret sent another way")
    command.add_argument("--name", default="Simulated phone", metavar="N", help="of the phone")
    command.add_argument(
        "--if-needed", action="store_true", help="be content with a phone enrolled before"
    )


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
    who.add_argument(
        "--rules",
        type=Path,
        metavar="FILE",
        help="decide by the rules of this YAML file (docs/simulator.md)",
    )
    who.add_argument(
        "--scenario",
        metavar="FILE",
        help="misbehave as this YAML file says, or one named in scenarios list; then end",
    )
    command.add_argument(
        "--push",
        dest="push_port",
        type=_port,
        metavar="N",
        help="no socket: be woken by pushes to port N of this machine (0 takes a free port)",
    )
    command.add_argument(
        "--second-state", type=Path, metavar="DIR", help="of the second phone of a scenario"
    )


def _add_access(command: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser(
        "list", allow_abbrev=False, parents=[shared], help="show every access that lasts"
    )
    end = actions.add_parser("end", allow_abbrev=False, parents=[shared], help="end one of them")
    end.add_argument("transaction_id", metavar="TRANSACTION_ID")


def _add_devices(
    command: argparse.ArgumentParser, shared: argparse.ArgumentParser, pin: argparse.ArgumentParser
) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", allow_abbrev=False, parents=[shared], help="show every phone")
    revoke = actions.add_parser(
        "revoke",
        allow_abbrev=False,
        parents=[shared, pin],
        help="revoke a lost phone with the PIN of this one, or give up this one without it",
    )
    revoke.add_argument("device_id", metavar="DEVICE_ID")
    approve = actions.add_parser(
        "approve",
        allow_abbrev=False,
        parents=[shared, pin],
        help="make a phone that waits the user's, with the PIN of this one",
    )
    approve.add_argument("code", metavar="CODE", help="the six digits that the new phone shows")
    reject = actions.add_parser(
        "reject", allow_abbrev=False, parents=[shared], help="turn a phone away that waits"
    )
    reject.add_argument("device_id", metavar="DEVICE_ID")
    reject.add_argument(
        "--reason", choices=[*DenialReason], default=DenialReason.DECLINED, help="why"
    )
    actions.add_parser(
        "invite",
        allow_abbrev=False,
        parents=[shared, pin],
        help="show an activation code for the next phone",
    )
    rename = actions.add_parser(
        "rename", allow_abbrev=False, parents=[shared], help="give this phone another name"
    )
    rename.add_argument("name", metavar="NAME")


def _add_passkeys(
    command: argparse.ArgumentParser, shared: argparse.ArgumentParser, pin: argparse.ArgumentParser
) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", allow_abbrev=False, parents=[shared], help="show every passkey")
    add = actions.add_parser(
        "add", allow_abbrev=False, parents=[shared, pin], help="make a passkey and register it"
    )
    add.add_argument("--origin", metavar="O", help="as on this page or app (default: the issuer)")
    add.add_argument("--synced", action="store_true", help="as one that is on several devices")
    remove = actions.add_parser(
        "remove", allow_abbrev=False, parents=[shared], help="forget one; needs no PIN"
    )
    remove.add_argument("passkey_id", metavar="PASSKEY_ID")


def _add_pin(
    command: argparse.ArgumentParser, shared: argparse.ArgumentParser, pin: argparse.ArgumentParser
) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    change = actions.add_parser(
        "change", allow_abbrev=False, parents=[shared, pin], help="put another PIN in its place"
    )
    change.add_argument("--new-pin-file", type=Path, metavar="FILE", help=_NEW_PIN_HELP)


def _add_scenarios(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    every = actions.add_parser("list", allow_abbrev=False, help="show what each is about")
    every.set_defaults(name=None)
    show = actions.add_parser("show", allow_abbrev=False, help="print one of them")
    show.add_argument("name", metavar="NAME")


def _add_web(command: argparse.ArgumentParser) -> None:
    command.add_argument("--issuer", required=True, metavar="URL", help="issuer of the service")
    command.add_argument(
        "--port", type=_port, default=8070, metavar="N", help="(default: 8070; 0 takes a free one)"
    )
    command.add_argument(
        "--host", default="127.0.0.1", metavar="H", help="to listen on (default: %(default)s)"
    )
    command.add_argument(
        "--url", metavar="URL", help="where browsers find it (default: http://localhost:PORT/)"
    )
    command.add_argument("--open", action="store_true", help="open it in the browser")
    command.add_argument("--qr", action="store_true", help="show the address as a QR code, too")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port
