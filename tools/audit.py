"""``python -m tools.audit``: which dependencies are known to be weak, or may not be used."""

import os
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import msgspec

from tools.advisories import Advisory, Audited, ask_npm, ask_pypi
from tools.licences import forbidden_licences

__all__ = ["EXEMPTIONS", "Exemption", "judged", "main", "read_exemptions"]

ROOT: Final = Path(__file__).parents[1]
EXEMPTIONS: Final = ROOT / "requirements" / "audit-exemptions.toml"
PYTHON_LOCK: Final = ROOT / "requirements" / "dev.txt"
DOCS_LOCK: Final = ROOT / "requirements" / "docs.txt"
NODE_LOCKS: Final = (
    ROOT / "tests/interop/package-lock.json",
    ROOT / "benchmarks/speed/peer/package-lock.json",
    ROOT / "tools/site/package-lock.json",
)


class Exemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An advisory that is known and does not count before ``until``."""

    id: str
    package: str
    reason: str
    until: date


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    exempted: tuple[Exemption, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What to print, and whether the check fails."""

    lines: tuple[str, ...]
    fails: bool


def read_exemptions(path: Path = EXEMPTIONS) -> tuple[Exemption, ...]:
    """Every exemption, those that have ended included; raises ``ValueError``."""
    document = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _Document)
    for exemption in document.exempted:
        if not exemption.reason.strip():
            raise ValueError(f"{exemption.id}: there is no reason")
    return document.exempted


def judged(
    audits: Iterable[Audited], exemptions: Iterable[Exemption], *, today: date, required: bool
) -> Judgement:
    """What follows from all that was asked; ``required``: what was not asked is a failure."""
    lines, fails = [], False
    exempted = tuple(exemptions)
    for exemption in exempted:
        if exemption.until <= today:
            fails = True
            lines.append(f"{exemption.id}: the exemption of {exemption.package} has ended")
    for audit in audits:
        counted = [each for each in audit.advisories if not _is_exempted(each, exempted)]
        fails = fails or bool(counted) or (required and bool(audit.unasked))
        lines += [f"{audit.lock}: {each.package}: {_named(each)}" for each in counted]
        if audit.unasked:
            lines.append(f"{audit.lock}: NOT AUDITED: {audit.unasked}")
        else:
            lines.append(f"{audit.lock}: {audit.packages} packages audited")
    return Judgement(tuple(lines), fails)


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Audit every lock, and the licences of what is installed."""
    forbidden = forbidden_licences(PYTHON_LOCK)
    audits = [ask_pypi(PYTHON_LOCK), ask_pypi(DOCS_LOCK), *map(ask_npm, NODE_LOCKS)]
    judgement = judged(
        audits,
        read_exemptions(),
        today=datetime.now(UTC).date(),  # noqa: TID251 - of the day it runs
        required=environ.get("CI_AUDIT") == "required",
    )
    for line in (*forbidden, *judgement.lines):
        sys.stdout.write(f"{line}\n")
    return int(judgement.fails or bool(forbidden))


def _is_exempted(advisory: Advisory, exemptions: tuple[Exemption, ...]) -> bool:
    return any(
        each.id in advisory.names and each.package == advisory.package for each in exemptions
    )


def _named(advisory: Advisory) -> str:
    return ", ".join(sorted(advisory.names))


if __name__ == "__main__":
    sys.exit(main())
