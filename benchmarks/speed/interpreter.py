"""Which Python runs the service while it is measured: the quickest one of this machine.

That of a distribution or an image is compiled with profile-guided optimisation. Compiled without,
as pyenv does unless it is told otherwise, CPython takes a seventh longer for all that the service
does, which says nothing about the service.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["Interpreter", "service_interpreter"]

_REPOSITORY: Final = Path(__file__).parents[2]
_LOCK: Final = _REPOSITORY / "requirements" / "runtime.txt"
_PLACE: Final = _REPOSITORY / "build" / "bench-python"
_NAMES: Final = ("python3.13", "python3.12", "python3.11", "python3")
_PROBE: Final = """
import platform, sys, time, timeit
assert sys.version_info >= (3, 11)
class Point:
    __slots__ = ("x",)
    def __init__(self, x): self.x = x
    def moved(self, by): return Point(self.x + by)
def work():
    found = {}
    for number in range(1000):
        found[str(number % 50)] = [Point(number).moved(1).x for _ in range(3)]
times = timeit.repeat(work, timer=time.process_time, number=20, repeat=15)
print(platform.python_version(), min(times))
"""
_WORTH_IT: Final = 0.93
"""Of the time that our own takes: another has to be quicker than its measurement is inexact."""

_SECONDS: Final = 300


@dataclass(frozen=True)
class Interpreter:
    """A program, its version, and how long it took for some ordinary work."""

    program: str
    version: str
    seconds: float

    @classmethod
    def probe(cls, program: str) -> "Interpreter | None":
        """Run it; None when it does not run or is too old."""
        try:
            version, seconds = _run([program, "-c", _PROBE]).split()
        except (OSError, subprocess.SubprocessError):
            return None
        return cls(program, version, float(seconds))


@cache
def service_interpreter() -> Interpreter:
    """Our own, unless another is clearly quicker: that one then, with the locked packages."""
    own = Interpreter.probe(sys.executable)
    if own is None:
        raise RuntimeError("this very interpreter does not run")
    others = filter(None, map(Interpreter.probe, _others()))
    best = min((own, *others), key=lambda each: each.seconds)
    if best.seconds > own.seconds * _WORTH_IT:
        return own
    return Interpreter(_with_packages(best.program), best.version, best.seconds)


def _others() -> Iterator[str]:
    """The interpreters on the path, each once."""
    seen: set[str] = set()
    for directory in os.get_exec_path():
        for name in _NAMES:
            found = shutil.which(name, path=directory)
            if found is not None and os.path.realpath(found) not in seen:
                seen.add(os.path.realpath(found))
                yield found


def _with_packages(program: str) -> str:
    """A virtual environment of it that has what the service runs on."""
    made, stamp = str(_PLACE / "bin" / "python"), _PLACE / ".made-of"
    fingerprint = hashlib.sha256(program.encode() + _LOCK.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text("ascii") != fingerprint:
        _run([program, "-m", "venv", "--clear", "--without-pip", str(_PLACE)])
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        install = [*pip, "--python", made, "install"]
        _run([*install, "--only-binary", ":all:", "--require-hashes", "-r", str(_LOCK)])
        # What runs is the checkout, found first; what is known of a package is in its wheel.
        wheels = str(_PLACE / "wheels")
        build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels]
        _run([*pip, *build, str(_REPOSITORY)])
        _run([*install, "--no-deps", *map(str, Path(wheels).glob("*.whl"))])
        stamp.write_text(fingerprint, "ascii")
    return made


def _run(command: list[str]) -> str:
    finished = subprocess.run(  # noqa: S603 - interpreters of this machine
        command, capture_output=True, check=True, timeout=_SECONDS, stdin=subprocess.DEVNULL
    )
    return finished.stdout.decode()
