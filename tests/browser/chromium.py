"""Debian's Chromium, one for all tests of a worker; each test gets a context of its own.

Its headless shell, the same engine without windows, is preferred: it takes less of the machine.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import IO

from websockets.sync.client import connect

LISTENING = re.compile(r"listening on (ws://127\.0\.0\.1:\S+)")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-port=0",
)


@contextmanager
def running_chromium() -> Iterator[str]:
    """Run a browser until the end of the block; gives the address to command it at."""
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert path is not None, "Chromium is missing: scripts/ensure-chromium.sh installs it."
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        arguments = [path, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as browser:  # noqa: S603
            assert browser.stderr is not None
            address = _address(browser.stderr)
            # What it goes on to say must not fill the pipe, or it stops.
            drained = Thread(target=browser.stderr.read, daemon=True)
            drained.start()
            try:
                yield address
            finally:
                # The headless shell is begun by a script, which passes no signal on.
                with connect(address) as commands:
                    commands.send('{"id": 1, "method": "Browser.close"}')
                    browser.wait(timeout=10)
                drained.join(timeout=10)


def _address(lines: IO[str]) -> str:
    for line in lines:
        if found := LISTENING.search(line):
            return found[1]
    raise AssertionError("Chromium ended, and did not say where it listens.")
