"""scripts/ensure-node.sh puts in place what its lock pins, once, and says what is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ("sh", "dirname", "mkdir", "cat", "cksum", "flock", "chmod", "printf", "touch")
NPM = """\
echo "$@" >>"$HOME/calls"
mkdir -p node_modules/.bin
printf '#!/bin/sh\\n' >node_modules/.bin/node
chmod +x node_modules/.bin/node"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own with the script and a lock; on PATH only what the script may need."""
    for folder in ("scripts", "tests/interop", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    for script in ("ensure-node.sh", "apt-install.sh"):
        shutil.copy(ROOT / "scripts" / script, tmp_path / "scripts")
    for name in ("package.json", "package-lock.json"):
        (tmp_path / "tests/interop" / name).write_text("{}", encoding="utf-8")
    for tool in TOOLS:
        if found := shutil.which(tool):
            (tmp_path / "bin" / tool).symlink_to(found)
    add(tmp_path, "id", "echo 1000")
    return tmp_path


def add(project: Path, name: str, body: str) -> None:
    """Put a program of this name on PATH."""
    path = project / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def run(project: Path) -> subprocess.CompletedProcess[str]:
    """Run the script with no standard input."""
    return subprocess.run(  # noqa: S603 - a script of this project
        [project / "scripts/ensure-node.sh"],
        env={"PATH": os.fspath(project / "bin"), "HOME": os.fspath(project)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_installs_from_the_lock_once_and_after_each_change(project: Path):
    """A second run finds the work done; a new lock is installed."""
    add(project, "npm", NPM)
    assert [run(project).returncode for _ in range(2)] == [0, 0]
    calls = project / "calls"
    (call,) = calls.read_text("utf-8").splitlines()
    assert call.startswith("ci --ignore-scripts")
    (project / "tests/interop/package-lock.json").write_text('{"packages": {}}', encoding="utf-8")
    assert run(project).returncode == 0
    assert len(calls.read_text("utf-8").splitlines()) == 2


def test_a_failed_installation_is_begun_anew(project: Path):
    """What was not put in place does not count as done."""
    add(project, "npm", "exit 7")
    assert run(project).returncode == 7
    add(project, "npm", NPM)
    assert run(project).returncode == 0


def test_without_npm_one_sentence_says_what_to_install(project: Path):
    """Nobody but root installs it."""
    refused = run(project)
    assert refused.returncode == 1
    assert refused.stderr == (
        "Please install npm (Debian: apt-get install npm), then run the same command again.\n"
    )


def test_a_machine_that_the_lock_has_no_node_for_is_told_so(project: Path):
    """Packages for other machines are left out by npm without a word."""
    add(project, "npm", "mkdir -p node_modules")
    refused = run(project)
    assert refused.returncode == 1
    assert "Linux on x64 or arm64 is needed" in refused.stderr
