"""A summary to be read beside the code: Markdown."""

from ciba_client.conformance.check import Outcome
from ciba_client.conformance.reports.report import Report, ReportedCheck

__all__ = ["as_markdown"]


def as_markdown(report: Report) -> str:
    """Counts, and a row for each check."""
    counts = ", ".join(f"{report.totals[each]} {each}" for each in Outcome if report.totals[each])
    lines = [
        f"# {report.profile}, {report.mode}",
        "",
        f"`{report.issuer}`, {report.started_at}, {report.seconds:g} s: {counts}.",
        "",
        "| check | outcome | remark |",
        "| --- | --- | --- |",
        *(_row(each) for each in report.checks),
        "",
    ]
    return "\n".join(lines)


def _row(check: ReportedCheck) -> str:
    remark = check.reason or ""
    if check.expected is not None:
        remark = f"expected {check.expected}, but {check.seen}"
    return f"| `{check.id}` | {check.outcome} | {remark.replace('|', '/')} |"
