"""docs/security.md names rows, tests and exceptions that there are, and every key there is."""

import ast
import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from ciba_service.protocol.client.metadata import ClientMetadata
from ciba_service.settings import PolicySettings
from ciba_service.stores.service_keys.stored_keys import Purpose

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
FAMILIES = ("sca-art", "nist63b-", "rfc10027-")
LEFT_TO_THE_RECORD = "*see the record*"


def chapter(title: str) -> list[list[str]]:
    """The cells of the rows of the table below a heading."""
    text = PAGE.split(f"\n## {title}")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


def claims() -> dict[str, str]:
    """For each row of a specification who shows it."""
    rows = re.findall(r"^\| `((?:sca|nist63b|rfc10027)-[^`]+)` \|.*\| (.+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == len(dict(rows))
    return dict(rows)


def documents(name: str, key: str) -> list[dict[str, str]]:
    """The tables of one of the files of rows."""
    return list(tomllib.loads((ROOT / "docs" / name).read_text("utf-8"))[key])


def marked_tests() -> dict[str, set[str]]:
    """The rows that each test function carries."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                marks = [ast.unparse(each) for each in node.decorator_list]
                clauses = "".join(mark for mark in marks if mark.startswith("pytest.mark.clause"))
                found.setdefault(node.name, set()).update(re.findall(r"'([^']+)'", clauses))
    return found


def test_every_row_has_its_place():
    """Each core row of the three documents, and no row that there is not."""
    core = {
        row["id"]
        for row in documents("requirements.toml", "requirement")
        if row["tier"] == "core" and row["id"].startswith(FAMILIES)
    }
    assert claims().keys() == core


def test_what_the_page_claims_is_so():
    """A named test carries the row, and an exception is written down."""
    excepted = {each["id"] for each in documents("exceptions.toml", "exception")}
    carried = marked_tests()
    for row, shown_by in claims().items():
        if shown_by == "*exception*":
            assert row in excepted
        elif shown_by != LEFT_TO_THE_RECORD:
            assert row not in excepted
            for name in re.findall(r"`(test_\w+)`", shown_by):
                assert row in carried[name], f"{name} does not carry {row}"
            assert "`test_" in shown_by


@pytest.mark.clause("sca-art22-5")
def test_every_key_has_its_row():
    """Where each is made, kept and used, and how it ends."""
    table = {cells[0].split(" ")[0].strip("`"): cells for cells in chapter("Keys")}
    assert {*get_args(Purpose), "ring"} <= table.keys()
    assert all(len(cells) == 5 and all(cells) for cells in table.values())


@pytest.mark.clause("rfc10027-2-1", "rfc10027-2-3")
def test_the_risks_are_assessed():
    """Each risk has its weight, its mitigations, and settings that there are."""
    risks = chapter("Cross-device consent phishing")
    assert len(risks) >= 5
    assert all(len(cells) == 4 and all(cells) for cells in risks)
    settings = {*PolicySettings.__struct_fields__, *ClientMetadata.__struct_fields__, "user_code"}
    for *_, decided in risks:
        named = re.findall(r"`(\w+)`", decided)
        assert set(named) <= settings
        assert named
