"""Say what the last run of the tests left out, and refuse too much of it: part of ``make test``."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

__all__ = ["as_text", "main", "read", "too_low", "unreachable"]

_RECORD: Final = Path("build/coverage.json")

_FLOORS: Final = {
    "": 95.0,
    "ciba_service/protocol/": 100.0,
    "ciba_service/sca/": 100.0,
    "ciba_service/flow/": 100.0,
}
"""How many per cent of lines and branches a room must have covered; all of it has no name."""


_UNREACHABLE: Final = re.compile(r"\s*(assert_never\(|raise AssertionError\b)")
_EVERYTHING_ELSE: Final = re.compile(r"\s*case [a-z_]+:")


class Summary(msgspec.Struct, frozen=True):
    """How much of a file is covered."""

    covered_lines: int
    covered_branches: int


class Measured(msgspec.Struct, frozen=True):
    """One file, as SlipCover writes it down; a branch leads from a line to a line."""

    summary: Summary
    missing_lines: list[int]
    missing_branches: list[tuple[int, int]]

    @property
    def covered(self) -> int:
        """How many lines and branches are."""
        return self.summary.covered_lines + self.summary.covered_branches

    @property
    def missing(self) -> int:
        """How many lines and branches are not."""
        return len(self.missing_lines) + len(self.missing_branches)

    def without(self, lines: frozenset[int]) -> "Measured":
        """Leave out what is missing for these lines alone, and for the way there."""
        return replace(
            self,
            missing_lines=[each for each in self.missing_lines if each not in lines],
            missing_branches=[each for each in self.missing_branches if each[1] not in lines],
        )


class Coverage(msgspec.Struct, frozen=True):
    """All files that are to be covered, those that no test imports among them."""

    files: dict[str, Measured]

    def of(self, room: str) -> float:
        """How many per cent are covered of the files below a folder."""
        return _per_cent([each for name, each in self.files.items() if name.startswith(room)])


def _per_cent(files: Sequence[Measured]) -> float:
    covered = sum(each.covered for each in files)
    whole = covered + sum(each.missing for each in files)
    # Of nothing nothing, so that no room passes by being away.
    return 100 * covered / whole if whole else 0.0


def unreachable(source: str) -> frozenset[int]:
    """The lines that say of themselves that they are never reached, and the cases of nothing else.

    SlipCover leaves such lines out itself, but not the ways there.
    """
    lines = source.splitlines()
    says_so = {number for number, line in enumerate(lines, 1) if _UNREACHABLE.match(line)}
    cases = {
        number - 1 for number in says_so if number > 1 and _EVERYTHING_ELSE.match(lines[number - 2])
    }
    return frozenset(says_so | cases)


def read(record: Path, root: Path) -> Coverage:
    """What was measured of the sources in a folder, but for what cannot be reached."""
    coverage = msgspec.json.decode(record.read_bytes(), type=Coverage)
    return Coverage(
        {
            name: measured.without(unreachable((root / name).read_text(encoding="utf-8")))
            for name, measured in coverage.files.items()
        }
    )


def as_text(coverage: Coverage) -> str:
    """A line for each file of which something is missing, with what, and one for all of them."""
    rows = [
        f"{_per_cent([each]):5.1f} %  {name}  {_missing(each)}\n"
        for name, each in sorted(coverage.files.items())
        if each.missing
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


def main(root: Path = Path(), floors: Mapping[str, float] = _FLOORS) -> int:
    """Print what is missing of a project; return 1 when it is too much."""
    coverage = read(root / _RECORD, root)
    sys.stdout.write(as_text(coverage))
    complaints = too_low(coverage, floors)
    sys.stderr.write("".join(f"{each}\n" for each in complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
