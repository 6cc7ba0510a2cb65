"""The server of ``serve``: how signals end it, and in which order it leaves."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

import uvicorn

from ciba_service.listening.listeners import Listener, ListeningServer

__all__ = ["SignalledServer", "caught_signals", "held_hangups"]

# For the background, when somebody cannot wait.
_HURRIED_SECONDS: Final = 1.0
# For the requests at hand, which have ten, and for what stands behind them.
_LEAVING_SECONDS: Final = 14.0
# Ticks of the event loop, in which it reads what has arrived: a connection with a request that
# nobody has read yet looks idle, and to close it would lose the request (RFC 9112 9.6).
_LAST_LOOKS: Final = 10
_STANDARD_STREAMS: Final = (0, 1, 2)
_LAST_ANSWER: Final = (b"connection", b"close")


class SignalledServer(ListeningServer):
    """uvicorn's server, ended by signals without raising them again: there is more to close.

    Told to end, it calls ``draining`` and serves on for ``drain_seconds``, so that whatever sends
    it requests takes notice; each connection ends with its next answer, so that in the end nobody
    is about to ask on one that is being closed. Then it calls ``leaving`` and waits for requests
    at hand, for ten seconds at most. Told so again it waits for nothing more. ``hung_up`` is called
    at a hangup, unless it is that of a terminal we were started from, which ends us;
    ``ready`` is called once it listens everywhere.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        listeners: Sequence[Listener],
        *,
        draining: Callable[[], None],
        drain_seconds: float,
        leaving: Callable[[], None],
        hung_up: Callable[[], None] = lambda: None,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config, listeners)
        self._draining = draining
        self._drain_seconds = drain_seconds
        self._leaving = leaving
        self.hung_up = hung_up
        self._ready = ready
        self._hurried = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen everywhere, and say so."""
        await super().startup(sockets)
        self._ready()

    def end_at_once(self) -> None:
        """Stop, and wait for nothing."""
        for _ in range(2):
            self.handle_exit(signal.SIGTERM, None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; the second time at once, whatever is under way."""
        if self.should_exit:
            self.force_exit = True
            self._hurried.set()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Be seen to leave, keep nobody waiting, then stop."""
        self._draining()
        state = self.server_state
        state.default_headers = [*state.default_headers, _LAST_ANSWER]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain_seconds):
                await self._hurried.wait()
        self._leaving()
        if self._drain_seconds:
            await self.stop_listening()
        for _ in range(_LAST_LOOKS):
            await asyncio.sleep(0)
        await self._unless_hurried(super().shutdown(sockets))
        if self.force_exit:  # uvicorn leaves the lifespan open then
            with suppress(TimeoutError):
                async with asyncio.timeout(_HURRIED_SECONDS):
                    await self.lifespan.shutdown()

    async def _unless_hurried(self, leaving: Coroutine[None, None, None]) -> None:
        """Leave in time; what does not end then is cut off with the loop."""
        task, hurried = asyncio.create_task(leaving), asyncio.create_task(self._hurried.wait())
        await asyncio.wait(
            {task, hurried}, timeout=_LEAVING_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if hurried.done():
            await asyncio.wait({task}, timeout=_HURRIED_SECONDS)
        hurried.cancel()
        if task.done():
            task.result()
        task.cancel()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT, and on SIGHUP where it comes from a terminal."""
        with caught_signals(end=lambda name: self.handle_exit(name, None), hung_up=self.hung_up):
            yield


@contextmanager
def caught_signals(
    *, end: Callable[[signal.Signals], None], hung_up: Callable[[], None]
) -> Iterator[None]:
    """Call ``end`` on SIGTERM and SIGINT, and on SIGHUP where it comes from a terminal."""
    loop = asyncio.get_running_loop()
    ending = {signal.SIGTERM, signal.SIGINT}
    if _has_terminal():
        ending.add(signal.SIGHUP)
    for name in ending:
        loop.add_signal_handler(name, end, name)
    if signal.SIGHUP not in ending:
        loop.add_signal_handler(signal.SIGHUP, hung_up)
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for name in (*ending, signal.SIGHUP):
            loop.remove_signal_handler(name)


@contextmanager
def held_hangups() -> Iterator[None]:
    """Let a SIGHUP wait until ``caught_signals`` hears it: before that it would end us.

    The configuration may have been read before it came. After that, too, it is held, until the
    process has ended: what is left to be done then must not be cut short.
    """
    held = set() if _has_terminal() else {signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    except BaseException:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise


def _has_terminal() -> bool:
    return any(map(os.isatty, _STANDARD_STREAMS))
