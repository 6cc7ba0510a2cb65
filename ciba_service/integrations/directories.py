"""Directories of a host whose code is synchronous: each look-up runs in a thread of its own.

A daemon, and not one of the loop's pool: a look-up that never answers keeps neither the process
from ending nor names from being resolved.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import BoundedSemaphore, Thread
from typing import Final, TypeVar

from ciba_service.ports import StoreUnavailable, User
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.request.hints import UserIdentifier

__all__ = ["MOST_LOOK_UPS", "ThreadedClients", "ThreadedUsers"]

MOST_LOOK_UPS: Final = 64
"""At the same time, of one directory; those that nobody waits for any more count until they end."""

_T = TypeVar("_T")


class ThreadedClients:
    """``ports.ClientRegistry`` over a function of the host."""

    def __init__(self, find: Callable[[str], Client | None]) -> None:
        """``find`` takes a ``client_id``; any thread may call it, at any time."""
        self._find = find
        self._places = BoundedSemaphore(MOST_LOOK_UPS)

    async def find(self, client_id: str) -> Client | None:
        """The client, or None; raises ``StoreUnavailable`` when too many look-ups are under way."""
        return await _in_a_thread(self._places, partial(self._find, client_id))


class ThreadedUsers:
    """``ports.UserDirectory`` over two functions of the host; any thread may call them."""

    def __init__(
        self,
        find: Callable[[UserIdentifier], User | None],
        find_subject: Callable[[str], User | None],
    ) -> None:
        self._find = find
        self._find_subject = find_subject
        self._places = BoundedSemaphore(MOST_LOOK_UPS)

    async def find(self, identifier: UserIdentifier) -> User | None:
        """The user whom an identifier names; raises ``StoreUnavailable`` likewise."""
        return await _in_a_thread(self._places, partial(self._find, identifier))

    async def find_subject(self, subject: str) -> User | None:
        """The user of a subject identifier; raises ``StoreUnavailable`` likewise."""
        return await _in_a_thread(self._places, partial(self._find_subject, subject))


async def _in_a_thread(places: BoundedSemaphore, ask: Callable[[], _T]) -> _T:
    if not places.acquire(blocking=False):
        raise StoreUnavailable("the host's directory does not keep up")
    answer: Future[_T] = Future()
    answer.set_running_or_notify_cancel()  # Whoever waits may leave; the look-up goes on.

    def look_up() -> None:
        try:
            found = ask()
        except Exception as fault:  # noqa: BLE001 - the host's, for whoever waits
            places.release()
            answer.set_exception(fault)
        else:
            places.release()
            answer.set_result(found)

    try:
        Thread(target=look_up, name="ciba-look-up", daemon=True).start()
    except RuntimeError as no_more:
        places.release()
        raise StoreUnavailable("there is no thread for the host's directory") from no_more
    return await asyncio.wrap_future(answer)
