"""A way for synchronous code into steps that are asynchronous: one event loop in one thread.

It begins with the first call, so that a server may fork its workers before; a process that was
forked from one where it runs begins its own. Every wait has an end.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

__all__ = ["Portal", "PortalUnavailable"]

_T = TypeVar("_T")
_Within_co = TypeVar("_Within_co", covariant=True)

_OPENING_SECONDS: Final = 30.0
_ANSWER_SECONDS: Final = 10.0
_CLOSING_SECONDS: Final = 10.0


class PortalUnavailable(Exception):
    """What lies behind the portal cannot be opened, or gave no answer in time.

    Without an answer it is not known whether the step was taken.
    """


@dataclass(frozen=True, slots=True)
class _Open:
    """A portal that runs: what to call, where, and how to end it."""

    within: Any
    loop: asyncio.AbstractEventLoop
    ending: asyncio.Event


@dataclass(frozen=True, slots=True)
class _Begun:
    thread: threading.Thread
    opened: Future[_Open]


class Portal(Generic[_Within_co]):
    """Calls what ``enter`` yields; it is entered and left in the portal's own loop.

    Any number of threads may call at the same time. ``answer_within`` bounds each call, and
    ``open_within`` the opening, in seconds.
    """

    def __init__(
        self,
        enter: Callable[[], AbstractAsyncContextManager[_Within_co]],
        *,
        answer_within: float = _ANSWER_SECONDS,
        open_within: float = _OPENING_SECONDS,
    ) -> None:
        self._enter = enter
        self._answer_within = answer_within
        self._open_within = open_within
        self._lock = threading.Lock()
        self._begun: _Begun | None = None
        self._inherited: _Begun | None = None
        _PORTALS.add(self)

    def call(self, step: Callable[[_Within_co], Coroutine[Any, Any, _T]]) -> _T:
        """What a step returns; whatever it raises is raised here.

        Raises:
            PortalUnavailable: when nothing can be entered, or there is no answer in time.
        """
        opened = self._opened()
        taken = step(opened.within)
        try:
            answer = asyncio.run_coroutine_threadsafe(taken, opened.loop)
        except RuntimeError as closed:
            taken.close()
            raise PortalUnavailable("the portal was closed") from closed
        try:
            return answer.result(self._answer_within)
        except CancelledError:
            raise PortalUnavailable("the portal was closed") from None
        except TimeoutError:
            if answer.done():  # It is the step's own.
                raise
            answer.cancel()
            raise PortalUnavailable("there was no answer in time") from None

    def close(self) -> None:
        """Leave what was entered, and end the thread; a later call opens them anew."""
        atexit.unregister(self.close)
        with self._lock:
            begun, self._begun = self._begun, None
        if begun is None:
            return
        try:
            opened = begun.opened.result(self._open_within)
            opened.loop.call_soon_threadsafe(opened.ending.set)
        except TimeoutError:
            begun.opened.cancel()  # Once it opens, it is left.
        except (PortalUnavailable, RuntimeError):
            return  # It never opened, or has ended.
        else:
            begun.thread.join(_CLOSING_SECONDS)

    def _opened(self) -> _Open:
        with self._lock:
            begun = self._begun
            if begun is None or not begun.thread.is_alive():
                begun = self._begun = self._begin()
        try:
            return begun.opened.result(self._open_within)
        except (CancelledError, TimeoutError):
            raise PortalUnavailable("it did not open in time") from None

    def _begin(self) -> _Begun:
        opened: Future[_Open] = Future()
        thread = threading.Thread(
            target=lambda: asyncio.run(self._hold(opened)), name="ciba-portal", daemon=True
        )
        atexit.register(self.close)
        thread.start()
        return _Begun(thread, opened)

    async def _hold(self, opened: Future[_Open]) -> None:
        held = asyncio.ensure_future(self._held(opened))
        await asyncio.wait({held})
        if opened.done():
            await held
            return
        failed = PortalUnavailable("it could not be opened")
        failed.__cause__ = held.exception()
        opened.set_exception(failed)

    async def _held(self, opened: Future[_Open]) -> None:
        async with self._enter() as within:
            if not opened.set_running_or_notify_cancel():
                return
            ending = asyncio.Event()
            opened.set_result(_Open(within, asyncio.get_running_loop(), ending))
            await ending.wait()

    def forget(self) -> None:
        """This process was forked: threads are left behind, and locks as they happened to be."""
        self._lock = threading.Lock()
        # Kept, since whatever it opened is the parent's, and not to be closed here.
        self._inherited, self._begun = self._begun, None


_PORTALS: Final[WeakSet[Portal[Any]]] = WeakSet()


def _forget_all() -> None:
    for portal in _PORTALS:
        portal.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
