"""``make clauses`` as it is used: files in, a report and an exit status out."""

import json
from pathlib import Path

import pytest

from tools.clause_record import MarkedTest, Outcome, render
from tools.clauses import main

REQUIREMENTS = "".join(
    f'[[requirement]]\nid = "{row}"\nspec = "{spec}"\ntier = "{tier}"\n'
    for row, spec, tier in [
        ("ciba-1", "CIBA", "core"),
        ("ciba-2", "CIBA", "core"),
        ("ciba-3", "CIBA", "core"),
        ("sca-1", "SCA", "core"),
        ("rfc-1", "RFC", "full"),
    ]
)
EXCEPTIONS = '[[exception]]\nid = "ciba-2"\nreason = "Only the bank can show it."\n'
PROOF = MarkedTest(test="t.py::test_a", clauses=("ciba-1", "sca-1"), outcome=Outcome.PASSED)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with five requirements, one exception and a record of one passed test."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "build").mkdir()
    (tmp_path / "docs/requirements.toml").write_text(REQUIREMENTS, encoding="utf-8")
    (tmp_path / "docs/exceptions.toml").write_text(EXCEPTIONS, encoding="utf-8")
    (tmp_path / "build/clauses.json").write_text(render([PROOF]), encoding="utf-8")
    return tmp_path


def test_the_report_says_where_every_row_stands(project: Path, capsys: pytest.CaptureFixture[str]):
    """Each specification lists its proven, open and excepted rows; each tier ends in a sum."""
    assert main(["--root", str(project)]) == 0
    assert capsys.readouterr().out == (
        "CIBA (core): 1 proven, 1 excepted, 1 open of 3\n"
        "  proven: ciba-1\n"
        "  open: ciba-3\n"
        "  excepted: ciba-2: Only the bank can show it.\n"
        "\n"
        "SCA (core): 1 proven, 0 excepted, 0 open of 1\n"
        "  proven: sca-1\n"
        "\n"
        "RFC (full): 0 proven, 0 excepted, 1 open of 1\n"
        "  open: rfc-1\n"
        "\n"
        "core: 2 proven, 1 excepted, 1 open of 4\n"
        "full: 0 proven, 0 excepted, 1 open of 1\n"
    )


def test_open_ids_can_be_listed(project: Path, capsys: pytest.CaptureFixture[str]):
    """One id a line, of one tier when it is named."""
    assert main(["--root", str(project), "--open"]) == 0
    assert capsys.readouterr().out == "ciba-3\nrfc-1\n"
    assert main(["--root", str(project), "--open", "--tier", "core"]) == 0
    assert capsys.readouterr().out == "ciba-3\n"


def test_a_program_can_read_the_report(project: Path, capsys: pytest.CaptureFixture[str]):
    """The JSON has the sums of each tier and every row with its tests and reason."""
    assert main(["--root", str(project), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["totals"]["core"] == {"proven": 2, "excepted": 1, "open": 1}
    assert report["rows"][0] == {
        "id": "ciba-1",
        "specification": "CIBA",
        "tier": "core",
        "status": "proven",
        "tests": ["t.py::test_a"],
        "reason": "",
    }
    assert [row["status"] for row in report["rows"][1:3]] == ["excepted", "open"]
    assert report["rows"][1]["reason"] == "Only the bank can show it."


def test_without_a_record_it_says_what_to_run(project: Path, capsys: pytest.CaptureFixture[str]):
    """A missing record is a failure, not an empty report."""
    (project / "build/clauses.json").unlink()
    assert main(["--root", str(project)]) == 1
    printed = capsys.readouterr()
    assert (printed.out, "run: make test" in printed.err) == ("", True)


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("build/clauses.json", "{}", "run: make test"),
        (
            "build/clauses.json",
            render([MarkedTest(test="t", clauses=("gone-1",), outcome=Outcome.FAILED)]),
            "t: gone-1 is not in docs/requirements.toml",
        ),
        ("docs/exceptions.toml", EXCEPTIONS.replace("ciba-2", "ciba-1"), "ciba-1 is proven"),
        ("docs/exceptions.toml", EXCEPTIONS.replace("ciba-2", "ciba-9"), "not a requirement"),
        ("docs/requirements.toml", "", "no [[requirement]]"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, reason: str
):
    """A stale record, an unknown or needless exception and a broken file fail with the reason."""
    (project / file).write_text(text, encoding="utf-8")
    assert main(["--root", str(project)]) == 1
    printed = capsys.readouterr()
    assert (printed.out, reason in printed.err) == ("", True)


def test_a_missing_inventory_is_named(project: Path, capsys: pytest.CaptureFixture[str]):
    """A file that cannot be read is an error with its name."""
    (project / "docs/exceptions.toml").unlink()
    assert main(["--root", str(project)]) == 1
    assert "exceptions.toml cannot be read" in capsys.readouterr().err
