"""What ``make test`` says of coverage, and when it refuses."""

from pathlib import Path

import msgspec
import pytest

from tools.coverage import main


def measured(covered: int, lines: list[int], branches: list[tuple[int, int]]) -> dict[str, object]:
    """What is written down of a file with ten branches."""
    summary = {
        "covered_lines": covered,
        "missing_lines": len(lines),
        "covered_branches": 10 - len(branches),
        "missing_branches": len(branches),
    }
    return {"summary": summary, "missing_lines": lines, "missing_branches": branches}


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A room that is whole, and one of which a tenth is missing."""
    files = {
        "bank/rules/whole.py": measured(90, [], []),
        "bank/shell.py": measured(80, [4, 7], [(3, 4), (3, 0)]),
        "bank/unused.py": measured(0, [*range(1, 7)], [(n, 0) for n in range(10)]),
    }
    path = tmp_path / "coverage.json"
    path.write_bytes(msgspec.json.encode({"meta": {"software": "slipcover"}, "files": files}))
    return path


def test_what_is_missing_is_named(record: Path, capsys: pytest.CaptureFixture[str]):
    """By lines and branches; files that are whole are left out, those nobody imports are not."""
    assert main(record, {"": 90.0, "bank/rules/": 100.0}) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert first == " 95.7 %  bank/shell.py  4 7 3->4 3->0"
    assert second.startswith("  0.0 %  bank/unused.py  1 2 3 4 5 6 0->0 1->0")
    assert last == " 90.4 %  of lines and branches"


@pytest.mark.parametrize(
    ("floors", "complaint"),
    [
        pytest.param({"": 90.5}, "all: 90.38 % is less than 90.5 %", id="all"),
        pytest.param(
            {"bank/shell.py": 100.0}, "bank/shell.py: 95.65 % is less than 100 %", id="room"
        ),
        pytest.param({"rules/": 100.0}, "rules/: 0.00 % is less than 100 %", id="room-not-there"),
    ],
)
def test_too_little_is_refused(
    record: Path, capsys: pytest.CaptureFixture[str], floors: dict[str, float], complaint: str
):
    """With a sentence for each room, be it that the room is measured no more."""
    assert main(record, floors) == 1
    assert capsys.readouterr().err == f"{complaint}\n"
