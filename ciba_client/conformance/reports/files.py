"""Reports for programs: JSON, and JUnit XML for build servers."""

from html import escape
from typing import Final

import msgspec

from ciba_client.conformance.check import Outcome
from ciba_client.conformance.reports.report import Report, ReportedCheck, ReportedExchange

__all__ = ["as_json", "as_junit", "exchange_text", "json_schema"]

_ELEMENTS: Final = {
    Outcome.FAILED: "failure",
    Outcome.ERROR: "error",
    Outcome.SKIPPED: "skipped",
}


def as_json(report: Report) -> bytes:
    """The report as ``docs/conformance/report.schema.json`` describes it."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def json_schema() -> bytes:
    """What ``as_json`` gives."""
    schema = msgspec.json.schema(Report)
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


def as_junit(report: Report) -> str:
    """As build servers read it; a warning is a test that passed, with output."""
    totals = report.totals
    name = f"{report.profile} {report.mode} {report.issuer}"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="ciba-client conformance" tests="{len(report.checks)}">',
        f'<testsuite name="{_attribute(name)}" tests="{len(report.checks)}"',
        f'failures="{totals["failed"]}" errors="{totals["error"]}"',
        f'skipped="{totals["skipped"]}" time="{report.seconds}"',
        f'timestamp="{_attribute(report.started_at.removesuffix("Z"))}">',
        *(_case(each) for each in report.checks),
        "</testsuite>",
        "</testsuites>",
        "",
    ]
    return "\n".join(lines)


def exchange_text(exchange: ReportedExchange) -> str:
    """A request and its answer as they went over the wire, nearly."""
    headers = [f"{name}: {value}" for name, value in exchange.request_headers]
    answer = exchange.failure or f"HTTP {exchange.status}"
    answered = [f"{name}: {value}" for name, value in exchange.response_headers]
    lines = [f"{exchange.method} {exchange.url}", *headers, "", exchange.request_body, ""]
    return "\n".join([*lines, answer, *answered, "", exchange.response_body]).strip()


def _case(check: ReportedCheck) -> str:
    opening = (
        f'<testcase classname="conformance" name="{_attribute(check.id)}" time="{check.seconds}">'
    )
    element = _ELEMENTS.get(check.outcome)
    if element is not None:
        said = _attribute(_in_short(check))
        body = f'<{element} message="{said}">{_content(_in_full(check))}</{element}>'
    elif check.outcome is Outcome.WARNED:
        body = f"<system-out>{_content(_in_full(check))}</system-out>"
    else:
        body = ""
    return f"{opening}{body}</testcase>"


def _in_short(check: ReportedCheck) -> str:
    if check.expected is None:
        return check.reason or ""
    return f"expected {check.expected}, but {check.seen}"


def _in_full(check: ReportedCheck) -> str:
    rules = [f"{each.id} ({each.place}): {each.sentence}" for each in check.requirements]
    shown = [exchange_text(each) for each in check.exchanges]
    return "\n\n".join([check.title, _in_short(check), *rules, *shown])


def _attribute(text: str) -> str:
    return _content(text).replace("\n", "&#10;")


def _content(text: str) -> str:
    # XML 1.0 has no place for control characters.
    return escape("".join(each for each in text if each.isprintable() or each in "\n\t"))
