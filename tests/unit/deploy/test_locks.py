"""The locks pin everything by hash, name no address, and hold what pyproject.toml asks for."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ("runtime", "build", "dev")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pin:
    """One entry of a lock."""

    requirement: Requirement
    hashes: int

    @property
    def version(self) -> str:
        """The one version it allows."""
        (specifier,) = self.requirement.specifier
        return specifier.version


def text_of(lock: str) -> str:
    """The text of a lock."""
    return (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")


def pins(lock: str) -> dict[str, Pin]:
    """Every entry of a lock, by name."""
    lines = (line for line in text_of(lock).splitlines() if not line.lstrip().startswith("#"))
    entries = "\n".join(lines).replace("\\\n", " ").splitlines()
    found: dict[str, Pin] = {}
    for entry in filter(None, map(str.strip, entries)):
        requirement = Requirement(HASH.sub("", entry).strip())
        name = canonicalize_name(requirement.name)
        assert name not in found, f"{name} is pinned twice in {lock}.txt"
        found[name] = Pin(requirement, len(HASH.findall(entry)))
    return found


def asked_for(lock: str) -> list[Requirement]:
    """What pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    runtime = project["project"]["dependencies"]
    direct = [entry for entry in groups["dev"] if isinstance(entry, str)]
    assert [entry for entry in groups["dev"] if entry not in direct] == [{"include-group": "build"}]
    lists = {
        "runtime": runtime,
        "build": groups["build"] + project["build-system"]["requires"],
        "dev": runtime + direct + groups["build"],
    }
    return [Requirement(entry) for entry in lists[lock]]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_is_one_version_with_hashes(lock: str):
    """Each entry is pinned with == and has the hash of a file."""
    entries = pins(lock)
    assert entries
    for name, pin in entries.items():
        operators = [specifier.operator for specifier in pin.requirement.specifier]
        assert operators == ["=="], name
        assert "*" not in pin.version, name
        assert pin.hashes, name


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_an_address(lock: str):
    """A lock says what to install, never from where."""
    text = text_of(lock)
    assert "://" not in text
    assert " @ " not in text
    assert not re.search(r"^-", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_holds_what_the_project_asks_for(lock: str):
    """Every dependency of pyproject.toml is pinned, to a version that it allows."""
    entries = pins(lock)
    for wanted in asked_for(lock):
        pin = entries[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(pin.version, prereleases=True), wanted


@pytest.mark.parametrize("lock", ["runtime", "build"])
def test_what_is_shipped_is_what_was_tested(lock: str):
    """The locks of the image have the versions, and no other files, of the developers' lock."""
    tested = pins("dev")
    for name, pin in pins(lock).items():
        assert (pin.version, pin.hashes) == (tested[name].version, tested[name].hashes)


def test_what_is_tested_only_is_not_shipped():
    """The image does not get the tools of the developers."""
    shipped = pins("runtime")
    assert not {"pytest", "hatchling", "mypy", "ruff", "pip", "setuptools"} & shipped.keys()
