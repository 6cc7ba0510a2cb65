"""``ciba-client conformance``: reads the plan, runs the checks, writes the reports."""

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from ciba_client.client_file import UnusableInput
from ciba_client.conformance.check import Check
from ciba_client.conformance.checks.registry import CHECKS, applicable
from ciba_client.conformance.parties.approver import AutomationUrl
from ciba_client.conformance.parties.desk import Desk
from ciba_client.conformance.parties.doors import opened_doors
from ciba_client.conformance.plan import Plan, load_plan
from ciba_client.conformance.plan_file import PlanFile, read_plan_file
from ciba_client.conformance.profile import Profile
from ciba_client.conformance.reports.files import as_json, as_junit
from ciba_client.conformance.reports.html import as_html
from ciba_client.conformance.reports.markdown import as_markdown
from ciba_client.conformance.reports.redaction import Redaction
from ciba_client.conformance.reports.report import Report, Reporting
from ciba_client.conformance.reports.terminal import Terminal, catalogue
from ciba_client.conformance.run import Run
from ciba_client.listener import ListeningTls, listening, parse_any_address
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.delivery_mode import TokenDeliveryMode

__all__ = ["add_conformance_flags", "conforms"]


def add_conformance_flags(parser: argparse.ArgumentParser) -> None:
    """Its flags."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="conformance.toml")
    parser.add_argument("--issuer", metavar="URL", help="of the provider; wins over the file")
    parser.add_argument("--profile", type=Profile, choices=list(Profile))
    parser.add_argument("--mode", type=TokenDeliveryMode, choices=list(TokenDeliveryMode))
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="CHECK",
        help="this check, or all whose names begin so with a trailing *; may be repeated",
    )
    parser.add_argument("--list", action="store_true", help="show all checks, and run none")
    for name in ("html", "json", "junit", "markdown"):
        parser.add_argument(
            f"--{name}", dest=f"{name}_file", type=Path, metavar="FILE", help="write a report"
        )
    parser.add_argument(
        "--exchanges", action="store_true", help="report what was sent for every check"
    )
    parser.add_argument("--show-tokens", action="store_true", help="do not shorten tokens")
    parser.add_argument("--quiet", action="store_true", help="the summary alone")


async def conforms(arguments: argparse.Namespace, clock: Clock) -> bool:
    """Run what is asked for; whether the provider passed.

    Raises:
        UnusableInput: a configuration or a file cannot be used, or no check has that name.
    """
    if arguments.list:
        catalogue(_listed(arguments), sys.stdout.write)
        return True
    plan = _plan(arguments)
    checks = _chosen(arguments.only, applicable(plan.profile, plan.mode))
    _refuse_unwritable(arguments)
    terminal = Terminal(sys.stderr, quiet=arguments.quiet)
    began_at, began = clock.now(), clock.monotonic()
    async with _run(plan, clock, terminal) as run:
        with terminal.watching(len(checks)):
            results = await run.results(checks)
    reporting = Reporting(
        redaction=Redaction(show_tokens=arguments.show_tokens), all_exchanges=arguments.exchanges
    )
    report = reporting.report(plan, results, started_at=began_at, seconds=clock.monotonic() - began)
    terminal.summary(report, _write(arguments, report))
    return report.is_clean


@asynccontextmanager
async def _run(plan: Plan, clock: Clock, terminal: Terminal) -> AsyncIterator[Run]:
    """With the ports open that it needs."""
    async with AsyncExitStack() as stack:
        doors = await stack.enter_async_context(opened_doors(plan))
        desk = None
        if plan.notifications is not None:
            desk, tls = Desk(clock), None
            if plan.notifications.certificate is not None:
                key = plan.notifications.certificate_key
                tls = ListeningTls(plan.notifications.certificate, key)
            address = parse_any_address(plan.notifications.listen)
            await stack.enter_async_context(listening(desk, address, tls=tls))
        url = plan.approval.url
        yield Run(
            plan=plan,
            doors=doors,
            clock=clock,
            observer=terminal,
            approver=None if url is None else AutomationUrl(url, doors.anonymous),
            desk=desk,
        )


def _plan(arguments: argparse.Namespace) -> Plan:
    if arguments.config is None:
        raise UnusableInput("missing: --config (conformance.example.toml explains it)")
    file: PlanFile = read_plan_file(arguments.config)
    given = {
        name: getattr(arguments, name)
        for name in ("issuer", "profile", "mode")
        if getattr(arguments, name) is not None
    }
    file = msgspec.structs.replace(file, **given)
    return load_plan(file, arguments.config.parent, warn=_warn)


def _listed(arguments: argparse.Namespace) -> tuple[Check, ...]:
    profiles = list(Profile) if arguments.profile is None else [arguments.profile]
    modes = list(TokenDeliveryMode) if arguments.mode is None else [arguments.mode]
    return tuple(
        check
        for check in CHECKS
        if check.profiles.intersection(profiles) and check.modes.intersection(modes)
    )


def _chosen(names: list[str], checks: tuple[Check, ...]) -> tuple[Check, ...]:
    for name in names:
        if not any(_is_meant(name, check) for check in checks):
            raise UnusableInput(f"no check of this profile and mode is called {name}")
    return tuple(
        check for check in checks if not names or any(_is_meant(name, check) for name in names)
    )


def _is_meant(name: str, check: Check) -> bool:
    if name.endswith("*"):
        return check.id.startswith(name[:-1])
    return check.id == name


def _refuse_unwritable(arguments: argparse.Namespace) -> None:
    """Before minutes are spent."""
    for path in (arguments.html_file, arguments.json_file, arguments.junit_file):
        if path is not None and not path.parent.is_dir():
            raise UnusableInput(f"{path}: there is no such folder")


def _write(arguments: argparse.Namespace, report: Report) -> list[str]:
    contents: list[tuple[Path | None, bytes]] = [
        (arguments.html_file, as_html(report).encode()),
        (arguments.json_file, as_json(report)),
        (arguments.junit_file, as_junit(report).encode()),
        (arguments.markdown_file, as_markdown(report).encode()),
    ]
    written = []
    for path, content in contents:
        if path is None:
            continue
        try:
            path.write_bytes(content)
        except OSError as error:
            raise UnusableInput(f"{path} cannot be written: {error.strerror}") from error
        written.append(str(path))
    return written


def _warn(text: str) -> None:
    sys.stderr.write(f"ciba-client: warning: {text}\n")
