"""Print which requirements the last run of the tests proved: ``make clauses``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.clause_inventory import InventoryError, Tier, parse_exceptions, parse_requirements
from tools.clause_record import RecordError, parse_record
from tools.clause_report import Row, Status, as_json, as_text, contradictions, rows

__all__ = ["build_parser", "main"]

_ROOT: Final = Path(__file__).resolve().parent.parent


class _Refused(Exception):
    """Nothing can be reported; the message says why."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="make clauses", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--open", action="store_true", help="print only the ids that are open")
    parser.add_argument("--tier", type=Tier, choices=list(Tier), help="only the rows of this tier")
    parser.add_argument(
        "--root", type=Path, default=_ROOT, help="the project's folder (default: this one)"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; return 1 when there is none to print."""
    options = build_parser().parse_args(arguments)
    try:
        found = _load(options.root)
    except (InventoryError, _Refused) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.tier is not None:
        found = tuple(row for row in found if row.requirement.tier is options.tier)
    sys.stdout.write(_rendered(found, json=options.json, only_open=options.open))
    return 0


def _load(root: Path) -> tuple[Row, ...]:
    requirements = parse_requirements(_read(root / "docs/requirements.toml"))
    excepted = parse_exceptions(
        _read(root / "docs/exceptions.toml"),
        known=frozenset(requirement.id for requirement in requirements),
    )
    record = root / "build/clauses.json"
    if not record.is_file():
        raise _Refused("There is no record of a test run yet; run: make test")
    try:
        tests = parse_record(_read(record))
    except RecordError as error:
        raise _Refused(f"build/clauses.json: {error}; run: make test") from error
    if wrong := list(contradictions(requirements, excepted, tests)):
        raise _Refused("\n".join(wrong))
    return rows(requirements, excepted, tests)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _Refused(f"{path} cannot be read: {error}") from error


def _rendered(found: Sequence[Row], *, json: bool, only_open: bool) -> str:
    if only_open:
        found = tuple(row for row in found if row.status is Status.OPEN)
    if json:
        return as_json(found)
    if only_open:
        return "".join(f"{row.requirement.id}\n" for row in found)
    return as_text(found)


if __name__ == "__main__":
    sys.exit(main())
