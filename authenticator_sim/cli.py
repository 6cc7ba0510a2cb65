"""The command line of ``authenticator-sim``: options in, exit status 0, 1 or 2 out."""

import argparse
import asyncio
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import Final

from authenticator_sim.commands.enrol import EnrolOptions, enrol
from authenticator_sim.commands.history import history
from authenticator_sim.commands.oneshot import (
    OneShotOptions,
    approve,
    deny,
    end_access,
    list_accesses,
    list_open,
    show_handle,
)
from authenticator_sim.commands.options import new_parser
from authenticator_sim.commands.passkeys import add_passkey, list_passkeys, remove_passkey
from authenticator_sim.commands.phones import (
    approve_device,
    change_pin,
    invite_device,
    list_devices,
    reject_device,
    rename,
    revoke_device,
)
from authenticator_sim.commands.run import NO_RULES, AttendedBy, RunOptions, run
from authenticator_sim.commands.scenario import (
    ScenarioOptions,
    list_scenarios,
    play,
)
from authenticator_sim.commands.standard_streams import end_without_output, have_standard_streams
from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.commands.web import WebOptions, serve_web
from authenticator_sim.errors import PhoneError, UsageError
from authenticator_sim.ports import SystemClock, system_random
from authenticator_sim.rules_file import read_rules
from authenticator_sim.scenario.files import read_scenario
from ciba_service.sca.messages import DenialReason

__all__ = ["main"]

_DONE: Final = 0
_FAILED: Final = 1
_MISUSED: Final = 2
_HYPHENATED_NAME: Final = re.compile(r"-[\w-]{21}", re.ASCII)
"""No option is as long."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when it was done, 1 when it could not be, 2 when the command line cannot be followed.
    """
    have_standard_streams()
    try:
        try:
            return _carried_out(arguments)
        finally:
            sys.stdout.flush()
    except OSError as error:
        end_without_output(error, "authenticator-sim")
        return _FAILED


def _carried_out(arguments: Sequence[str] | None) -> int:
    options = new_parser(os.environ).parse_args(_names_last(arguments))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    surroundings = Surroundings(
        stdin=sys.stdin,
        stdout=sys.stdout,
        environment=os.environ,
        clock=SystemClock(),
        random_bytes=system_random,
        plain=options.plain,
    )
    try:
        done = _carry_out(options, surroundings)
    except UsageError as error:
        return _fail(str(error), _MISUSED)
    except PhoneError as error:
        return _fail(str(error), _FAILED)
    except KeyboardInterrupt:
        return _fail("Interrupted.", _FAILED)
    return _DONE if done else _FAILED


def _names_last(arguments: Sequence[str] | None) -> list[str]:
    """One transaction id in 64 begins with a hyphen, which argparse takes only after ``--``."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    names = [argument for argument in given if _HYPHENATED_NAME.fullmatch(argument)]
    if not names or "--" in given:
        return given
    return [*(argument for argument in given if argument not in names), "--", *names]


def _fail(sentence: str, status: int) -> int:
    sys.stderr.write(f"authenticator-sim: {sentence}\n")
    return status


def _carry_out(options: argparse.Namespace, surroundings: Surroundings) -> bool:
    match options.command:
        case "enrol":
            return asyncio.run(enrol(_enrol_options(options), surroundings))
        case "scenarios":
            return list_scenarios(surroundings, options.name)
        case "web":
            return asyncio.run(serve_web(_web_options(options), surroundings))
        case "run":
            return asyncio.run(_run(options, surroundings))
        case "history":
            return history(options.state, surroundings, json=options.json)
        case _:
            return asyncio.run(_one_shot(options, surroundings))


async def _run(options: argparse.Namespace, surroundings: Surroundings) -> bool:
    if options.scenario is None and options.second_state is not None:
        raise UsageError("--second-state is for a scenario.")
    if options.scenario is not None and options.push_port is not None:
        raise UsageError("--push is not for a scenario.")
    if options.scenario is not None:
        return await play(_scenario_options(options), surroundings)
    return await run(_run_options(options), surroundings)


async def _one_shot(options: argparse.Namespace, surroundings: Surroundings) -> bool:
    shared = OneShotOptions(state=options.state, ca_file=options.ca_file, json=options.json)
    match options.command:
        case "approve":
            return await approve(
                options.transaction_id,
                shared,
                surroundings,
                pin_file=options.pin_file,
                verification_code=options.verification_code,
                with_passkey=options.passkey,
            )
        case "deny":
            reason = DenialReason(options.reason)
            return await deny(options.transaction_id, shared, surroundings, reason)
        case "handle":
            return await show_handle(shared, surroundings)
        case "access":
            return await _about_accesses(options, shared, surroundings)
        case "devices" | "pin" | "passkeys":
            return await _about_phones(options, shared, surroundings)
        case _:
            return await list_open(shared, surroundings)


async def _about_accesses(
    options: argparse.Namespace, shared: OneShotOptions, surroundings: Surroundings
) -> bool:
    if options.action == "end":
        return await end_access(options.transaction_id, shared, surroundings)
    return await list_accesses(shared, surroundings)


async def _about_phones(
    options: argparse.Namespace, shared: OneShotOptions, surroundings: Surroundings
) -> bool:
    if options.command == "passkeys":
        return await _about_passkeys(options, shared, surroundings)
    match options.action:
        case "change":
            return await change_pin(
                shared, surroundings, pin_file=options.pin_file, new_pin_file=options.new_pin_file
            )
        case "revoke":
            return await revoke_device(
                options.device_id, shared, surroundings, pin_file=options.pin_file
            )
        case "rename":
            return await rename(options.name, shared, surroundings)
        case "list":
            return await list_devices(shared, surroundings)
        case _:
            return await _about_newcomers(options, shared, surroundings)


async def _about_newcomers(
    options: argparse.Namespace, shared: OneShotOptions, surroundings: Surroundings
) -> bool:
    match options.action:
        case "approve":
            return await approve_device(
                options.code, shared, surroundings, pin_file=options.pin_file
            )
        case "reject":
            reason = DenialReason(options.reason)
            return await reject_device(options.device_id, shared, surroundings, reason)
        case _:
            return await invite_device(shared, surroundings, pin_file=options.pin_file)


async def _about_passkeys(
    options: argparse.Namespace, shared: OneShotOptions, surroundings: Surroundings
) -> bool:
    match options.action:
        case "add":
            return await add_passkey(
                shared,
                surroundings,
                pin_file=options.pin_file,
                origin=options.origin,
                synced=options.synced,
            )
        case "remove":
            return await remove_passkey(options.passkey_id, shared, surroundings)
        case _:
            return await list_passkeys(shared, surroundings)


def _enrol_options(options: argparse.Namespace) -> EnrolOptions:
    return EnrolOptions(
        issuer=options.issuer,
        activation_code=options.activation_code,
        second_secret=options.second_secret,
        name=options.name,
        if_needed=options.if_needed,
        pin_file=options.pin_file,
        state=options.state,
        ca_file=options.ca_file,
        json=options.json,
    )


def _web_options(options: argparse.Namespace) -> WebOptions:
    return WebOptions(
        issuer=options.issuer,
        host=options.host,
        port=options.port,
        url=options.url,
        opens=options.open,
        shows_qr=options.qr,
    )


def _scenario_options(options: argparse.Namespace) -> ScenarioOptions:
    return ScenarioOptions(
        scenario=read_scenario(options.scenario),
        state=options.state,
        second_state=options.second_state,
        pin_file=options.pin_file,
        ca_file=options.ca_file,
        json=options.json,
    )


def _run_options(options: argparse.Namespace) -> RunOptions:
    attended_by = options.attended_by or AttendedBy.USER
    if options.automation_port is not None:
        attended_by = AttendedBy.AUTOMATION
    if options.rules is not None:
        attended_by = AttendedBy.RULES
    return RunOptions(
        attended_by=attended_by,
        rules=NO_RULES if options.rules is None else read_rules(options.rules),
        automation_port=options.automation_port or 0,
        push_port=options.push_port,
        pin_file=options.pin_file,
        state=options.state,
        ca_file=options.ca_file,
        json=options.json,
    )
