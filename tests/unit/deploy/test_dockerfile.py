"""The image is built from the locks alone, runs as nobody special, and stops when told to."""

import json
import re
import tomllib
from pathlib import Path

from tests.deployment.compose_files import COMPOSE, mounts

ROOT = Path(__file__).resolve().parents[3]
TEXT = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
INSTRUCTIONS = [
    (name, rest)
    for name, _, rest in (line.partition(" ") for line in TEXT.splitlines())
    if name and not name.startswith("#")
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def final(name: str) -> str:
    """The last instruction of this name, which is the one of the final image."""
    return [rest for found, rest in INSTRUCTIONS if found == name][-1]


def programs() -> list[list[str]]:
    """Every program that the build runs."""
    return [json.loads(rest) for name, rest in INSTRUCTIONS if name == "RUN"]


def test_no_shell_takes_part():
    """Every program is given as a list of arguments."""
    for name, rest in INSTRUCTIONS:
        if name in {"RUN", "CMD", "ENTRYPOINT"}:
            assert all(isinstance(word, str) for word in json.loads(rest))
    assert not {"sh", "bash"} & {Path(program[0]).name for program in programs()}


def test_only_locked_files_are_installed():
    """Pip checks hashes and compiles nothing, or takes the project itself and no index."""
    for program in (words for words in programs() if Path(words[0]).name == "pip"):
        if "-r" in program:
            assert {"--require-hashes", "--only-binary", ":all:"} <= set(program)
            assert (ROOT / program[program.index("-r") + 1]).is_file()
        elif program[1] != "check":
            assert "--no-deps" in program
            assert {"--no-index", "--no-build-isolation"} & set(program)


def test_nothing_is_fetched_past_pip():
    """No address stands in the file, and nothing is added from one."""
    assert "://" not in TEXT
    assert "ADD" not in dict(INSTRUCTIONS)


def test_the_service_does_not_run_as_root():
    """The final user is a number that is not root's, so that an orchestrator can check it."""
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", final("USER"))


def test_the_service_is_process_one_and_is_stopped_by_sigterm():
    """Signals reach the service, which then ends in order."""
    assert json.loads(final("ENTRYPOINT")) == ["ciba-service"]
    assert "ciba-service" in PROJECT["scripts"]
    assert final("STOPSIGNAL") == "SIGTERM"


def test_the_health_check_is_a_program_of_the_image():
    """It is copied there, and run by the Python that is there."""
    check = json.loads(final("HEALTHCHECK").partition("CMD ")[2])
    copied = dict(rest.split() for name, rest in INSTRUCTIONS if rest.endswith("check.py"))
    assert check == ["python", copied["deploy/healthcheck.py"]]


def test_the_base_image_has_a_python_that_the_project_supports():
    """The base image's Python is not older than pyproject.toml demands."""
    found = re.match(r"PYTHON_IMAGE=python:3\.(\d+)-slim", final("ARG"))
    demanded = re.fullmatch(r">=3\.(\d+)", PROJECT["requires-python"])
    assert found
    assert demanded
    assert int(found[1]) >= int(demanded[1])


def test_every_copied_file_exists_and_reaches_the_build():
    """What the build copies is in the repository, and .dockerignore lets it through."""
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    for rest in (rest for name, rest in INSTRUCTIONS if name == "COPY"):
        if not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists()
                folder = f"{source.partition('/')[0]}{'/' if '/' in source else ''}"
                assert {f"!{folder}", f"!{source}"} & set(ignored)


def test_volumes_start_with_the_right_owner():
    """Each folder that a container of the image writes to is there, and belongs to its user."""
    (install,) = [program for program in programs() if program[0] == "install"]
    assert install[install.index("-m") + 1] == "0700"
    ours = [each for each in COMPOSE["services"].values() if each["image"].startswith("ciba-")]
    written = {target for each in ours for _, target, *mode in mounts(each) if mode != ["ro"]}
    assert written == set(install[install.index("0700") + 1 :])
