"""The files of the inventory are read strictly."""

from pathlib import Path

import pytest

from tools.clause_inventory import (
    ExceptedRow,
    InventoryError,
    Requirement,
    Tier,
    parse_exceptions,
    parse_requirements,
)

ROOT = Path(__file__).resolve().parents[3]
ROW = '[[requirement]]\nid = "ciba-1"\nspec = "CIBA"\ntier = "core"\n'
KNOWN = frozenset({"ciba-1"})


def test_a_requirement_is_read():
    """A row gives its id, specification and tier."""
    assert parse_requirements(ROW) == (
        Requirement(id="ciba-1", specification="CIBA", tier=Tier.CORE),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no"),
        ("[[requirement", "not TOML"),
        ("requirement = 1\n", "written"),
        (ROW + "[extra]\n", "found extra"),
        (ROW + ROW, "ciba-1 appears more than once"),
        (ROW.replace("core", "soon"), "tier is core, full or optional"),
        (ROW.replace('spec = "CIBA"\n', ""), "ciba-1: spec is missing"),
        (ROW.replace('"ciba-1"', "7"), "id is missing"),
    ],
)
def test_a_wrong_inventory_is_refused(text: str, reason: str):
    """What is wrong with the inventory is said."""
    with pytest.raises(InventoryError, match=reason):
        parse_requirements(text)


def test_an_exception_is_read():
    """A row gives its id and its reason."""
    text = '[[exception]]\nid = "ciba-1"\nreason = "It is the bank\'s."\n'
    assert parse_exceptions(text, known=KNOWN) == (
        ExceptedRow(id="ciba-1", reason="It is the bank's."),
    )


def test_no_exception_is_needed():
    """A file without any row is fine."""
    assert parse_exceptions("# none\n", known=KNOWN) == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[[exception]]\nid = "ciba-2"\nreason = "r"\n', "ciba-2 is not a requirement"),
        ('[[exception]]\nid = "ciba-1"\nreason = "r"\n' * 2, "more than once"),
        ('[[exception]]\nid = "ciba-1"\n', "reason is missing"),
        ('[[exception]]\nid = "ciba-1"\nreason = " "\n', "reason is missing, empty"),
        ('[[exception]]\nid = "ciba-1"\nreason = "r"\nwhy = ""\n', "unknown why"),
    ],
)
def test_a_wrong_exception_is_refused(text: str, reason: str):
    """An exception names one existing row, once, with a reason."""
    with pytest.raises(InventoryError, match=reason):
        parse_exceptions(text, known=KNOWN)


def test_the_project_s_own_files_are_sound():
    """The inventory has its 655 rows, and each exception names one of them."""
    rows = parse_requirements((ROOT / "docs/requirements.toml").read_text(encoding="utf-8"))
    known = frozenset(row.id for row in rows)
    excepted = parse_exceptions(
        (ROOT / "docs/exceptions.toml").read_text(encoding="utf-8"), known=known
    )
    core = {row.id for row in rows if row.tier is Tier.CORE}
    assert (len(rows), len(core)) == (655, 466)
    assert {row.id for row in excepted} <= core
