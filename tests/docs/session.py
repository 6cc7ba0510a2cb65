"""A command that goes on at a terminal of its own, and a reader who answers what it asks."""

import codecs
import contextlib
import os
import pty
import re
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

LONGEST_SECONDS = 40
PIN = "271828"
ANSWERS = {
    r"Your answer \[decline\]: ": "a",
    r"(?:New PIN \(6 to 12 digits\)|Once more|PIN): ": PIN,
    r"Confirm with your passkey \[y, else no\]: ": "y",
    r"One-time code \[Enter: .+\]: ": "",
}
_LOCAL_FLAGS = 3


class Session:
    """Runs until it is ended; ``said`` is all it has printed."""

    def __init__(self, typed: str, folder: Path) -> None:
        """Start a command in a folder."""
        self.typed = typed
        self.said = ""
        self._answered = 0
        self._own, program = pty.openpty()
        self.process = subprocess.Popen(  # noqa: S603 - what our own pages say
            ("/bin/bash", "-c", typed),
            cwd=folder,
            env={**os.environ, "TERM": "dumb"},
            stdin=program,
            stdout=program,
            stderr=program,
            start_new_session=True,
        )
        os.close(program)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def reads(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Wait until it has printed something; raises ``AssertionError`` if it does not."""
        for _ in moments():
            if found := pattern.search(self.said):
                return found
            if self.process.poll() is not None:
                self._reader.join(LONGEST_SECONDS)
                break
        found = pattern.search(self.said)
        assert found, f"{self.typed} has not said it, but:\n{self.said}"
        return found

    def types(self, text: str) -> None:
        """Type a text, and Enter."""
        os.write(self._own, f"{text}\n".encode())

    def ends(self) -> int:
        """Wait until it has ended by itself; returns its status."""
        status = self.process.wait(LONGEST_SECONDS)
        self._reader.join(LONGEST_SECONDS)
        os.close(self._own)
        return status

    def end(self) -> None:
        """End it as Ctrl-C does, which all hear that it has started."""
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self.process.pid, signal.SIGINT)
        self.ends()

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        with contextlib.suppress(OSError):  # it has ended
            while data := os.read(self._own, 65536):
                self.said += decoder.decode(data).replace("\r\n", "\n")
                self._answer()

    def _answer(self) -> None:
        for question, answer in ANSWERS.items():
            if re.search(f"{question}$", self.said[self._answered :]):
                self._answered = len(self.said)
                for _ in moments():
                    if not termios.tcgetattr(self._own)[_LOCAL_FLAGS] & termios.ECHO:
                        break
                self.types(answer)


def moments() -> Iterator[None]:
    """Come again every so often, until it is too long."""
    until = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < until:
        yield
        time.sleep(0.02)
