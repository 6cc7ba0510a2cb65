"""The command ``ciba-client``: start authentications, wait for them, watch what notifies them."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from enum import IntEnum
from getpass import getpass
from pathlib import Path
from typing import Any, Final

import msgspec

from ciba_client.client_file import (
    ClientFile,
    UnusableInput,
    load_client,
    read_client_file,
    read_input,
)
from ciba_client.conformance.command import conforms
from ciba_client.flags import argument_parser, ids_last
from ciba_client.keygen import generate_key
from ciba_client.listen import listen
from ciba_client.notified import Notified, awaiting_notifications
from ciba_client.playground.command import run_playground
from ciba_client.report import Report
from ciba_client.sdk.client import CibaClient
from ciba_client.sdk.clock import Clock, SystemClock
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.errors import (
    CibaClientError,
    ConfigurationError,
    InvalidAuthenticationRequest,
    InvalidProviderResponse,
)
from ciba_client.sdk.provider.answers import (
    Acknowledgement,
    AuthReqId,
    parse_acknowledgement,
)
from ciba_client.sdk.provider.connection import ProviderAnswer
from ciba_client.sdk.transaction.pending import PendingAuthentication
from ciba_client.standard_streams import end_without_output, have_standard_streams

__all__ = ["ExitStatus", "main"]

_DEFAULT_EXPIRES_IN: Final = 180
_DEFAULT_INTERVAL: Final = 5
_LARGEST_INPUT: Final = 64 * 1024
_LONGEST_LINE: Final = 4096
_POLITENESS_SECONDS: Final = 3.0


class ExitStatus(IntEnum):
    """How the command ended."""

    DONE = 0
    NO_TOKENS = 1
    USAGE = 2
    INTERRUPTED = 130


def main(argv: Sequence[str] | None = None, *, clock: Clock | None = None) -> int:
    """Run one command; returns its exit status (argparse itself exits with 2 on wrong usage)."""
    have_standard_streams()
    try:
        try:
            return _carried_out(argv, clock or SystemClock())
        finally:
            sys.stdout.flush()
    except OSError as error:
        end_without_output(error, "ciba-client")
        return ExitStatus.NO_TOKENS


def _carried_out(argv: Sequence[str] | None, time: Clock) -> int:
    arguments = argument_parser().parse_args(ids_last(argv))
    if (run := _WITHOUT_REPORT.get(arguments.command)) is not None:
        return run(arguments, time)
    report = Report(
        stdout=sys.stdout,
        stderr=sys.stderr,
        clock=time,
        as_json=arguments.json,
        show_tokens=arguments.show_tokens,
    )
    try:
        if arguments.command == "start":  # before there is a loop, which would hold up Ctrl-C
            arguments.user_code = _user_code() if arguments.user_code else None
        asyncio.run(_run(arguments, report, time))
    except (UnusableInput, ConfigurationError, InvalidAuthenticationRequest) as error:
        sys.stderr.write(f"ciba-client: {error}\n")
        return ExitStatus.USAGE
    except CibaClientError as error:
        report.failed(error)
        return ExitStatus.NO_TOKENS
    except KeyboardInterrupt:
        sys.stderr.write("ciba-client: interrupted\n")
        return ExitStatus.INTERRUPTED
    return ExitStatus.DONE


async def _run(arguments: argparse.Namespace, report: Report, clock: Clock) -> None:
    if arguments.command == "listen":
        await listen(
            arguments.listen, answers=arguments.answer, count=arguments.count, report=report
        )
        return
    settings = _settings(arguments)
    client = load_client(settings, warn=report.warning)
    if arguments.command == "poll":
        await _poll(arguments, client, report, clock)
        return
    if arguments.command == "cancel":
        await _cancel(arguments, client, report, clock)
        return
    if arguments.command == "receipt":
        await _receipt(arguments, client, report, clock)
        return
    async with awaiting_notifications(arguments, settings, report) as notified:
        await _start(arguments, client, notified, report, clock)


def _playground(arguments: argparse.Namespace, clock: Clock) -> int:
    try:
        asyncio.run(run_playground(arguments, clock, sys.stderr))
    except (UnusableInput, ConfigurationError) as error:
        sys.stderr.write(f"ciba-client: {error}\n")
        return ExitStatus.USAGE
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    raise AssertionError("it waits until it is interrupted")


def _conformance(arguments: argparse.Namespace, clock: Clock) -> int:
    try:
        passed = asyncio.run(conforms(arguments, clock))
    except (UnusableInput, ConfigurationError) as error:
        sys.stderr.write(f"ciba-client: {error}\n")
        return ExitStatus.USAGE
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    return ExitStatus.DONE if passed else ExitStatus.NO_TOKENS


def _keygen(arguments: argparse.Namespace, _clock: Clock) -> int:
    try:
        generate_key(
            arguments.out, algorithm=arguments.alg, kid=arguments.kid, as_toml=arguments.toml
        )
    except UnusableInput as error:
        sys.stderr.write(f"ciba-client: {error}\n")
        return ExitStatus.USAGE
    return ExitStatus.DONE


_WITHOUT_REPORT: Final = {
    "keygen": _keygen,
    "playground": _playground,
    "conformance": _conformance,
}
"""Commands that begin and end nothing that could be reported as one authentication."""


async def _start(
    arguments: argparse.Namespace,
    client: ClientConfiguration,
    notified: Notified,
    report: Report,
    clock: Clock,
) -> None:
    details = _authorization_details(arguments.authorization_details)
    context = _request_context(arguments.request_context)
    async with (
        CibaClient(client, notifications=notified.receiver, clock=clock) as ciba,
        ciba.authenticate(
            scope=arguments.scope,
            login_hint=arguments.login_hint,
            login_hint_token=arguments.login_hint_token,
            id_token_hint=arguments.id_token_hint,
            binding_message=arguments.binding_message,
            requested_expiry=arguments.requested_expiry,
            acr_values=arguments.acr_values,
            authorization_details=details,
            request_context=context,
            user_code=arguments.user_code,
            client_notification_token=notified.token,
            required_acr=arguments.required_acr,
        ) as pending,
    ):
        if not arguments.wait:
            report.started(pending, pending.auth_req_id)
            return
        try:
            await _wait(pending, report)
        except asyncio.CancelledError:  # Ctrl-C: the user need not be asked any longer
            cancelled = await asyncio.create_task(_is_taken_back(pending))
            report.interrupted(cancelled=cancelled)
            raise


async def _poll(
    arguments: argparse.Namespace, client: ClientConfiguration, report: Report, clock: Clock
) -> None:
    started = _acknowledgement(arguments.auth_req_id)
    async with (
        CibaClient(client, clock=clock) as ciba,
        ciba.resume(
            started.auth_req_id,
            expires_in=arguments.expires_in or started.expires_in,
            interval=started.interval if arguments.interval is None else arguments.interval,
            required_acr=arguments.required_acr,
        ) as pending,
    ):
        await _wait(pending, report)


async def _cancel(
    arguments: argparse.Namespace, client: ClientConfiguration, report: Report, clock: Clock
) -> None:
    started = _acknowledgement(arguments.auth_req_id)
    async with CibaClient(client, clock=clock) as ciba:
        if not await ciba.cancel(started.auth_req_id):
            raise CibaClientError("there is nothing to cancel: it was settled before")
    report.cancelled()


async def _receipt(
    arguments: argparse.Namespace, client: ClientConfiguration, report: Report, clock: Clock
) -> None:
    started = _acknowledgement(arguments.auth_req_id)
    async with CibaClient(client, clock=clock) as ciba:
        report.receipt(await ciba.receipt(started.auth_req_id))


async def _is_taken_back(pending: PendingAuthentication) -> bool:
    """Cancel what nobody waits for any more, unless that takes long."""
    try:
        async with asyncio.timeout(_POLITENESS_SECONDS):
            return await pending.cancel()
    except (CibaClientError, TimeoutError):
        return False


async def _wait(pending: PendingAuthentication, report: Report) -> None:
    report.waiting(pending)
    async for event in pending.events():
        report.happened(event)
    report.succeeded(await pending.tokens())


def _settings(arguments: argparse.Namespace) -> ClientFile:
    settings = ClientFile() if arguments.config is None else read_client_file(arguments.config)
    given = {
        name: getattr(arguments, name)
        for name in ("issuer", "client_id", "key", "alg", "kid", "ca_file", "polling_wait")
        if getattr(arguments, name, None) is not None
    }
    if arguments.command == "start" and arguments.unsigned:
        given["sign_requests"] = False
    return msgspec.structs.replace(settings, **given)


def _authorization_details(text: str | None) -> list[dict[str, object]]:
    """An array of objects (RFC 9396 2)."""
    expected = "--authorization-details is not a JSON array of objects"
    return [] if text is None else _json(text, list[dict[str, object]], expected)


def _request_context(text: str | None) -> dict[str, object] | None:
    """An object (FAPI-CIBA 5.3)."""
    expected = "--request-context is not a JSON object"
    return None if text is None else _json(text, dict[str, object], expected)


def _json(text: str, shape: Any, expected: str) -> Any:  # noqa: ANN401 - typed by who calls
    """JSON, or ``@FILE`` with JSON, of that shape."""
    content = read_input(Path(text[1:])) if text.startswith("@") else text.encode()
    try:
        return msgspec.json.decode(content, type=shape)
    except (ValueError, RecursionError) as error:
        raise UnusableInput(expected) from error


def _user_code() -> str:
    """Of the user, each time: on no command line, and in no file (CIBA 7.1.2)."""
    if sys.stdin.isatty():
        code = getpass("User code: ")
    else:
        code = sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")
    if not code:
        raise UnusableInput("the user code is empty")
    return code


def _acknowledgement(given: str) -> Acknowledgement:
    """From a flag, or from standard input what ``start`` printed."""
    text = (sys.stdin.read(_LARGEST_INPUT) if given == "-" else given).strip()
    if text.startswith("{"):
        try:
            return parse_acknowledgement(ProviderAnswer(200, text.encode()))
        except InvalidProviderResponse as error:
            raise UnusableInput("standard input is not what ciba-client start printed") from error
    if not text:
        raise UnusableInput("the auth_req_id is empty")
    return Acknowledgement(AuthReqId(text), _DEFAULT_EXPIRES_IN, _DEFAULT_INTERVAL)
