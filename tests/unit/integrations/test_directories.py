"""Look-ups in threads: each answers whoever asked, and none is waited for longer than that."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from ciba_service.integrations import directories
from ciba_service.integrations.directories import MOST_LOOK_UPS, ThreadedClients, ThreadedUsers
from ciba_service.ports import StoreUnavailable, User
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.request.hints import UserIdentifier


class Hung:
    """A database that answers nobody until it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.done = threading.Semaphore(0)

    def __call__(self, _asked: object) -> None:
        """Wait for as long as it takes."""
        self.asked.release()
        self.let_go.wait(30)
        self.done.release()


@pytest.fixture
def hung() -> Iterator[Hung]:
    """One that is let go at the end."""
    database = Hung()
    yield database
    database.let_go.set()


def answer(_asked: object) -> User | None:
    """Alice, whoever is asked for."""
    return User(subject="alice")


def fail(_asked: object) -> Client | None:
    """Raise, as a database does."""
    raise ConnectionError("no route")


async def test_whoever_asks_is_answered():
    """By the thread's result, or by what it raised."""
    users = ThreadedUsers(answer, answer)
    found = await users.find_subject("alice")
    assert found is not None
    assert found.subject == "alice"
    with pytest.raises(ConnectionError):
        await ThreadedClients(fail).find("till")


def test_a_look_up_that_hangs_keeps_no_loop_from_ending(hung: Hung):
    """Whoever waited has gone; the loop closes while the thread still waits."""

    async def leave() -> None:
        waiting = asyncio.create_task(ThreadedClients(hung).find("till"))
        await asyncio.to_thread(hung.asked.acquire)
        waiting.cancel()
        await asyncio.wait({waiting})

    asyncio.run(leave())
    assert not hung.let_go.is_set()
    (left,) = (each for each in threading.enumerate() if each.name == "ciba-look-up")
    assert left.daemon


async def test_look_ups_that_hang_are_bounded(hung: Hung):
    """One more is told at once; when one has ended there is room again."""
    clients = ThreadedClients(hung)
    waiting = [asyncio.create_task(clients.find("till")) for _ in range(MOST_LOOK_UPS)]
    for _ in waiting:
        await asyncio.to_thread(hung.asked.acquire)
    with pytest.raises(StoreUnavailable):
        await clients.find("till")
    hung.let_go.set()
    assert await asyncio.gather(*waiting) == [None] * MOST_LOOK_UPS
    assert await clients.find("till") is None


async def test_a_system_without_threads_is_unavailable(monkeypatch: pytest.MonkeyPatch):
    """And costs no place."""

    def refuse(**_options: object) -> threading.Thread:
        raise RuntimeError("can't start new thread")

    users = ThreadedUsers(answer, answer)
    monkeypatch.setattr(directories, "Thread", refuse)
    for _ in range(MOST_LOOK_UPS + 1):
        with pytest.raises(StoreUnavailable, match="no thread"):
            await users.find(UserIdentifier("sub", "alice"))
    monkeypatch.undo()
    assert await users.find_subject("alice") is not None
