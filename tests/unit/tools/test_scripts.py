"""The set-up scripts take what is there, and say in one sentence what is missing."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SYSTEM = "/usr/bin:/bin"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder at the front of PATH, in which the user is not root."""
    add(tmp_path, "id", "echo 1000")
    return tmp_path


def add(programs: Path, name: str, body: str) -> None:
    """Put a program of this name on PATH."""
    path = programs / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def run(script: str, programs: Path, *, path: str = SYSTEM, **environment: str):
    """Run a script with no standard input."""
    return subprocess.run(  # noqa: S603 - a script of this project
        [ROOT / "scripts" / script],
        env={"PATH": f"{programs}:{path}", "HOME": os.fspath(programs), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_python_that_is_new_enough_is_taken(programs: Path):
    """One that does not run, or is too old, is passed over."""
    add(programs, "python3.13", "exit 127")
    add(programs, "python3.12", "exit 1")
    add(programs, "python3.11", "exit 0")
    found = run("find-python.sh", programs)
    assert (found.returncode, found.stdout) == (0, "python3.11\n")


def test_a_python_that_was_named_is_not_replaced_by_another(programs: Path):
    """PYTHON is taken or refused."""
    add(programs, "python3.13", "exit 0")
    add(programs, "old", "exit 1")
    refused = run("find-python.sh", programs, PYTHON=f"{programs}/old")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"PYTHON={programs}/old does not run, or is older than Python 3.11.\n"
    )
    taken = run("find-python.sh", programs, PYTHON="python3.13")
    assert taken.stdout == "python3.13\n"


def test_without_a_python_one_sentence_says_what_to_install(programs: Path):
    """Nothing else is printed."""
    for name in ("python3.13", "python3.12", "python3.11", "python3", "python"):
        add(programs, name, "exit 127")
    refused = run("find-python.sh", programs)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Please install Python 3.11 or later")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("version", ["7.0.15", "8.2.1", "10.0.0"])
def test_a_redis_that_is_new_enough_is_taken(programs: Path, version: str):
    """Any version from 7.0 on will do."""
    add(programs, "redis-server", f"echo Redis server v={version} sha=00000000:0 bits=64")
    assert run("ensure-redis.sh", programs).returncode == 0


def test_a_user_who_may_not_install_is_told_what_is_missing(programs: Path):
    """An old Redis is none, and nobody but root installs one."""
    add(programs, "redis-server", "echo Redis server v=6.2.7 sha=00000000:0 bits=64")
    refused = run("ensure-redis.sh", programs)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "Please install redis-server (Debian: apt-get install redis-server),"
        " then run the same command again.\n"
    )


@pytest.mark.parametrize(
    ("version", "taken"),
    [("1.22.1", True), ("1.30.0", True), ("2.0.0", True), ("1.21.6", False), ("1.9.15", False)],
)
def test_an_nginx_that_is_new_enough_is_taken(programs: Path, version: str, *, taken: bool):
    """Any version from 1.22 on will do; it says so on standard error."""
    add(programs, "nginx", f"echo nginx version: nginx/{version} >&2")
    checked = run("ensure-nginx.sh", programs)
    assert checked.returncode == (0 if taken else 1)
    assert taken or "nginx-light" in checked.stderr


def test_the_service_s_own_server_is_enough_for_the_demo(programs: Path):
    """No Redis is installed where the service can start a server of its own."""
    add(programs, "redis-server", "exit 127")
    add(programs, "valkey-server", "exit 0")
    arguments = [ROOT / "scripts/ensure-redis.sh", "--or-embedded"]
    found = subprocess.run(  # noqa: S603 - a script of this project
        arguments, env={"PATH": f"{programs}:{SYSTEM}"}, stdin=subprocess.DEVNULL, check=False
    )
    assert found.returncode == 0


def test_no_script_leaves_the_shell_unsafe():
    """Each script ends at the first command that fails, and at an unset variable."""
    scripts = sorted((ROOT / "scripts").glob("*.sh"))
    assert scripts
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        assert text.startswith("#!/bin/sh\n"), script.name
        assert "\nset -eu\n" in text, script.name
        assert "://" not in text, script.name
        assert os.access(script, os.X_OK), script.name
