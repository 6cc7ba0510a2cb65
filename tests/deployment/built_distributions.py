"""Wheel and sdist of this checkout, built as ``make dist`` does, in this process."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import pytest
from hatchling import build

ROOT = Path(__file__).resolve().parents[2]
EPOCH = "1700000000"


@dataclass(frozen=True)
class Distributions:
    """The two files."""

    wheel: Path
    sdist: Path


def built_wheel(sources: Path, directory: Path) -> Path:
    """Build the wheel of some sources."""
    with _building(sources, directory):
        return directory / build.build_wheel(str(directory))


def built_distributions(directory: Path) -> Distributions:
    """Build both of this checkout."""
    with _building(ROOT, directory):
        wheel = build.build_wheel(str(directory))
        return Distributions(directory / wheel, directory / build.build_sdist(str(directory)))


@contextlib.contextmanager
def _building(sources: Path, directory: Path):  # noqa: ANN202 - a context
    directory.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", EPOCH)
        patch.chdir(sources)
        yield
