"""The wheel, installed by pip into an environment of its own, away from the sources.

What it depends on is taken from this environment by a path file; this checkout, which is installed
here as editable, is not.
"""

import json
import os
import subprocess
import sys
import venv
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.deployment.built_distributions import ROOT, built_distributions
from tests.ports import free_port

PROGRAMS = ("ciba-service", "authenticator-sim", "ciba-client")
SECONDS = 40
"""Bound of every wait; nothing takes nearly as long unless it hangs."""

CONSUMER = """
import authenticator_sim
import ciba_service
from ciba_client import CibaClient, ClientConfiguration, TokenSet, parse_signing_key

assert_text: str = authenticator_sim.__name__ + ciba_service.__name__


async def tokens(key: bytes) -> TokenSet:
    configuration = ClientConfiguration(
        issuer="https://op.example", client_id="till", key=parse_signing_key(key)
    )
    async with CibaClient(configuration) as client:
        client.authenticate(login_hint=1)  # type: ignore[arg-type]
        async with client.authenticate(login_hint="alice") as pending:
            return await pending.tokens()
"""
STRICT = """
[mypy]
strict = true

[mypy-httpx2.*,httpcore2.*,joserfc.*,cryptography.*,msgspec.*,starlette.*,anyio.*]
follow_imports = skip
"""
"""What is of others is not looked at: that would take most of the time."""

CONFIGURATION = """
[server]
issuer = "http://127.0.0.1:{port}"
port = {port}

[store]
data_directory = "var"

[[users]]
sub = "alice"
"""


@dataclass(frozen=True)
class Environment:
    """An environment with the wheel, and a directory to work in."""

    directory: Path

    def program(self, name: str) -> Path:
        """One of its programs."""
        return self.directory / "venv" / "bin" / name

    def start(self, name: str, *words: str) -> subprocess.Popen[str]:
        """Start a program in a directory without sources, and without what tests set."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
        return subprocess.Popen(  # noqa: S603 - our own programs
            [self.program(name), *words],
            cwd=self.directory,
            env=clean,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, name: str, *words: str) -> str:
        """Run a program to its good end, and return what it printed."""
        return ended(self.start(name, *words))


def ended(process: subprocess.Popen[str]) -> str:
    """What a program printed that must end well."""
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    return out


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment without pip, into which pip installs the wheel alone."""
    directory = tmp_path_factory.mktemp("installed")
    venv.EnvBuilder(symlinks=True).create(directory / "venv")
    place = Environment(directory)
    wheel = built_distributions(directory / "dist").wheel
    pip = (sys.executable, "-m", "pip", "--python", place.program("python"), "install")
    alone = ("--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check")
    subprocess.run([*pip, *alone, wheel], check=True, capture_output=True, timeout=SECONDS)  # noqa: S603 - pip
    (packages,) = (directory / "venv" / "lib").glob("python*/site-packages")
    dependencies = next(Path(each) for each in sys.path if each.endswith("site-packages"))
    (packages / "dependencies.pth").write_text(f"{dependencies}\n", "utf-8")
    return place


def test_the_programs_are_those_of_the_wheel(installed: Environment):
    """Each says what it can do; no module comes from the checkout."""
    modules = "import authenticator_sim as a, ciba_client as b, ciba_service as c"
    origin = f"{modules}; print(a.__file__, b.__file__, c.__file__)"
    for path in installed.run("python", "-P", "-c", origin).split():
        assert path.startswith(str(installed.directory))
    processes = {name: installed.start(name, "--help") for name in PROGRAMS}
    usages = {name: ended(process) for name, process in processes.items()}
    for name, usage in usages.items():
        assert usage.startswith(f"usage: {name} ")


@contextmanager
def serving(place: Environment, port: int):
    """A service on an embedded store, until the end of the block."""
    (place.directory / "ciba.toml").write_text(CONFIGURATION.format(port=port), "utf-8")
    process = place.start("ciba-service", "serve", "--config", "ciba.toml")
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if json.loads(line)["event"] == "listening":
                break
        yield
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)


def test_the_service_runs_from_the_wheel(installed: Environment):
    """Scripts of the store, pages and documents are where the modules look for them."""
    port = free_port()
    with serving(installed, port):
        checked = installed.run("ciba-service", "check", "--config", "ciba.toml")
        for path in ("healthz", "openapi.json", ".well-known/openid-configuration"):
            with urlopen(f"http://127.0.0.1:{port}/{path}", timeout=SECONDS) as answer:
                assert answer.status == 200
    assert checked == "configuration, keys and store are good\n"


def test_programs_that_use_the_library_are_type_checked(installed: Environment):
    """``py.typed`` of all three packages counts: mypy sees what is right and what is wrong."""
    program = installed.directory / "consumer.py"
    program.write_text(CONSUMER, "utf-8")
    settings = installed.directory / "mypy.ini"
    settings.write_text(STRICT, "utf-8")
    cache = ROOT / "build" / "mypy-of-consumer"
    mypy = ("-m", "mypy", "--config-file", settings, "--cache-dir", cache)
    checked = subprocess.run(  # noqa: S603 - mypy
        [sys.executable, *mypy, "--python-executable", installed.program("python"), program],
        cwd=installed.directory,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert checked.stdout == "Success: no issues found in 1 source file\n"
