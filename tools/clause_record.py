"""What a run of the tests says about clauses: build/clauses.json, written by the test suite.

A test function counts as a whole: it passed when every one of its cases ran and passed.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["MarkedTest", "Outcome", "RecordError", "combine", "parse_record", "proven", "render"]

_FORMAT: Final = 1


class RecordError(Exception):
    """The record is not one that the test suite wrote."""


class Outcome(StrEnum):
    """What became of a test, or of one case of it."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class MarkedTest:
    """A test function, the clauses it is marked with, and its outcome over all its cases."""

    test: str
    clauses: tuple[str, ...]
    outcome: Outcome


def combine(outcomes: Iterable[Outcome], *, collected: int) -> Outcome:
    """Outcome of a test of which ``collected`` cases exist and these ones were run."""
    ran = list(outcomes)
    if Outcome.FAILED in ran:
        return Outcome.FAILED
    if Outcome.SKIPPED in ran:
        return Outcome.SKIPPED
    complete = 0 < collected <= ran.count(Outcome.PASSED)
    return Outcome.PASSED if complete else Outcome.INCOMPLETE


def proven(tests: Iterable[MarkedTest]) -> frozenset[str]:
    """Clauses with a marked test that passed and none that failed."""
    passed: set[str] = set()
    failed: set[str] = set()
    for test in tests:
        if test.outcome is Outcome.PASSED:
            passed.update(test.clauses)
        elif test.outcome is Outcome.FAILED:
            failed.update(test.clauses)
    return frozenset(passed - failed)


def render(tests: Iterable[MarkedTest]) -> str:
    """The record as JSON, the same for the same tests in any order."""
    rows = [
        {"test": test.test, "clauses": sorted(test.clauses), "outcome": test.outcome}
        for test in sorted(tests, key=lambda test: test.test)
    ]
    return json.dumps({"format": _FORMAT, "tests": rows}, indent=1) + "\n"


def parse_record(text: str) -> tuple[MarkedTest, ...]:
    """Read what ``render`` wrote; raises ``RecordError``."""
    try:
        document = json.loads(text)
        if document["format"] != _FORMAT:
            raise RecordError("it has another format")
        return tuple(
            MarkedTest(
                test=row["test"], clauses=tuple(row["clauses"]), outcome=Outcome(row["outcome"])
            )
            for row in document["tests"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError(f"it cannot be read: {error}") from error
