"""How workers collect: so that together they do once what each of them would do alone.

On a fresh clone every test module is to be compiled with its assertions rewritten, which takes
longer than all else of the collection. What one worker has compiled the others find on the disk,
unless they come to it at the same time: so each begins elsewhere.
"""

import contextlib
import gc
import importlib
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

__all__ = ["begun_elsewhere", "pytest_collection", "pytest_collection_finish"]

_WORKER: Final = "gw"


def begun_elsewhere(names: Sequence[str], worker: int, workers: int) -> list[str]:
    """All names, from where this one of so many workers begins and on to where it began."""
    start = len(names) * worker // workers
    return [*names[start:], *names[:start]]


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Import the test modules before they are collected; what fails fails again, and is told."""
    told: dict[str, object] = getattr(session.config, "workerinput", {})
    if told:
        number = int(str(told["workerid"]).removeprefix(_WORKER))
        for name in begun_elsewhere(
            sorted(_modules(session.config)), number, int(str(told["workercount"]))
        ):
            with contextlib.suppress(Exception, pytest.skip.Exception):
                importlib.import_module(name)
    return (yield)


def _modules(config: pytest.Config) -> Iterator[str]:
    for argument in config.args:
        for path in Path(argument).rglob("test_*.py"):
            yield ".".join(path.resolve().relative_to(config.rootpath).with_suffix("").parts)


def pytest_collection_finish() -> None:
    """Leave what is there from now on to the end out of every later search for garbage."""
    gc.collect()
    gc.freeze()
