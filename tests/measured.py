"""Which tests coverage follows: its tracer doubles the time of all that runs in the process.

Up to Python 3.11 that is so whether it is the product's or not. What drives browsers, further
processes and the programs of others, what reads files, and what asks the same of many at length,
therefore runs untraced; its lines are proven elsewhere. So does the collection of the tests,
before which the product is imported.
"""

import importlib
import pkgutil
from collections.abc import Generator, Iterator
from typing import Final

import pytest
from coverage import Coverage

__all__ = ["modules", "pytest_configure"]

_UNTRACED: Final = (
    "tests/browser/",
    "tests/conformance/certification/",
    "tests/contracts/test_lost_replies.py",
    "tests/contracts/test_rules_in_scripts.py",
    "tests/docs/",
    "tests/examples/",
    "tests/fuzz/",
    "tests/interop/",
    "tests/resilience/",
    "tests/unit/benchmarks/",
    "tests/unit/deploy/",
    "tests/unit/docs/",
    "tests/unit/tools/",
    "tests/wrong_provider/",
)
_PRODUCT: Final = ("ciba_service", "authenticator_sim", "ciba_client")


def modules() -> Iterator[str]:
    """Name every module of the product that can be imported without being run."""
    for name in _PRODUCT:
        package = importlib.import_module(name)
        yield name
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith(".__main__"):
                yield module.name


def pytest_configure(config: pytest.Config) -> None:
    """Take charge of coverage in the processes that run tests."""
    hands_out = config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
    if not hands_out:
        config.pluginmanager.register(_Switch())


class _Switch:
    """Pause coverage and resume it, as the next test needs."""

    def __init__(self) -> None:
        self._paused: list[Coverage] = []

    def _pause(self) -> None:
        # In a worker there are two, since pytest-cov begins before it knows that it is in one.
        while (running := Coverage.current()) is not None:
            running.stop()
            self._paused.append(running)

    def _resume(self) -> None:
        while self._paused:
            self._paused.pop().start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Have what happens at import measured; then collect without."""
        if Coverage.current() is not None:
            for name in modules():
                importlib.import_module(name)
            self._pause()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Trace the test, or not."""
        if item.nodeid.startswith(_UNTRACED):
            self._pause()
        else:
            self._resume()
        return (yield)
