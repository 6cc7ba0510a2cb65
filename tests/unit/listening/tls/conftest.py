"""The listeners, once on asyncio and once on uvloop for all tests of a process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.unit.listening.tls.listeners import LOOPS, Listening, running
from tests.unit.listening.tls.peers import Peers


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where certificates and keys are."""
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="session")
def start(directory: Path) -> Iterator[Callable[[str], Listening]]:
    """Start the listeners of a loop when they are first asked for; at the end none complained."""
    started: dict[str, Listening] = {}
    with ExitStack() as stack:

        def start(loop: str) -> Listening:
            if loop not in started:
                started[loop] = stack.enter_context(running(directory, LOOPS[loop]))
            return started[loop]

        yield start


@pytest.fixture(params=sorted(LOOPS))
def listening(request: pytest.FixtureRequest, start: Callable[[str], Listening]) -> Listening:
    """The running listeners, on either loop."""
    return start(request.param)


@pytest.fixture
def peers(directory: Path, listening: Listening) -> Iterator[Peers]:
    """Those who connect to them; all their connections are closed after the test."""
    with Peers(directory, listening.ports) as peers:
        yield peers
