"""The audit of the dependencies: what is weak fails, and what was not asked is no pass."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tools.advisories import Advisory, Audited, Run, ask_npm, ask_pypi, program
from tools.audit import Exemption, judged, read_exemptions
from tools.licences import ALLOWED, forbidden_licences, licence_of, locked
from tools.sbom import bill_of_materials

ROOT = Path(__file__).parents[3]
DAY = date(2026, 11, 22)
LOCK = (
    "anyio==4.16.0 \\\n    --hash=sha256:%s\n    # via x\n"
    "msgspec==1.0 ; y \\\n    --hash=sha256:%s\n"
)
WEAK = Audited("dev.txt", 9, (Advisory("anyio", frozenset({"PYSEC-1", "GHSA-1"})),))
UNASKED = Audited("dev.txt", 0, unasked="unreachable")


def answering(*documents: object) -> Run:
    """A program that writes these, one each time it is run."""
    answers = [json.dumps(document).encode() for document in documents]

    def run(_command: Sequence[str], _directory: Path) -> bytes:
        return answers.pop(0) if answers else b""

    return run


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock of two packages."""
    path = tmp_path / "lock.txt"
    path.write_text(LOCK % ("a" * 64, "b" * 64), "utf-8")
    return path


def pip_report(*vulns: object, skipped: str = "") -> dict[str, object]:
    """What pip-audit says of two packages."""
    second = {"name": "b", "skip_reason": skipped} if skipped else {"name": "b", "vulns": []}
    return {"dependencies": [{"name": "anyio", "vulns": list(vulns)}, second]}


def test_known_weaknesses_are_found(lock: Path):
    """Under all their names."""
    report = pip_report({"id": "PYSEC-1", "aliases": ["GHSA-1"], "fix_versions": []})
    audited = ask_pypi(lock, answering(pip_report(), report))
    assert audited == Audited("lock.txt", 2, WEAK.advisories)


@pytest.mark.parametrize("probe", [{}, pip_report(skipped="not found")])
def test_an_index_that_knows_nothing_is_no_pass(lock: Path, probe: object):
    """pip-audit itself says of it that nothing was found."""
    assert ask_pypi(lock, answering(probe)) == Audited("lock.txt", 0, unasked="unreachable")


def test_a_package_that_nobody_knows_is_named(lock: Path):
    """The others were audited all the same."""
    audited = ask_pypi(lock, answering(pip_report(), pip_report(skipped="not found")))
    assert audited == Audited("lock.txt", 1, unasked="nothing is known of b")


def test_npm_is_asked_likewise(tmp_path: Path):
    """Advisories of a dependency's dependency are named by that one."""
    lock = tmp_path / "package-lock.json"
    via = [{"url": "https://advisories.example/GHSA-2"}, "other"]
    report = {
        "vulnerabilities": {"jose": {"name": "jose", "via": via}},
        "metadata": {"dependencies": {"total": 7}},
    }
    audited = ask_npm(lock, answering(report))
    assert (audited.packages, audited.unasked) == (7, "")
    assert audited.advisories == (Advisory("jose", frozenset({"GHSA-2"})),)
    assert ask_npm(lock, answering({"message": "405"})).unasked == "unreachable"


def test_a_program_that_is_not_there_has_said_nothing(tmp_path: Path):
    """As where there is no npm."""
    assert program(["no-such-program-anywhere"], tmp_path) == b""


def test_what_is_weak_fails_until_it_is_exempted():
    """An exemption counts for its package, under any name of the advisory, and before its end."""
    exemption = Exemption("GHSA-1", "anyio", "not used so", date(2026, 11, 23))
    assert judged([WEAK], [], today=DAY, required=False).fails
    assert not judged([WEAK], [exemption], today=DAY, required=True).fails
    other = Exemption("GHSA-1", "another", "not used so", date(2026, 11, 23))
    assert judged([WEAK], [other], today=DAY, required=False).fails
    ended = judged([], [exemption], today=date(2026, 11, 23), required=False)
    assert (ended.fails, ended.lines) == (True, ("GHSA-1: the exemption of anyio has ended",))


def test_what_was_not_asked_fails_where_that_is_required():
    """Else it is said, and cannot be taken for a pass."""
    told = judged([UNASKED], [], today=DAY, required=False)
    assert (told.fails, told.lines) == (False, ("dev.txt: NOT AUDITED: unreachable",))
    assert judged([UNASKED], [], today=DAY, required=True).fails


def test_no_exemption_is_outdated_or_without_a_reason(tmp_path: Path):
    """Those of the repository, today."""
    today = datetime.now(UTC).date()  # noqa: TID251 - of the day it runs
    assert all(each.until > today for each in read_exemptions())
    path = tmp_path / "exemptions.toml"
    path.write_text(
        '[[exempted]]\nid = "X"\npackage = "a"\nreason = " "\nuntil = 2099-01-01\n', "utf-8"
    )
    with pytest.raises(ValueError, match="no reason"):
        read_exemptions(path)


def test_every_dependency_has_a_licence_of_the_closed_list(tmp_path: Path):
    """What is pinned and installed here; another licence is named."""
    assert forbidden_licences(ROOT / "requirements" / "dev.txt") == []
    assert licence_of("msgspec") in ALLOWED
    assert licence_of("no-such-package-anywhere") is None
    lock = tmp_path / "lock.txt"
    lock.write_text("msgspec==1 \\\n", "utf-8")
    assert locked(lock) == [("msgspec", "1")]


def test_a_bill_of_materials_names_every_package_of_the_lock(lock: Path):
    """With its hashes, the same for the same lock."""
    text = lock.read_text("utf-8")
    bill = bill_of_materials(text)
    assert bill == bill_of_materials(text)
    assert [each.purl for each in bill.components] == [
        "pkg:pypi/anyio@4.16.0",
        "pkg:pypi/msgspec@1.0",
    ]
    assert [len(each.properties) for each in bill.components] == [1, 1]
    whole = (ROOT / "requirements" / "runtime.txt").read_text("utf-8")
    assert len(bill_of_materials(whole).components) == len(
        locked(ROOT / "requirements" / "runtime.txt")
    )
