"""How a run looks in a terminal: progress while it lasts, and a summary."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ciba_client.conformance.check import Check, Outcome, Result
from ciba_client.conformance.reports.report import Report, ReportedCheck

__all__ = ["Terminal", "catalogue"]

_STYLES: Final = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.WARNED: "yellow",
    Outcome.SKIPPED: "dim",
    Outcome.ERROR: "magenta",
}
_TOLD: Final = (Outcome.FAILED, Outcome.ERROR, Outcome.WARNED)
_WIDTH: Final = 100


class Terminal:
    """An observer of a run; on what is no terminal it writes a plain line for each check."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        """With ``quiet`` nothing is said of what passed."""
        is_terminal = stream.isatty()
        self._console = Console(
            file=stream, highlight=False, width=None if is_terminal else _WIDTH, soft_wrap=True
        )
        self._quiet = quiet
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[waits]}"),
            console=self._console,
            disable=quiet or not is_terminal,
        )
        self._task = self._progress.add_task("checks", total=None, waits="")

    @contextmanager
    def watching(self, total: int) -> Iterator[None]:
        """Show progress meanwhile."""
        self._progress.update(self._task, total=total)
        with self._progress:
            yield

    def began(self, check: Check) -> None:
        """Say which check runs."""
        self._progress.update(self._task, waits=check.id)

    def waits(self, check: Check, seconds: float, why: str) -> None:
        """Say what is waited for."""
        self._progress.update(self._task, waits=f"{check.id}: {seconds:g} s for {why}")

    def ended(self, result: Result) -> None:
        """One more is done."""
        self._progress.advance(self._task)
        if not self._quiet:
            self._line(result.outcome, result.check.id, result.check.title)

    def summary(self, report: Report, written: list[str]) -> None:
        """What did not go well, and how many there are of each kind."""
        for check in report.checks:
            if check.outcome in _TOLD:
                self._explain(check)
        counts = ", ".join(
            f"[{_STYLES[each]}]{report.totals[each]} {each}[/]"
            for each in Outcome
            if report.totals[each]
        )
        self._console.print(
            f"\n{escape(report.profile)} {escape(report.mode)} {escape(report.issuer)}: {counts}"
            f" in {report.seconds:g} s"
        )
        for each in written:
            self._console.print(f"report: {escape(each)}")

    def _explain(self, check: ReportedCheck) -> None:
        self._console.print()
        self._line(check.outcome, check.id, check.title)
        if check.expected is not None:
            self._console.print(f"  expected {escape(check.expected)}")
            self._console.print(f"  but      {escape(check.seen or '')}")
        if check.reason is not None:
            self._console.print(f"  {escape(check.reason)}")
        for each in check.requirements:
            text = f"{each.id} ({each.place}): {each.sentence}"
            self._console.print(f"  [dim]{escape(text)}[/]")

    def _line(self, outcome: Outcome, name: str, title: str) -> None:
        self._console.print(f"[{_STYLES[outcome]}]{outcome:<8}[/] {escape(name)}  {escape(title)}")


def catalogue(checks: tuple[Check, ...], write: Callable[[str], object]) -> None:
    """All checks with the clauses they are about, for ``--list``."""
    width = max((len(check.id) for check in checks), default=0)
    for check in checks:
        write(f"{check.id:<{width}}  {check.title} ({', '.join(check.requirements)})\n")
