"""What ``make test`` says of coverage, and when it refuses."""

from pathlib import Path

import msgspec
import pytest

from tools.coverage import main

SHELL = """\
match kind:
    case 1:
        print(1)
    case 2:
        print(2)
    case _:
        assert_never(kind)
if kind:
    raise AssertionError("never")
"""


def measured(covered: int, lines: list[int], branches: list[tuple[int, int]]) -> dict[str, object]:
    """What is written down of a file, with as many branches covered as lines."""
    summary = {"covered_lines": covered, "covered_branches": covered}
    return {"summary": summary, "missing_lines": lines, "missing_branches": branches}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A room that is whole, a file of which a tenth is missing, and one that nobody imports."""
    files = {
        "bank/rules/whole.py": measured(45, [], []),
        "bank/shell.py": measured(18, [5, 6], [(1, 4), (1, 7), (4, 5), (4, 6), (8, 0), (8, 9)]),
        "bank/unused.py": measured(0, [1, 2], [(1, 2)]),
    }
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SHELL if name == "bank/shell.py" else "", encoding="utf-8")
    record = tmp_path / "build/coverage.json"
    record.parent.mkdir()
    record.write_bytes(msgspec.json.encode({"meta": {"software": "slipcover"}, "files": files}))
    return tmp_path


def test_what_is_missing_is_named(project: Path, capsys: pytest.CaptureFixture[str]):
    """By lines and branches; what is whole, or cannot be reached, is left out."""
    assert main(project, {"": 90.0, "bank/rules/": 100.0}) == 0
    assert capsys.readouterr().out.splitlines() == [
        " 90.0 %  bank/shell.py  5 1->4 4->5 8->0",
        "  0.0 %  bank/unused.py  1 2 1->2",
        " 94.7 %  of lines and branches",
    ]


@pytest.mark.parametrize(
    ("floors", "complaint"),
    [
        pytest.param({"": 95.0}, "all: 94.74 % is less than 95 %", id="all"),
        pytest.param(
            {"bank/shell.py": 100.0}, "bank/shell.py: 90.00 % is less than 100 %", id="room"
        ),
        pytest.param({"rules/": 100.0}, "rules/: 0.00 % is less than 100 %", id="room-not-there"),
    ],
)
def test_too_little_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], floors: dict[str, float], complaint: str
):
    """With a sentence for each room, be it that the room is measured no more."""
    assert main(project, floors) == 1
    assert capsys.readouterr().err == f"{complaint}\n"
