"""The documentation site, built once a worker; a terminal for each who reads."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.shell import Shell
from tests.docs.site import BuiltSite, read_site
from tests.docs.terminal import BIN, Terminal
from tests.interop.node_program import NODE
from tools.site.generator import build
from tools.site.pages import ROOT


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> BuiltSite:
    """The site as `make docs` builds it, in a folder of its own."""
    place = tmp_path_factory.mktemp("site")
    return read_site(build(place))


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal in a clone of the repository, of somebody with a new home."""
    opened = Terminal(Shell(tmp_path))
    (tmp_path / ".venv").symlink_to(BIN.parent)
    for name in ("deploy", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("ciba.example.toml", "client.example.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for path in (*tmp_path.glob("*.toml"), *tmp_path.glob("examples/*/*.[tj]*")):
        path.write_text(opened.put(path.read_text("utf-8")), "utf-8")
    before = dict(os.environ)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CIBA_EVIDENCE__CHECKPOINT_SECONDS", "1")  # not a minute
    monkeypatch.delenv("AUTHENTICATOR_SIM_PIN", raising=False)
    monkeypatch.setenv("PATH", str(NODE.parent), prepend=":")
    monkeypatch.setenv("PATH", str(BIN), prepend=":")
    try:
        yield opened
    finally:
        opened.stop()
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
