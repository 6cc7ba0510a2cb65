"""The command line of ``ciba-service``: options in, exit status 0, 1 or 2 out."""

import argparse
import asyncio
import re
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Final

import uvloop

from ciba_service.commands.check import check
from ciba_service.commands.operating import (
    blocks,
    clients,
    deliveries,
    devices,
    events,
    evidence,
    keys,
    operators,
    transactions,
    users,
)
from ciba_service.commands.outcome import CommandFailed, CommandMisused
from ciba_service.commands.serving.serve import serve
from ciba_service.commands.serving.signalled_server import held_hangups
from ciba_service.commands.standard_streams import end_without_output, have_standard_streams
from ciba_service.commands.version_flag import VersionFlag
from ciba_service.commands.workers.parent import serve_workers
from ciba_service.settings import MOST_WORKERS, InvalidSettingsError, Settings, load_settings
from ciba_service.telemetry import configure_logging

__all__ = ["build_parser", "main", "names_last"]

_DONE: Final = 0
_FAILED: Final = 1
_MISUSED: Final = 2
_MOST_LISTED: Final = 10_000
_HYPHENATED_NAME: Final = re.compile(r"-(?:[\w-]{21}|[\w-]{42})", re.ASCII)
"""A transaction's or a phone's; no option is as long."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when it was done, 1 when it could not be, 2 when command line or configuration is wrong.
    """
    have_standard_streams()
    try:
        try:
            return _carried_out(arguments)
        finally:
            sys.stdout.flush()
    except OSError as error:
        end_without_output(error, "ciba-service")
        return _FAILED


def _carried_out(arguments: Sequence[str] | None) -> int:
    options = build_parser().parse_args(names_last(arguments))
    try:
        if options.config is None:
            _WITHOUT_CONFIGURATION[options.command](options)
        else:
            with held_hangups() if options.command == "serve" else nullcontext():
                settings = load_settings(options.config)
                configure_logging(settings.server.log_level)
                _run(options, settings)
    except InvalidSettingsError as error:
        return _complain(f"{options.config}: {error}", _MISUSED)
    except CommandMisused as error:
        return _complain(str(error), _MISUSED)
    except CommandFailed as error:
        return _complain(str(error), _FAILED)
    except KeyboardInterrupt:
        return _complain("interrupted", _FAILED)
    return _DONE


def names_last(arguments: Sequence[str] | None) -> list[str]:
    """One name in 64 begins with a hyphen, which argparse takes only after ``--``."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    names = [argument for argument in given if _HYPHENATED_NAME.fullmatch(argument)]
    if not names or "--" in given:
        return given
    return [*(argument for argument in given if argument not in names), "--", *names]


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(
        prog="ciba-service",
        description="Run a CIBA service with a mobile approval backend, and look after it.",
        epilog="Exit status: 0 done, 1 not done, 2 wrong usage or configuration.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=VersionFlag, nargs=0, help="show the version")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serving = _add(commands, "serve", "run the service until SIGTERM or SIGINT")
    serving.add_argument(
        "--workers", type=_workers, metavar="N", help="processes; in place of server.workers"
    )
    _add(commands, "check", "check configuration and store, and do nothing else")
    _add_users(_group(commands, "users", "the users of the configuration"))
    _add_devices(_group(commands, "devices", "enrolled phones"))
    _add_clients(_group(commands, "clients", "configured and registered clients"))
    _add_deliveries(_group(commands, "deliveries", "callbacks to clients"))
    _add_evidence(_group(commands, "evidence", "what decisions stand on"))
    _add_events(_group(commands, "events", "security events"))
    _add_keys(_group(commands, "keys", "the service's own keys"))
    _add_operators(_group(commands, "operators", "who may look after the service over HTTP"))
    _add_transactions(_group(commands, "transactions", "what happened to requests"))
    return parser


_Command = Callable[[argparse.Namespace, Settings], Coroutine[object, object, None]]
_Subparsers = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def _group(
    commands: "_Subparsers[argparse.ArgumentParser]", name: str, text: str
) -> "_Subparsers[argparse.ArgumentParser]":
    parser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    return parser.add_subparsers(dest="action", required=True, metavar="ACTION")


def _add(
    commands: "_Subparsers[argparse.ArgumentParser]", name: str, text: str, *, json: bool = False
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="ciba.toml")
    if json:
        parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _add_users(actions: "_Subparsers[argparse.ArgumentParser]") -> None:
    _add(actions, "list", "list users with phones and failed attempts", json=True)
    show = _add(actions, "show", "show a user with the clients that are blocked", json=True)
    show.add_argument("subject", metavar="SUB")
    activate = _add(actions, "activate", "make an activation code for a phone", json=True)
    activate.add_argument("subject", metavar="SUB")
    activate.add_argument("--additional", action="store_true", help="although there is a phone")
    unlock = _add(actions, "unlock", "forget failed attempts")
    unlock.add_argument("subject", metavar="SUB")
    reset = _add(actions, "reset", "revoke every phone and make a code for a first one", json=True)
    reset.add_argument("subject", metavar="SUB")
    unblock = _add(actions, "unblock", "let a client ask a user who wanted nothing of it")
    unblock.add_argument("subject", metavar="SUB")
    unblock.add_argument("--client", required=True, metavar="CLIENT_ID", help="which one")


def _add_devices(actions: "_Subparsers[argparse.ArgumentParser]") -> None:
    listing = _add(actions, "list", "list phones", json=True)
    listing.add_argument("--user", dest="subject", metavar="SUB", help="of this user only")
    revoke = _add(actions, "revoke", "destroy a phone's keys and cut its connection")
    revoke.add_argument("device_id", metavar="DEVICE_ID")


def _add_clients(actions: "_Subparsers[argparse.ArgumentParser]") -> None:
    _add(actions, "list", "list clients", json=True)
    for name, text in (
        ("disable", "let a client that registered itself do nothing"),
        ("enable", "let it do again what it may"),
    ):
        _add(actions, name, text).add_argument("client_id", metavar="CLIENT_ID")
    remove = _add(actions, "remove", "remove a client that registered itself")
    remove.add_argument("client_id", metavar="CLIENT_ID")
    _add(actions, "token", "make a token that lets a client register", json=True)


def _add_deliveries(actions: "_Subparsers[argparse.ArgumentParser]") -> None:
    listing = _add(actions, "list", "list callbacks that are due or were abandoned", json=True)
    listing.add_argument("--client", metavar="CLIENT_ID", help="of this client only")
    listing.add_argument("--state", choices=["due", "abandoned"], help="in this state only")
    listing.add_argument(
        "--limit", type=_limit, default=100, metavar="N", help="of each state, 1 to 10000 (100)"
    )
    for name, text in (
        ("show", "show the callback of one transaction"),
        ("redeliver", "make an abandoned callback due again, now"),
    ):
        _add(actions, name, text, json=True).add_argument(
            "transaction_id", metavar="TRANSACTION_ID"
        )


def _add_evidence(actions: "_Subparsers[argparse.ArgumentParser]") -> None:
    text = "verify files with nothing but public keys; asks neither store nor configuration"
    verify = actions.add_parser("verify", help=text, description=text, allow_abbrev=False)
    verify.set_defaults(config=None)
    verify.add_argument("files", type=Path, nargs="+", metavar="FILE", help="evidence-*.jsonl")
    verify.add_argument("--jwks", type=Path, required=True, metavar="FILE", help="public keys")
    verify.add_argument("--json", action="store_true", help="print JSON")
    showing = _add(actions, "show", "open and verify the evidence of one decision", json=True)
    showing.add_argument("transaction_id", metavar="TRANSACTION_ID")
    erasing = _add(actions, "erase", "make a person's evidence unreadable for ever", json=True)
    erasing.add_argument("--user", dest="subject", required=True, metavar="SUB")
    _add(actions, "jwks", "print the public keys that evidence is verified with")


def _add_events(actions: "_Subparsers[argparse.ArgumentParser]") -> None:
    text = "print the JSON Schema of security events"
    schema = actions.add_parser("schema", help=text, description=text, allow_abbrev=False)
    schema.set_defaults(config=None)


def _workers(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]?", text) or int(text) > MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {MOST_WORKERS}")
    return int(text)


def _limit(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > _MOST_LISTED:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {_MOST_LISTED}")
    return int(text)


def _add_keys(actions: "_Subparsers[argparse.ArgumentParser]") -> None:
    _add(actions, "generate", "make whatever key is missing", json=True)
    _add(actions, "list", "list keys, without secrets", json=True)
    rotate = _add(actions, "rotate", "make next keys, or let them sign", json=True)
    rotate.add_argument(
        "--purpose",
        choices=["token", "challenge", "factors", "events", "receipt", "evidence"],
        help="of this purpose only; evidence rotates when it is named",
    )
    rotate.add_argument(
        "--alg", choices=["ES256", "PS256", "EdDSA"], help="token keys of this algorithm only"
    )
    rotate.add_argument(
        "--now",
        dest="at_once",
        action="store_true",
        help="let next keys sign although not everybody knows them yet",
    )
    prune = _add(actions, "prune", "drop retired keys that nothing needs any more", json=True)
    prune.add_argument("--kid", metavar="KID", help="and this one, although it may be needed")


def _add_operators(actions: "_Subparsers[argparse.ArgumentParser]") -> None:
    _add(actions, "token", "make a token for an operator", json=True)


def _add_transactions(actions: "_Subparsers[argparse.ArgumentParser]") -> None:
    show = _add(actions, "show", "show what happened to a transaction, and when", json=True)
    receipt = _add(actions, "receipt", "print the signed receipt of an approval", json=True)
    for action in (show, receipt):
        action.add_argument(
            "transaction_id",
            metavar="TRANSACTION_ID",
            help="as logs and phones have it",
        )


def _run(options: argparse.Namespace, settings: Settings) -> None:
    name = (options.command, getattr(options, "action", None))
    at_once = _AT_ONCE.get(name)
    if at_once is not None:
        at_once(options, settings)
        return
    command = _COMMANDS[name]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(command(options, settings))


async def _serve(options: argparse.Namespace, settings: Settings) -> None:
    count = options.workers or settings.server.workers
    if count > 1:
        await serve_workers(options.config, count)
    else:
        await serve(settings, partial(load_settings, options.config))


_WITHOUT_CONFIGURATION: Final[dict[str, Callable[[argparse.Namespace], None]]] = {
    "evidence": lambda options: evidence.verify(options.files, options.jwks, as_json=options.json),
    "events": lambda _: events.print_schema(),
}
"""Each has one action that asks neither store nor configuration."""

_AT_ONCE: Final[dict[tuple[str, str | None], Callable[[argparse.Namespace, Settings], None]]] = {
    ("clients", "token"): lambda options, _: clients.new_initial_access_token(as_json=options.json),
    ("evidence", "erase"): lambda options, settings: evidence.erase(
        settings, options.subject, as_json=options.json
    ),
    ("evidence", "jwks"): lambda _, settings: evidence.public_keys(settings),
    ("operators", "token"): lambda options, _: operators.new_operator_token(as_json=options.json),
    ("keys", "generate"): lambda options, settings: keys.generate(settings, as_json=options.json),
    ("keys", "list"): lambda options, settings: keys.show(settings, as_json=options.json),
    ("keys", "prune"): lambda options, settings: keys.prune(
        settings, kid=options.kid, as_json=options.json
    ),
    ("keys", "rotate"): lambda options, settings: keys.rotate(
        settings,
        purpose=options.purpose,
        alg=options.alg,
        at_once=options.at_once,
        as_json=options.json,
    ),
}
"""These need no store."""

_COMMANDS: Final[dict[tuple[str, str | None], _Command]] = {
    ("serve", None): _serve,
    ("check", None): lambda _, settings: check(settings),
    ("users", "list"): lambda options, settings: users.list_users(settings, as_json=options.json),
    ("users", "activate"): lambda options, settings: users.activate_user(
        settings, options.subject, additional=options.additional, as_json=options.json
    ),
    ("users", "reset"): lambda options, settings: users.reset_user(
        settings, options.subject, as_json=options.json
    ),
    ("users", "unlock"): lambda options, settings: users.unlock_user(settings, options.subject),
    ("users", "show"): lambda options, settings: blocks.show_user(
        settings, options.subject, as_json=options.json
    ),
    ("users", "unblock"): lambda options, settings: blocks.unblock_client(
        settings, options.subject, options.client
    ),
    ("clients", "list"): lambda options, settings: clients.list_clients(
        settings, as_json=options.json
    ),
    ("clients", "disable"): lambda options, settings: clients.suspend_client(
        settings, options.client_id, enabled=False
    ),
    ("clients", "enable"): lambda options, settings: clients.suspend_client(
        settings, options.client_id, enabled=True
    ),
    ("clients", "remove"): lambda options, settings: clients.remove_client(
        settings, options.client_id
    ),
    ("deliveries", "list"): lambda options, settings: deliveries.list_deliveries(
        settings,
        client_id=options.client,
        state=options.state,
        limit=options.limit,
        as_json=options.json,
    ),
    ("deliveries", "show"): lambda options, settings: deliveries.show_delivery(
        settings, options.transaction_id, as_json=options.json
    ),
    ("deliveries", "redeliver"): lambda options, settings: deliveries.redeliver(
        settings, options.transaction_id, as_json=options.json
    ),
    ("devices", "list"): lambda options, settings: devices.list_devices(
        settings, options.subject, as_json=options.json
    ),
    ("devices", "revoke"): lambda options, settings: devices.revoke_device(
        settings, options.device_id
    ),
    ("evidence", "show"): lambda options, settings: evidence.show(
        settings, options.transaction_id, as_json=options.json
    ),
    ("transactions", "receipt"): lambda options, settings: transactions.print_receipt(
        settings, options.transaction_id, as_json=options.json
    ),
    ("transactions", "show"): lambda options, settings: transactions.show_transaction(
        settings, options.transaction_id, as_json=options.json
    ),
}


def _complain(text: str, status: int) -> int:
    sys.stderr.write(f"ciba-service: {text}\n")
    return status
