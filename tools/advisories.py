"""Known weaknesses of the pinned dependencies, as the advisory services of PyPI and npm tell them.

They are asked by ``pip-audit`` and ``npm audit``. Of what could not be asked it is said that it was
not audited, which is no pass: ``CI_AUDIT=required`` fails on it.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

__all__ = ["Advisory", "Audited", "Run", "ask_npm", "ask_pypi", "program"]

_SECONDS: Final = 120
_PIP_AUDIT: Final = (
    *("--disable-pip", "--require-hashes", "--progress-spinner", "off"),
    *("--timeout", "5", "--format", "json"),
)


@dataclass(frozen=True, slots=True)
class Advisory:
    """One known weakness of one pinned package; ``names`` are its identifiers."""

    package: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Audited:
    """What came of asking about one lock: ``unasked`` says why somebody was not asked, or empty."""

    lock: str
    packages: int
    advisories: tuple[Advisory, ...] = ()
    unasked: str = ""


Run = Callable[[Sequence[str], Path], bytes]
"""Run a program in a directory; what it wrote, and nothing where there is none."""


class _Vulnerability(msgspec.Struct):
    id: str
    aliases: tuple[str, ...] = ()


class _Dependency(msgspec.Struct):
    name: str
    vulns: tuple[_Vulnerability, ...] = ()
    skip_reason: str = ""


class _PipReport(msgspec.Struct):
    dependencies: tuple[_Dependency, ...]


class _Via(msgspec.Struct):
    url: str


class _Vulnerable(msgspec.Struct):
    name: str
    via: tuple[_Via | str, ...]


class _Counted(msgspec.Struct):
    total: int


class _Metadata(msgspec.Struct):
    dependencies: _Counted


class _NpmReport(msgspec.Struct):
    vulnerabilities: dict[str, _Vulnerable]
    metadata: _Metadata


def program(command: Sequence[str], directory: Path) -> bytes:
    """``Run`` with real programs."""
    try:
        return subprocess.run(  # noqa: S603 - commands of this module
            command, cwd=directory, capture_output=True, timeout=_SECONDS, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return b""


def ask_pypi(lock: Path, run: Run = program) -> Audited:
    """Ask about a hashed lock of Python packages: about the first one, and then all.

    Where the service cannot be reached, ``pip-audit`` finds nothing wrong with any of them.
    """
    text = lock.read_text("utf-8")
    first, _, _ = text.partition("\n    # via")
    with tempfile.TemporaryDirectory() as directory:
        probe = Path(directory) / "first.txt"
        probe.write_text(f"{first}\n", "utf-8")
        probed = _pip_audited(lock.name, probe, run)
    if probed.unasked:
        return Audited(lock.name, 0, unasked="unreachable")
    return _pip_audited(lock.name, lock.resolve(), run)


def _pip_audited(name: str, lock: Path, run: Run) -> Audited:
    command = [sys.executable, "-m", "pip_audit", *_PIP_AUDIT, "--requirement", str(lock)]
    try:
        report = msgspec.json.decode(run(command, lock.parent), type=_PipReport)
    except ValueError:
        return Audited(name, 0, unasked="unreachable")
    skipped = [each.name for each in report.dependencies if each.skip_reason]
    found = (
        Advisory(each.name, frozenset({weakness.id, *weakness.aliases}))
        for each in report.dependencies
        for weakness in each.vulns
    )
    unasked = f"nothing is known of {', '.join(skipped)}" if skipped else ""
    return Audited(name, len(report.dependencies) - len(skipped), tuple(found), unasked)


def ask_npm(lock: Path, run: Run = program) -> Audited:
    """Ask about a lock of npm packages."""
    name = f"{lock.parent.name}/{lock.name}"
    command = ["npm", "audit", "--package-lock-only", "--json", "--fetch-retries", "0"]
    try:
        report = msgspec.json.decode(run(command, lock.parent), type=_NpmReport)
    except ValueError:
        return Audited(name, 0, unasked="unreachable")
    found = (
        Advisory(each.name, frozenset({via.url.rpartition("/")[2]}))
        for each in report.vulnerabilities.values()
        for via in each.via
        if isinstance(via, _Via)
    )
    return Audited(name, report.metadata.dependencies.total, tuple(found))
