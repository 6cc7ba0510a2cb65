"""Writes what follows from the conformance checks, so that it leaves nothing out.

``python -m tools.conformance`` writes the clauses that reports quote (from
docs/requirements.toml), the list of checks in docs/conformance-runner.md, and the JSON Schema of
reports; tests hold them to the checks.
"""

import json
import tomllib
from pathlib import Path
from typing import Final

from ciba_client.conformance.check import Check
from ciba_client.conformance.checks.registry import CHECKS
from ciba_client.conformance.profile import Profile
from ciba_client.conformance.reports.files import json_schema
from ciba_client.conformance.reports.report import module_name
from ciba_client.sdk.delivery_mode import TokenDeliveryMode

__all__ = ["CLAUSES", "PAGE", "SCHEMA", "clauses", "list_of_checks", "with_list"]

_ROOT: Final = Path(__file__).resolve().parent.parent
_REQUIREMENTS: Final = _ROOT / "docs" / "requirements.toml"
CLAUSES: Final = _ROOT / "ciba_client" / "conformance" / "reports" / "clauses.toml"
PAGE: Final = _ROOT / "docs" / "conformance-runner.md"
SCHEMA: Final = _ROOT / "docs" / "conformance" / "report.schema.json"
_MEMBERS: Final = ("id", "spec", "section", "level", "actor", "text")
_BEGIN: Final = "<!-- checks: python -m tools.conformance -->\n"
_END: Final = "<!-- end of checks -->\n"


def clauses() -> str:
    """Those rows of the requirements that checks name, in their order."""
    rows = tomllib.loads(_REQUIREMENTS.read_text(encoding="utf-8"))["requirement"]
    named = {requirement for check in CHECKS for requirement in check.requirements}
    tables = (
        "".join(["\n[[clause]]\n", *(f"{name} = {_quoted(row[name])}\n" for name in _MEMBERS)])
        for row in rows
        if row["id"] in named
    )
    return "".join(["# Written by python -m tools.conformance.\n", *tables])


def list_of_checks() -> str:
    """One table, in the order in which they run."""
    head = "| check | what it says | requirements | certification |\n| --- | --- | --- | --- |\n"
    return f"{len(CHECKS)} checks:\n\n{head}{''.join(map(_row, CHECKS))}\n"


def with_list(page: str) -> str:
    """The page with its list written anew."""
    before, _, rest = page.partition(_BEGIN)
    return f"{before}{_BEGIN}\n{list_of_checks()}{_END}{rest.partition(_END)[2]}"


def _row(check: Check) -> str:
    modules = " ".join(f"`{module_name(each)}`" for each in check.modules) or "\N{EN DASH}"
    requirements = " ".join(check.requirements)
    return f"| `{check.id}` | {check.title}{_limits(check)} | {requirements} | {modules} |\n"


def _limits(check: Check) -> str:
    """For which profiles and modes, where that is not all; and what is a warning only."""
    said = []
    if check.profiles != frozenset(Profile):
        said.append(", ".join(sorted(check.profiles)))
    if check.modes != frozenset(TokenDeliveryMode):
        said.append(", ".join(each for each in TokenDeliveryMode if each in check.modes))
    if check.severity == "warning":
        said.append("a warning only")
    return f" ({'; '.join(said)})" if said else ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def main() -> None:
    """Write all three."""
    CLAUSES.write_text(clauses(), encoding="utf-8")
    PAGE.write_text(with_list(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_bytes(json_schema())


if __name__ == "__main__":
    main()
