"""The worker's end of what joins it to its parent.

The parent sends the text of configurations, with its length before it: the one it began with, the
one it accepted last, and then each that it accepts. The worker answers one byte once it serves.
The end of the stream means that the other has gone, however it went.
"""

import os
import socket
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from typing import Final

__all__ = ["READY", "ParentChannel", "ParentGone", "framed"]

READY: Final = b"R"
_LENGTH_BYTES: Final = 4
_GRACE_SECONDS: Final = 5.0
"""For a worker without a parent to end by itself."""


class ParentGone(Exception):
    """There is nobody any more who would keep this worker."""


def framed(document: str) -> bytes:
    """The text of a configuration as it is sent."""
    content = document.encode()
    return len(content).to_bytes(_LENGTH_BYTES) + content


class ParentChannel:
    """Blocking: it is read before there is a loop, and then in a thread of its own."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)

    def document(self) -> str:
        """The next configuration; raises ``ParentGone``."""
        length = int.from_bytes(self._exactly(_LENGTH_BYTES))
        return self._exactly(length).decode()

    def ready(self) -> None:
        """Say that the worker serves."""
        with suppress(OSError):  # A parent that has gone is noticed by whoever reads.
            self._socket.send(READY)

    def follow(
        self,
        loop: AbstractEventLoop,
        *,
        on_document: Callable[[str], None],
        on_gone: Callable[[], None],
    ) -> None:
        """Call back in the loop, from now on; a loop that does not end then is ended with us."""
        threading.Thread(
            target=self._follow, args=(loop, on_document, on_gone), daemon=True
        ).start()

    def _follow(
        self,
        loop: AbstractEventLoop,
        on_document: Callable[[str], None],
        on_gone: Callable[[], None],
    ) -> None:
        with suppress(RuntimeError):  # The loop has ended already.
            try:
                while True:
                    loop.call_soon_threadsafe(on_document, self.document())
            except ParentGone:
                loop.call_soon_threadsafe(on_gone)
        time.sleep(_GRACE_SECONDS)
        os._exit(1)

    def _exactly(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            try:
                more = self._socket.recv(size - len(content))
            except OSError:
                more = b""
            if not more:
                raise ParentGone
            content += more
        return content
