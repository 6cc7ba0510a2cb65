"""Answers from a terminal, without blocking and without ever showing a secret.

While a secret is read the terminal echoes nothing; each character shows as a star (PSD2 RTS
art. 22(2)(a)). Reading can be cancelled at any time, and the terminal is always put back.
"""

import asyncio
import codecs
import contextlib
import os
import termios
from collections.abc import Iterator
from typing import Final, TextIO

from rich.cells import cell_len

from authenticator_sim.terminal.countdown import Countdown
from authenticator_sim.terminal.look.size import columns_of

__all__ = ["ERASE_LINE", "Keyboard", "KeyboardClosed"]

ERASE_LINE: Final = "\r\x1b[K"
"""Takes back what stands on the line of the cursor."""

_ENTER: Final = frozenset("\r\n")
_ERASE: Final = frozenset("\x7f\x08")
_END: Final = "\x04"
_MAX_LENGTH: Final = 256
_LOCAL_FLAGS: Final = 3


class KeyboardClosed(Exception):
    """The terminal was closed, or the user pressed Ctrl-D."""


class Keyboard:
    """Reads from one terminal; one question at a time."""

    def __init__(self, terminal: int, screen: TextIO) -> None:
        """Read from the file descriptor of a terminal and write to its screen."""
        self._terminal = terminal
        self._screen = screen

    async def ask(self, question: str, *, countdown: Countdown | None = None) -> str:
        """Ask for a line that may be seen; raises ``KeyboardClosed``."""
        return await self._read(question, shown_as=None, countdown=countdown)

    async def ask_secret(self, question: str, *, countdown: Countdown | None = None) -> str:
        """Ask for a line that stays hidden; raises ``KeyboardClosed``."""
        return await self._read(question, shown_as="*", countdown=countdown)

    async def _read(
        self, question: str, *, shown_as: str | None, countdown: Countdown | None
    ) -> str:
        try:
            with _silent(self._terminal):  # before anybody is asked, so that nothing is echoed
                self._show(question if countdown is None else countdown.beside(question))
                try:
                    return await self._answered(question, shown_as, countdown)
                finally:
                    self._show("\n")
        except (OSError, termios.error) as error:
            raise KeyboardClosed from error

    async def _answered(
        self, question: str, shown_as: str | None, countdown: Countdown | None
    ) -> str:
        line: list[str] = []
        if countdown is None:
            return await self._read_line(line, shown_as)
        ticking = asyncio.create_task(self._tick(countdown, question, line, shown_as))
        try:
            return await self._read_line(line, shown_as)
        finally:
            ticking.cancel()

    async def _tick(
        self, countdown: Countdown, question: str, line: list[str], shown_as: str | None
    ) -> None:
        """Keep the time left right, wherever question and answer fit on one line."""
        while True:
            await countdown.tick()
            typed = "".join(shown_as or letter for letter in line)
            whole = f"{countdown.beside(question)}{typed}"
            with contextlib.suppress(OSError):  # the terminal may be gone
                if cell_len(whole) < columns_of(self._terminal):
                    self._show(f"{ERASE_LINE}{whole}")

    async def _read_line(self, line: list[str], shown_as: str | None) -> str:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        while True:
            for letter in decoder.decode(await self._read_bytes()):
                if letter in _ENTER:
                    return "".join(line)
                if letter == _END:
                    raise KeyboardClosed
                self._type(letter, line, shown_as)

    def _type(self, letter: str, line: list[str], shown_as: str | None) -> None:
        if letter in _ERASE:
            if line:
                line.pop()
                self._show("\b \b")
        elif letter.isprintable() and len(line) < _MAX_LENGTH:
            line.append(letter)
            self._show(shown_as or letter)

    async def _read_bytes(self) -> bytes:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._terminal, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._terminal)
        data = os.read(self._terminal, _MAX_LENGTH)
        if not data:
            raise KeyboardClosed
        return data

    def _show(self, text: str) -> None:
        self._screen.write(text)
        self._screen.flush()


@contextlib.contextmanager
def _silent(terminal: int) -> Iterator[None]:
    before = termios.tcgetattr(terminal)
    silent = termios.tcgetattr(terminal)
    silent[_LOCAL_FLAGS] &= ~(termios.ECHO | termios.ICANON)
    # What was typed before the question is no answer to it.
    termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # the terminal may be gone
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
