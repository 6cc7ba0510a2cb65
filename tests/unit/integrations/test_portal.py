"""Synchronous code calls steps that run in a loop of their own thread."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from ciba_service.integrations.portal import Portal, PortalUnavailable


@dataclass
class Place:
    """What is entered behind a portal."""

    calls: list[str] = field(default_factory=list)
    refuses: Exception | None = None
    hangs: threading.Event = field(default_factory=threading.Event)

    @asynccontextmanager
    async def entered(self) -> AsyncIterator["Place"]:
        """Open it."""
        if self.refuses is not None:
            raise self.refuses
        self.calls.append("entered")
        try:
            yield self
        finally:
            self.calls.append("left")

    async def double(self, number: int) -> int:
        """Something that is awaited."""
        await asyncio.sleep(0)
        return 2 * number

    async def fail(self, error: Exception) -> None:
        """Something that goes wrong."""
        raise error

    async def hang(self) -> None:
        """Something that never ends."""
        self.hangs.set()
        await asyncio.Event().wait()

    async def thread(self) -> str:
        """Where it runs."""
        return threading.current_thread().name


@pytest.fixture
def place() -> Place:
    """A place of this test."""
    return Place()


@pytest.fixture
def portal(place: Place) -> Iterator[Portal[Place]]:
    """A portal to it."""
    portal = Portal(place.entered)
    yield portal
    portal.close()


def test_nothing_begins_before_the_first_call(place: Place, portal: Portal[Place]):
    """Then it is entered once, whoever calls, and left at the end."""
    assert place.calls == []
    with ThreadPoolExecutor(4) as threads:
        doubled = threads.map(lambda n: portal.call(lambda place: place.double(n)), range(20))
        assert list(doubled) == list(range(0, 40, 2))
    assert place.calls == ["entered"]
    assert portal.call(Place.thread) == "ciba-portal"
    portal.close()
    assert place.calls == ["entered", "left"]


def test_what_a_step_raises_is_raised(portal: Portal[Place]):
    """Also a timeout, which is the step's own and not the portal's."""
    for error in (KeyError("none"), TimeoutError("mine")):
        with pytest.raises(type(error)) as raised:
            portal.call(lambda place, error=error: place.fail(error))  # type: ignore[misc]
        assert raised.value.args == error.args


def test_a_closed_portal_opens_anew(place: Place, portal: Portal[Place]):
    """Closing is for the end of a process, and for tests."""
    portal.call(Place.thread)
    portal.close()
    portal.close()
    assert portal.call(lambda place: place.double(1)) == 2
    assert place.calls == ["entered", "left", "entered"]


def test_what_cannot_be_entered_is_unavailable_and_tried_again(place: Place, portal: Portal[Place]):
    """The cause says why."""
    place.refuses = OSError("no server")
    with pytest.raises(PortalUnavailable) as refused:
        portal.call(Place.thread)
    assert refused.value.__cause__ is place.refuses
    portal.close()
    place.refuses = None
    assert portal.call(lambda place: place.double(2)) == 4


def test_a_wait_has_an_end(place: Place):
    """A step without an answer is given up, and the next one is taken."""
    portal = Portal(place.entered, answer_within=0.01)
    with pytest.raises(PortalUnavailable):
        portal.call(Place.hang)
    portal._answer_within = 30.0  # However busy the machine is.
    assert portal.call(lambda place: place.double(3)) == 6
    portal.close()


def test_opening_has_an_end():
    """Whoever calls meanwhile is told so; what opens after its portal was closed is left."""
    may_open, left = threading.Event(), threading.Event()

    @asynccontextmanager
    async def slow() -> AsyncIterator[int]:
        await asyncio.to_thread(may_open.wait)
        yield 7
        left.set()

    async def same(number: int) -> int:
        return number

    portal = Portal(slow, open_within=0.01)
    with pytest.raises(PortalUnavailable):
        portal.call(same)
    portal.close()
    may_open.set()
    assert left.wait(10)
    patient = Portal(slow)
    assert patient.call(same) == 7
    patient.close()


def test_closing_ends_what_is_under_way(place: Place, portal: Portal[Place]):
    """Whoever waits is told at once."""
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(lambda: portal.call(Place.hang))
        assert place.hangs.wait(10)
        portal.close()
        with pytest.raises(PortalUnavailable):
            waiting.result(10)


def test_a_call_that_comes_as_the_portal_closes_is_told_so(
    portal: Portal[Place], monkeypatch: pytest.MonkeyPatch
):
    """It was open when it was looked at, and is not any more."""
    portal.call(Place.thread)
    opened = portal._opened()
    portal.close()
    monkeypatch.setattr(portal, "_opened", lambda: opened)
    with pytest.raises(PortalUnavailable):
        portal.call(lambda place: place.double(1))


def test_what_fails_as_it_is_left_is_not_hidden():
    """The thread's own hook is told."""
    told: list[Any] = []

    @asynccontextmanager
    async def unleavable() -> AsyncIterator[None]:
        yield
        raise OSError("cannot be left")

    portal = Portal(unleavable)

    async def nothing(_: None) -> None:
        return None

    hook, threading.excepthook = threading.excepthook, told.append
    try:
        portal.call(nothing)
        portal.close()
    finally:
        threading.excepthook = hook
    assert [each.exc_type for each in told] == [OSError]


FORKING = """
import asyncio, os
from contextlib import asynccontextmanager
from ciba_service.integrations.portal import Portal

@asynccontextmanager
async def entered():
    yield os.getpid()

async def where(entered_in):
    await asyncio.sleep(0)
    return entered_in, os.getpid()

portal = Portal(entered)
assert portal.call(where) == (os.getpid(), os.getpid())
child = os.fork()
if not child:
    right = portal.call(where) == (os.getpid(), os.getpid())
    portal.close()
    os._exit(0 if right else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert portal.call(where) == (os.getpid(), os.getpid())
print("both")
"""


def test_a_forked_process_has_a_portal_of_its_own():
    """The parent's goes on; and neither keeps its process from ending."""
    ended = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-W", "error", "-c", FORKING],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "both\n", "")
