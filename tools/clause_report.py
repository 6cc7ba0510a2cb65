"""The clause report: every row is proven, excepted or open, counted by tier and specification."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tools.clause_inventory import ExceptedRow, Requirement, Tier
from tools.clause_record import MarkedTest, proven

__all__ = ["Row", "Status", "Totals", "as_json", "as_text", "contradictions", "rows", "totals"]


class Status(StrEnum):
    """Where a requirement stands."""

    PROVEN = "proven"
    EXCEPTED = "excepted"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Row:
    """A requirement with its status, the tests marked with it, and why it is excepted."""

    requirement: Requirement
    status: Status
    tests: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Totals:
    """How many rows have each status."""

    proven: int
    excepted: int
    open: int

    def __str__(self) -> str:
        """Say it in one line."""
        total = self.proven + self.excepted + self.open
        return f"{self.proven} proven, {self.excepted} excepted, {self.open} open of {total}"


def contradictions(
    requirements: Iterable[Requirement],
    excepted: Iterable[ExceptedRow],
    tests: Iterable[MarkedTest],
) -> Iterator[str]:
    """Say what cannot be true: a proven row that is excepted, a recorded id that does not exist."""
    tests = tuple(tests)
    known = {requirement.id for requirement in requirements}
    for test in tests:
        for clause in test.clauses:
            if clause not in known:
                yield (
                    f"{test.test}: {clause} is not in docs/requirements.toml"
                    " (an old record? run: make test)"
                )
    shown = proven(tests)
    for row in excepted:
        if row.id in shown:
            yield f"docs/exceptions.toml: {row.id} is proven by a test; remove the exception"


def rows(
    requirements: Iterable[Requirement],
    excepted: Iterable[ExceptedRow],
    tests: Iterable[MarkedTest],
) -> tuple[Row, ...]:
    """Give every requirement its status, in the order of the inventory."""
    tests = tuple(tests)
    reasons = {row.id: row.reason for row in excepted}
    shown = proven(tests)
    return tuple(
        Row(
            requirement=requirement,
            status=_status(requirement.id, shown, reasons),
            tests=tuple(test.test for test in tests if requirement.id in test.clauses),
            reason=reasons.get(requirement.id, ""),
        )
        for requirement in requirements
    )


def totals(rows: Iterable[Row]) -> Totals:
    """Count the rows by status."""
    found = [row.status for row in rows]
    return Totals(
        proven=found.count(Status.PROVEN),
        excepted=found.count(Status.EXCEPTED),
        open=found.count(Status.OPEN),
    )


def as_text(rows: Iterable[Row]) -> str:
    """Render the report to be read: ids by tier and specification, then the totals of the tiers."""
    rows = tuple(rows)
    blocks: list[str] = []
    sums: list[str] = []
    for tier in Tier:
        of_tier = [row for row in rows if row.requirement.tier is tier]
        if of_tier:
            blocks.extend(_specification(tier, *group) for group in _by_specification(of_tier))
            sums.append(f"{tier}: {totals(of_tier)}\n")
    return "\n".join([*blocks, "".join(sums)])


def as_json(rows: Iterable[Row]) -> str:
    """Render the same for a program."""
    rows = tuple(rows)
    counted = {tier: totals(row for row in rows if row.requirement.tier is tier) for tier in Tier}
    document = {
        "totals": {
            tier: {"proven": sums.proven, "excepted": sums.excepted, "open": sums.open}
            for tier, sums in counted.items()
        },
        "rows": [
            {
                "id": row.requirement.id,
                "specification": row.requirement.specification,
                "tier": row.requirement.tier,
                "status": row.status,
                "tests": row.tests,
                "reason": row.reason,
            }
            for row in rows
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _status(clause: str, shown: frozenset[str], reasons: Mapping[str, str]) -> Status:
    if clause in shown:
        return Status.PROVEN
    return Status.EXCEPTED if clause in reasons else Status.OPEN


def _by_specification(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.requirement.specification, []).append(row)
    yield from groups.items()


def _specification(tier: Tier, name: str, rows: list[Row]) -> str:
    lines = [f"{name} ({tier}): {totals(rows)}"]
    for status in (Status.PROVEN, Status.OPEN):
        ids = " ".join(row.requirement.id for row in rows if row.status is status)
        lines.extend(_wrapped(f"{status}: ", ids) if ids else [])
    for row in rows:
        if row.status is Status.EXCEPTED:
            lines.extend(_wrapped(f"excepted: {row.requirement.id}: ", row.reason))
    return "\n".join(lines) + "\n"


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=110,
        initial_indent=f"  {label}",
        subsequent_indent="    ",
        break_on_hyphens=False,
        break_long_words=False,
    )
