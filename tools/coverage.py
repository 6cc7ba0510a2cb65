"""Say what the last run of the tests left out, and refuse too much of it: part of ``make test``."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

__all__ = ["as_text", "main", "too_low"]

_RECORD: Final = Path("build/coverage.json")

_FLOORS: Final = {
    "": 95.0,
    "ciba_service/protocol/": 100.0,
    "ciba_service/sca/": 100.0,
    "ciba_service/flow/": 100.0,
}
"""How many per cent of lines and branches a room must have covered; all of it has no name."""


class Counts(msgspec.Struct, frozen=True):
    """Lines and branches, of one file or of more."""

    covered_lines: int
    missing_lines: int
    covered_branches: int
    missing_branches: int

    @property
    def per_cent(self) -> float:
        """How much is covered; of nothing nothing, so that no room passes by being away."""
        covered = self.covered_lines + self.covered_branches
        whole = covered + self.missing_lines + self.missing_branches
        return 100 * covered / whole if whole else 0.0


class Measured(msgspec.Struct, frozen=True):
    """One file, as SlipCover writes it down."""

    summary: Counts
    missing_lines: list[int]
    missing_branches: list[tuple[int, int]]


class Coverage(msgspec.Struct, frozen=True):
    """All files that are to be covered, those that no test imports among them."""

    files: dict[str, Measured]

    def of(self, room: str) -> float:
        """How many per cent are covered of the files below a folder."""
        counts = [each.summary for name, each in self.files.items() if name.startswith(room)]
        fields = Counts.__struct_fields__
        return Counts(*(sum(getattr(one, field) for one in counts) for field in fields)).per_cent


def as_text(coverage: Coverage) -> str:
    """A line for each file of which something is missing, with what, and one for all of them."""
    rows = [
        f"{each.summary.per_cent:5.1f} %  {name}  {_missing(each)}\n"
        for name, each in sorted(coverage.files.items())
        if each.missing_lines or each.missing_branches
    ]
    return "".join(rows) + f"{coverage.of(''):5.1f} %  of lines and branches\n"


def _missing(measured: Measured) -> str:
    lines = map(str, measured.missing_lines)
    branches = (f"{origin}->{target}" for origin, target in measured.missing_branches)
    return " ".join((*lines, *branches))


def too_low(coverage: Coverage, floors: Mapping[str, float]) -> list[str]:
    """A sentence for each room that has less covered than it must."""
    return [
        f"{room or 'all'}: {coverage.of(room):.2f} % is less than {floor:g} %"
        for room, floor in floors.items()
        if coverage.of(room) < floor
    ]


def main(record: Path = _RECORD, floors: Mapping[str, float] = _FLOORS) -> int:
    """Print what is missing; return 1 when it is too much."""
    coverage = msgspec.json.decode(record.read_bytes(), type=Coverage)
    sys.stdout.write(as_text(coverage))
    complaints = too_low(coverage, floors)
    sys.stderr.write("".join(f"{each}\n" for each in complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
