"""A user in front of a pseudo terminal."""

import asyncio
import os
import pty
import termios

from authenticator_sim.terminal.keyboard import Keyboard
from tests.unit.authenticator_sim.scripted_service import PATIENCE_SECONDS


class Terminal:
    """A user in front of a pseudo terminal."""

    def __init__(self) -> None:
        self.user, self.program = pty.openpty()
        self.typed = open(self.program, closefd=False, encoding="utf-8")  # noqa: SIM115
        self.screen = open(self.program, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
        self.keyboard = Keyboard(self.program, self.screen)
        self.seen = ""
        self._read_up_to = 0

    async def reads(self, text: str) -> str:
        """Wait until the terminal shows a text; return everything up to its end."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.seen[self._read_up_to :]:
                ready = asyncio.Event()
                loop.add_reader(self.user, ready.set)
                try:
                    await ready.wait()
                finally:
                    loop.remove_reader(self.user)
                self.seen += os.read(self.user, 65536).decode().replace("\r\n", "\n")
        start = self._read_up_to
        self._read_up_to = self.seen.index(text, start) + len(text)
        return self.seen[start : self._read_up_to]

    async def types(self, text: str) -> None:
        """Type once the terminal no longer echoes by itself."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.echoes():  # noqa: ASYNC110 - a terminal has no event for this
                await asyncio.sleep(0)
        os.write(self.user, text.encode())

    def echoes(self) -> bool:
        """Whether the terminal itself shows what is typed."""
        return bool(termios.tcgetattr(self.program)[3] & termios.ECHO)

    def close(self) -> None:
        """Put it away."""
        self.screen.close()
        self.typed.close()
        for descriptor in (self.user, self.program):
            os.close(descriptor)
