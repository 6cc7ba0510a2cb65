"""A report for a browser: one file that needs nothing else, not even a script."""

import re
from html import escape
from pathlib import Path
from typing import Final

from ciba_client.conformance.check import Outcome
from ciba_client.conformance.reports.clauses import Clause
from ciba_client.conformance.reports.files import exchange_text
from ciba_client.conformance.reports.report import Report, ReportedCheck, ReportedExchange

__all__ = ["as_html"]

_CODE: Final = re.compile(r"`([^`]*)`")
_MARKED: Final = r"<code>\1</code>"
_STYLE: Final = Path(__file__).with_name("report.css")
_ORDER: Final = (
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.WARNED,
    Outcome.PASSED,
    Outcome.SKIPPED,
)
_OPEN: Final = frozenset({Outcome.FAILED, Outcome.ERROR})


def as_html(report: Report) -> str:
    """The whole page."""
    title = f"Conformance of {report.issuer}"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{_text(title)}</title>",
            f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style>",
            "</head>",
            "<body>",
            *_head(report),
            *_filters(report),
            "<main>",
            *(line for check in report.checks for line in _check(check)),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _head(report: Report) -> list[str]:
    kind, verdict = _verdict(report)
    return [
        "<header>",
        f'<p class="verdict {kind}">{verdict}</p>',
        f"<h1>{_text(report.issuer)}</h1>",
        f"<p>{_text(report.profile)}, {_text(report.mode)} mode, as client",
        f"<code>{_text(report.client_id)}</code>;",
        f"{_text(report.started_at)}, {report.seconds:g} s</p>",
        *_bar(report),
        "</header>",
    ]


def _verdict(report: Report) -> tuple[Outcome, str]:
    if report.totals["failed"]:
        return Outcome.FAILED, "does not conform"
    if report.totals["error"]:
        return Outcome.ERROR, "could not be judged in full"
    return Outcome.PASSED, "no failures"


def _bar(report: Report) -> list[str]:
    parts = [
        f'<span class="{each}" style="flex-grow: {report.totals[each]}"></span>'
        for each in _ORDER
        if report.totals[each]
    ]
    return ['<div class="bar" aria-hidden="true">', *parts, "</div>"]


def _filters(report: Report) -> list[str]:
    """Radio buttons that style sheets act upon."""
    choices = [("all", f"all {len(report.checks)}")]
    choices += [(str(each), f"{report.totals[each]} {each}") for each in _ORDER]
    lines = ['<form class="filters" aria-label="Show">']
    for value, label in choices:
        checked = " checked" if value == "all" else ""
        lines.append(
            f'<label class="{value}"><input type="radio" name="show" value="{value}"{checked}>'
            f"{_text(label)}</label>"
        )
    return [*lines, "</form>"]


def _check(check: ReportedCheck) -> list[str]:
    opened = " open" if check.outcome in _OPEN else ""
    return [
        f'<details class="check {check.outcome}" id="{_text(check.id)}"{opened}>',
        f'<summary><span class="outcome">{check.outcome}</span>',
        f'<span class="title">{_text(check.title)}</span>',
        f"<code>{_text(check.id)}</code></summary>",
        *_judgement(check),
        *(line for clause in check.requirements for line in _clause(clause)),
        *_modules(check),
        *(line for exchange in check.exchanges for line in _exchange(exchange)),
        "</details>",
    ]


def _judgement(check: ReportedCheck) -> list[str]:
    if check.expected is not None:
        return [
            '<dl class="judgement">',
            f"<dt>Expected</dt><dd>{_text(check.expected)}</dd>",
            f"<dt>But</dt><dd>{_text(check.seen or '')}</dd>",
            "</dl>",
        ]
    return [] if check.reason is None else [f'<p class="reason">{_text(check.reason)}</p>']


def _clause(clause: Clause) -> list[str]:
    return [
        "<blockquote>",
        f"<p>{_CODE.sub(_MARKED, _text(clause.sentence))}</p>",
        f"<footer>{_text(clause.place)} <code>{_text(clause.id)}</code></footer>",
        "</blockquote>",
    ]


def _modules(check: ReportedCheck) -> list[str]:
    if not check.certification_modules:
        return []
    names = " ".join(f"<code>{_text(each)}</code>" for each in check.certification_modules)
    return [f'<p class="modules">Certification: {names}</p>']


def _exchange(exchange: ReportedExchange) -> list[str]:
    answered = exchange.failure or str(exchange.status)
    return [
        '<details class="exchange" open>',
        f"<summary>{_text(exchange.method)} {_text(exchange.url)}",
        f'<span class="status">{_text(answered)}</span></summary>',
        f"<pre>{_text(exchange_text(exchange))}</pre>",
        "</details>",
    ]


def _text(text: str) -> str:
    return escape(text)
