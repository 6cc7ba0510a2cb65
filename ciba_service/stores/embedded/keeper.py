"""Starting the private server, starting it anew when it dies, and ending it with its owner."""

import asyncio
import contextlib
import logging
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ciba_service.stores.embedded import supervisor as supervisor_program
from ciba_service.stores.embedded.lock import OwnerLock

__all__ = ["LISTPACK_VALUE", "EmbeddedServerFailed", "Keeper", "ServerPlan", "answers"]

LISTPACK_VALUE: Final = 2_048
"""Bytes of a field up to which Redis packs a hash: the records of transactions are then smaller."""

_START_SECONDS: Final = 60.0
"""For waiting until an earlier server is gone and for reading the append-only file."""
_PING_SECONDS: Final = 1.0
_TICK_SECONDS: Final = 0.02
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0
_HEALTHY_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


class EmbeddedServerFailed(Exception):
    """The private server does not run; the message says why, as far as its log tells."""


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """What to run, and where."""

    program: Path
    data_dir: Path
    socket_path: str

    @property
    def log_path(self) -> Path:
        """Where the server writes its warnings."""
        return self.data_dir / "redis.log"

    def turn_log(self) -> None:
        """Begin a new log and keep the one before it, so that logs stay small."""
        with contextlib.suppress(FileNotFoundError):
            self.log_path.replace(self.log_path.with_suffix(".log.1"))

    def command(self) -> list[str]:
        """Command line of the supervisor, and in it that of the server.

        Every write is on disk before it is answered; nothing listens on the network; the title of
        the process stays as it was started, which is how a leftover server is recognised.
        """
        settings = {
            "port": "0",
            "unixsocket": self.socket_path,
            "unixsocketperm": "700",
            "dir": str(self.data_dir),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory": "0",
            "maxmemory-policy": "noeviction",
            "hash-max-listpack-value": str(LISTPACK_VALUE),
            "databases": "1",
            "daemonize": "no",
            "logfile": str(self.log_path),
            "loglevel": "warning",
            "set-proc-title": "no",
        }
        server = [str(self.program)]
        for name, value in settings.items():
            server += [f"--{name}", value]
        supervisor = [sys.executable, "-I", "-S", supervisor_program.__file__]
        return [*supervisor, str(self.data_dir / "redis.lock"), str(self.data_dir), *server]


async def answers(socket_path: str) -> bool:
    """Whether a server that has read all its data answers on the socket."""
    try:
        async with asyncio.timeout(_PING_SECONDS):
            reader, writer = await asyncio.open_unix_connection(socket_path)
            try:
                writer.write(b"PING\r\n")
                return await reader.readline() == b"+PONG\r\n"
            finally:
                writer.close()
                await writer.wait_closed()
    except OSError:  # TimeoutError is one.
        return False


class Keeper:
    """Keeps the server of one data directory running for as long as this process wants it.

    A server that dies is started anew, by way of a new supervisor, at once and then after pauses
    that double up to ten seconds; meanwhile every command is a ``StoreFault``.
    """

    def __init__(self, plan: ServerPlan, lock: OwnerLock) -> None:
        self._plan = plan
        self._lock = lock
        self._supervisor: Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            EmbeddedServerFailed: it does not.
        """
        self._supervisor = await self._spawn()
        self._keeping = asyncio.create_task(self._keep(self._supervisor))

    async def aclose(self) -> None:
        """End the server, wait for it, and give the data directory up."""
        try:
            if self._keeping is not None:
                self._keeping.cancel()
                await asyncio.wait({self._keeping})
            if self._supervisor is not None:
                await _end(self._supervisor)
        finally:
            self._lock.release()

    async def _keep(self, supervisor: Process) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        started = loop.time()
        while True:
            await supervisor.wait()
            healthy = loop.time() - started > _HEALTHY_SECONDS
            pause = _FIRST_PAUSE if healthy else min(pause * 2, _LONGEST_PAUSE)
            _log.warning("embedded_server_died")
            await asyncio.sleep(pause)
            started = loop.time()
            try:
                supervisor = self._supervisor = await self._spawn()
            except (EmbeddedServerFailed, OSError) as error:
                _log.warning(
                    "embedded_server_not_started", extra={"fields": {"reason": str(error)}}
                )
            else:
                _log.warning("embedded_server_restarted")

    async def _spawn(self) -> Process:
        self._plan.turn_log()
        supervisor = await asyncio.create_subprocess_exec(
            *self._plan.command(), stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._until_ready(supervisor)
        except TimeoutError:
            await _end(supervisor)
            raise self._failure() from None
        except BaseException:
            await _end(supervisor)
            raise
        return supervisor

    async def _until_ready(self, supervisor: Process) -> None:
        if supervisor.stdout is None:
            raise AssertionError("the supervisor's output is a pipe")
        # Only after this line is it certain that an answer would not be an earlier server's.
        line = await supervisor.stdout.readline()
        if line == supervisor_program.OCCUPIED:
            raise EmbeddedServerFailed(
                f"An earlier server still runs in {self._plan.data_dir} and does not end."
            )
        if line != supervisor_program.STARTED:
            raise self._failure()
        while not await answers(self._plan.socket_path):
            if supervisor.returncode is not None:
                raise self._failure()
            await asyncio.sleep(_TICK_SECONDS)

    def _failure(self) -> EmbeddedServerFailed:
        try:
            log = self._plan.log_path.read_text("utf-8", "replace")
        except OSError:
            log = ""
        lines = [line.partition(" # ")[2] or line for line in log.splitlines() if line.strip()]
        said = f" It said: {lines[-1]} (see {self._plan.log_path})" if lines else ""
        return EmbeddedServerFailed(f"{self._plan.program} does not start.{said}")


async def _end(supervisor: Process) -> None:
    """Close the pipe, which ends the server, and wait; insist if that takes too long."""
    if supervisor.stdin is not None:
        supervisor.stdin.close()
    try:
        async with asyncio.timeout(supervisor_program.GRACE_SECONDS + 2):
            await supervisor.wait()
    except TimeoutError:
        supervisor.kill()
        await supervisor.wait()
