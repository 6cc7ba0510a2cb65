"""A Redis of our own that is killed, stopped and started again on the same files and port."""

import asyncio
import signal
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from typing import Final

from tests.ports import free_port
from tests.redis.servers import REDIS_SERVER, _ask

__all__ = ["SYNCED", "RedisProcess"]

_READY_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.02
SYNCED: Final = ("--appendonly", "yes", "--appendfsync", "always")
"""An append-only file that is synced on every write."""


class RedisProcess:
    """Debian's server in a directory of its own, with further settings."""

    def __init__(self, directory: Path, *settings: str) -> None:
        self.port = free_port()
        self._directory = directory
        self._settings = settings
        self._process: Process | None = None

    async def start(self, *settings: str) -> None:
        """Start it on what is there, for once with further settings; returns when it answers."""
        words = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._directory)]
        words += ["--save", "", *self._settings, *settings]
        self._process = await asyncio.create_subprocess_exec(
            REDIS_SERVER, *words, stdin=DEVNULL, stdout=DEVNULL
        )
        async with asyncio.timeout(_READY_SECONDS):
            while await self.ask("PING") != "+PONG":  # noqa: ASYNC110 - another process
                await asyncio.sleep(_LOOK_SECONDS)

    async def ask(self, command: str) -> str:
        """What it answers; nothing when it does not."""
        return await asyncio.to_thread(_ask, self.port, command)

    async def until(self, command: str, answer: str) -> None:
        """Wait until an answer to a command has these words."""
        async with asyncio.timeout(_READY_SECONDS):
            while answer not in await self.ask(command):  # noqa: ASYNC110 - another process
                await asyncio.sleep(_LOOK_SECONDS)

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @property
    def runs(self) -> bool:
        """Whether there is a process, stopped or not."""
        return self._process is not None and self._process.returncode is None

    def stop(self) -> None:
        """SIGSTOP: it keeps its connections and says nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        if self._process is not None and self.runs:
            self._process.send_signal(which)
