"""Wheel and sdist have what the programs read when they run, and nothing else."""

import re
import tarfile
import zipfile
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

import pytest

from tests.deployment.built_distributions import (
    ROOT,
    Distributions,
    built_distributions,
    built_wheel,
)

SOURCES = ("ciba_service", "authenticator_sim", "ciba_client")
TYPES = {".py", ".typed", ".lua", ".json", ".toml", ".yaml", ".html", ".css", ".js", ".svg"}
BESIDE = {
    "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "SECURITY.md", "pyproject.toml",
    "ciba.example.toml", "client.example.toml", ".gitignore",
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """Wheel and sdist."""
    return built_distributions(tmp_path_factory.mktemp("dist"))


def packed(wheel: Path) -> dict[str, bytes]:
    """The files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def unpacked(sdist: Path) -> dict[str, bytes]:
    """The files of an sdist, below the folder that its name says."""
    top = sdist.name.removesuffix(".tar.gz") + "/"
    with tarfile.open(sdist) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        assert all(member.name.startswith(top) for member in members)
        return {
            member.name.removeprefix(top): file.read()
            for member in members
            if (file := archive.extractfile(member)) is not None
        }


def metadata(wheel: Path) -> Message:
    """What the wheel says of itself."""
    (content,) = [text for name, text in packed(wheel).items() if name.endswith("/METADATA")]
    return BytesParser().parsebytes(content)


def files_of_the_packages() -> set[str]:
    """Everything in the folders of the packages."""
    return {
        path.relative_to(ROOT).as_posix()
        for package in SOURCES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_both_have_every_file_of_the_packages(built: Distributions):
    """Scripts of the store, pages, the OpenAPI document and markers of types are packed."""
    files = files_of_the_packages()
    assert {"ciba_service/endpoints/openapi.json", "authenticator_sim/web/page/index.html"} <= files
    assert {f"{package}/py.typed" for package in SOURCES} <= files
    assert files <= packed(built.wheel).keys()
    assert files <= unpacked(built.sdist).keys()


def test_the_wheel_has_nothing_else(built: Distributions):
    """No tests, no tools, no keys: modules and what they read, and the licence."""
    others = {name for name in packed(built.wheel) if name.split("/")[0] not in SOURCES}
    assert {re.sub(r"^ciba_service-[\d.]+\.dist-info/", "", name) for name in others} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }
    assert {Path(name).suffix for name in packed(built.wheel).keys() - others} == TYPES


def test_the_sdist_has_nothing_else(built: Distributions):
    """The packages, what is needed to build them, and what to read first."""
    beside = {name for name in unpacked(built.sdist) if name.split("/")[0] not in SOURCES}
    assert beside == BESIDE
    assert {Path(name).suffix for name in unpacked(built.sdist).keys() - beside} == TYPES


def test_no_private_key_is_packed(built: Distributions):
    """Neither as PEM nor as JWK."""
    for name, content in {**packed(built.wheel), **unpacked(built.sdist)}.items():
        assert b"PRIVATE KEY-----\n" not in content, name
        assert not re.search(rb'"d": ?"[\w-]{40,}"', content), name


def test_the_sdist_builds_the_same_wheel(built: Distributions, tmp_path: Path):
    """Byte for byte: neither times, order nor place of the sources leave a trace."""
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (sources,) = tmp_path.iterdir()
    again = built_wheel(sources, tmp_path / "dist")
    assert again.name == built.wheel.name
    assert again.read_bytes() == built.wheel.read_bytes()


def test_the_wheel_says_what_it_needs(built: Distributions):
    """Python, licence and programs, as pyproject.toml has them."""
    said = metadata(built.wheel)
    assert said["Requires-Python"] == ">=3.11"
    assert said["License-Expression"] == "Apache-2.0"
    assert said["License-File"] == "LICENSE"
    programs = packed(built.wheel)["ciba_service-0.1.0.dist-info/entry_points.txt"].decode()
    assert [line.split(" = ")[0] for line in programs.splitlines()[1:]] == [
        "authenticator-sim",
        "ciba-client",
        "ciba-service",
    ]
