"""The checks are named, explained and listed, and rest on requirements that exist."""

import ast
import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from ciba_client.conformance import plan_file
from ciba_client.conformance.checks.registry import CHECKS, applicable
from ciba_client.conformance.plan_file import PlanFile, read_plan_file
from ciba_client.conformance.profile import Profile
from ciba_client.conformance.reports.clauses import clauses
from ciba_client.conformance.reports.files import json_schema
from ciba_client.conformance.reports.report import module_name
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from tools import conformance as written

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "conformance.example.toml"
TWINS = ROOT / "tests/conformance/certification"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+|denied|expired|refresh")
SECTIONS = {
    "client": plan_file.ClientSection,
    "request": plan_file.RequestSection,
    "approval": plan_file.ApprovalSection,
    "notifications": plan_file.NotificationSection,
    "resource": plan_file.ResourceSection,
    "time": plan_file.TimeSection,
}


def certification_modules() -> set[str]:
    """Of the public plan, in small letters: each has a test of its own here."""
    functions = (
        each.name
        for file in TWINS.glob("test_*.py")
        for each in ast.walk(ast.parse(file.read_text()))
        if isinstance(each, ast.AsyncFunctionDef | ast.FunctionDef)
    )
    prefix = "test_fapi_ciba_id1"
    return {
        each.removeprefix("test_").replace("_", "-").lower()
        for each in functions
        if each.startswith(prefix)
    }


def test_names_are_different_and_readable():
    """A name is words with hyphens, and belongs to one check."""
    names = [each.id for each in CHECKS]
    assert len(set(names)) == len(names)
    assert all(NAME.fullmatch(each) for each in names)
    assert len({each.title for each in CHECKS}) == len(CHECKS)


def test_requirements_exist():
    """Each check names at least one, and the installed clauses are those of the list."""
    known = {
        row["id"]
        for row in tomllib.loads((ROOT / "docs/requirements.toml").read_text())["requirement"]
    }
    for check in CHECKS:
        assert check.requirements
        assert set(check.requirements) <= known
        assert set(check.requirements) <= clauses().keys()


def test_certification_modules_exist():
    """Those that are named, and nearly all of them are."""
    named = {module_name(each).lower() for check in CHECKS for each in check.modules}
    assert named <= certification_modules()
    assert len(certification_modules() - named) <= 3


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("mode", TokenDeliveryMode)
def test_every_profile_and_mode_has_checks(profile: Profile, mode: TokenDeliveryMode):
    """A hundred at least."""
    assert len(applicable(profile, mode)) >= 100


def test_what_follows_from_the_checks_is_written_anew():
    """Clauses, the list on the page, and the schema: python -m tools.conformance."""
    assert written.CLAUSES.read_text(encoding="utf-8") == written.clauses()
    page = written.PAGE.read_text(encoding="utf-8")
    assert page == written.with_list(page)
    assert written.SCHEMA.read_bytes() == json_schema()


def test_the_example_can_be_read():
    """As it stands, and without what is commented out."""
    assert read_plan_file(EXAMPLE).profile is Profile.FAPI_CIBA


@pytest.mark.parametrize("section", SECTIONS)
def test_the_example_explains_every_key(section: str):
    """Set or commented out, in its table."""
    text = EXAMPLE.read_text()
    part = text[text.index(f"[{section}]") :].split("\n[", maxsplit=1)[0]
    for name in SECTIONS[section].__struct_fields__:
        assert re.search(rf"^(# )?{name} = ", part, re.MULTILINE), name


def test_the_example_explains_the_keys_at_the_top():
    """And has every table."""
    text = EXAMPLE.read_text()
    for each in msgspec.structs.fields(PlanFile):
        assert re.search(rf"^(# )?{each.name} = |^\[{each.name}\]", text, re.MULTILINE), each.name


def test_defaults_are_as_the_example_says():
    """Of patience, where it says that they are shown."""
    assert read_plan_file(EXAMPLE).time == plan_file.TimeSection()
