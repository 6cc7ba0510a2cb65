"""The pytest plugin behind ``@pytest.mark.clause``: it refuses unknown ids and keeps the record.

With ``--clause-record FILE`` the run writes what became of every marked test. The markers travel
with each test's report, so that the record is the same with and without pytest-xdist.
"""

from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

import pytest

from tools.clause_inventory import parse_requirements
from tools.clause_record import MarkedTest, Outcome, combine, render

_CLAUSE: Final = "clause"
_CASES: Final = "clause_cases"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that asks for the record."""
    parser.getgroup("clauses").addoption(
        "--clause-record",
        metavar="FILE",
        type=Path,
        help="write which marked tests passed to FILE",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse unknown ids everywhere; keep the record where the tests are counted."""
    config.pluginmanager.register(_Markers(config.rootpath / "docs/requirements.toml"))
    path: Path | None = config.getoption("clause_record")
    if path is not None and not hasattr(config, "workerinput"):
        path.unlink(missing_ok=True)
        config.pluginmanager.register(_Recorder(path))


class _Markers:
    """Check the markers at collection, and attach them to the reports."""

    def __init__(self, inventory: Path) -> None:
        self._inventory = inventory
        self._known: frozenset[str] | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self,
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Turn a wrong marker into an error of collection that names the test."""
        report = yield
        items = [item for item in report.result or () if isinstance(item, pytest.Item)]
        if wrong := [sentence for item in items for sentence in self._wrong(item)]:
            report.outcome = "failed"
            report.longrepr = "\n".join(wrong)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Attach ids, and how many cases the test has, before any test is deselected."""
        cases = Counter(_test_of(item.nodeid) for item in items)
        for item in items:
            if clauses := sorted(set(_clauses(item))):
                item.user_properties.extend((_CLAUSE, clause) for clause in clauses)
                item.user_properties.append((_CASES, cases[_test_of(item.nodeid)]))

    def _wrong(self, item: pytest.Item) -> Iterator[str]:
        for marker in item.iter_markers(_CLAUSE):
            if not marker.args or marker.kwargs:
                yield f"{item.nodeid}: clause takes ids and nothing else"
        for clause in _clauses(item):
            if clause not in self._ids():
                yield f"{item.nodeid}: {clause!r} is not in docs/requirements.toml"

    def _ids(self) -> frozenset[str]:
        if self._known is None:
            text = self._inventory.read_text(encoding="utf-8")
            self._known = frozenset(row.id for row in parse_requirements(text))
        return self._known


class _Recorder:
    """Gather the reports of all tests, from every worker, and write the record at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._clauses: dict[str, set[str]] = {}
        self._collected: dict[str, int] = {}
        self._outcomes: dict[str, set[tuple[str, Outcome]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one phase of one case."""
        test = _test_of(report.nodeid)
        for name, value in report.user_properties:
            if name == _CLAUSE:
                self._clauses.setdefault(test, set()).add(str(value))
            elif name == _CASES:
                self._collected[test] = int(str(value))
        outcome = _outcome(report)
        if outcome is not Outcome.PASSED or report.when == "call":
            self._outcomes.setdefault(test, set()).add((report.nodeid, outcome))

    def pytest_sessionfinish(self) -> None:
        """Write the record, whatever the result of the run."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(render(self._tests()), encoding="utf-8")

    def _tests(self) -> Iterator[MarkedTest]:
        for test, clauses in self._clauses.items():
            outcomes = [outcome for _, outcome in self._outcomes.get(test, ())]
            yield MarkedTest(
                test=test,
                clauses=tuple(sorted(clauses)),
                outcome=combine(outcomes, collected=self._collected[test]),
            )


def _clauses(item: pytest.Item) -> Iterator[str]:
    for marker in item.iter_markers(_CLAUSE):
        yield from map(str, marker.args)


def _test_of(node: str) -> str:
    """Cut the case, and the group that pytest-xdist appends, off the id of a test."""
    return node.partition("[")[0].partition("@")[0]


def _outcome(report: pytest.TestReport) -> Outcome:
    if report.failed or hasattr(report, "wasxfail"):
        return Outcome.FAILED
    return Outcome.SKIPPED if report.skipped else Outcome.PASSED
