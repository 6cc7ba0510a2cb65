"""``ciba-service`` as processes of its own, on an embedded server and real time."""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ciba_service.cli import main
from tests.ports import free_port
from tests.services.running_service import BRIEF, PLAIN, _toml
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import new_key

BIN = Path(sys.executable).parent
READY_SECONDS = 40
"""Bound of every wait; nothing takes nearly as long unless it hangs."""


class WallClock:
    """Real time, as clients and phones of the tests take it."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def now(self) -> int:
        """Seconds since the epoch."""
        return self.now_ms() // 1000


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed, parsed."""
        return json.loads(self.out)


def _run_here(words: list[str], env: dict[str, str]) -> Outcome:
    out, err = StringIO(), StringIO()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        try:
            status = main(words)
        except SystemExit as ended:  # of argparse
            status = int(ended.code or 0)
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
    return Outcome(status, out.getvalue(), err.getvalue())


@dataclass
class Serving:
    """A ``ciba-service serve`` that was started."""

    process: Process
    log: Path

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        await self.process.wait()

    async def terminate(self) -> int:
        """Tell it to stop and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(READY_SECONDS):
            return await self.process.wait()

    def events(self) -> list[dict[str, Any]]:
        """Its log so far."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]


@dataclass
class Installation:
    """A configuration, its data directory, and whoever uses the service."""

    directory: Path
    port: int
    http: httpx2.AsyncClient
    till: WireClient
    processes: list[Process] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        """Where it will answer."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.directory / "ciba.toml"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.directory / "var"

    def configure(
        self,
        *,
        users: tuple[dict[str, Any], ...] = ({"sub": "alice"},),
        clients: Sequence[WireClient] = (),
        **sections: dict[str, Any],
    ) -> None:
        """Write the configuration; ``clients`` stand in place of the till."""
        store = {"data_directory": str(self.data), **sections.pop("store", {})}
        server = {"port": self.port, **sections.pop("server", {})}
        merged = {"server": server, "store": store, **sections}
        self.config.write_text(_toml(self.issuer, clients or (self.till,), users, merged), "utf-8")

    def phone(self) -> WirePhone:
        """A phone that is not enrolled yet."""
        return WirePhone(self.http, self.issuer, WallClock())

    async def start(self, program: str, *arguments: str, **options: Any) -> Process:
        """Start a program, to be ended with the test at the latest."""
        env = {**os.environ, **options.pop("env", {})}
        process = await asyncio.create_subprocess_exec(
            BIN / program, *arguments, env=env, cwd=self.directory, **options
        )
        self.processes.append(process)
        return process

    async def run(
        self, program: str, *arguments: str, env: dict[str, str] | None = None
    ) -> Outcome:
        """Run a program to its end."""
        process = await self.start(program, *arguments, env=env or {}, stdout=PIPE, stderr=PIPE)
        async with asyncio.timeout(READY_SECONDS):
            out, err = await process.communicate()
        return Outcome(process.returncode or 0, out.decode(), err.decode())

    async def command(self, *arguments: str, env: dict[str, str] | None = None) -> Outcome:
        """Run a command of ``ciba-service`` on this configuration, in a thread of this process.

        What a process of its own adds is a second and more in which it is loaded.
        """
        words = [*arguments, "--config", str(self.config)]
        async with asyncio.timeout(READY_SECONDS):
            return await asyncio.to_thread(_run_here, words, env or {})

    async def serve(self, *options: str) -> Serving:
        """Start the service and wait until it is ready."""
        log = self.directory / f"service-{len(self.processes)}.log"
        with log.open("wb") as stream:
            arguments = ("serve", "--config", str(self.config), *options)
            process = await self.start("ciba-service", *arguments, stderr=stream)
        serving = Serving(process, log)
        await self.until_ready(serving)
        return serving

    async def until_ready(self, serving: Serving) -> None:
        """Wait until ``/readyz`` says so."""
        async with asyncio.timeout(READY_SECONDS):
            while not await self._is_ready():
                assert serving.process.returncode is None, serving.log.read_text("utf-8")
                await asyncio.sleep(0.02)

    async def _is_ready(self) -> bool:
        try:
            return (await self.http.get("/readyz")).status_code == 200
        except httpx2.HTTPError:
            return False

    def server_pid(self) -> int:
        """The embedded server's number."""
        return int((self.data / "redis.lock").read_text())

    def leftovers(self) -> list[str]:
        """Command lines of processes that work on the data directory."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.data) in line:
                found.append(line)
        return found


async def gone(pid: int) -> None:
    """Wait until a process that need not be our child has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(READY_SECONDS):
            await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def parent_of(pid: int) -> int:
    """The process that started another."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def killed(place: Installation, serving: Serving) -> None:
    """Kill the service, and see that its server ends by itself."""
    server = place.server_pid()
    supervisor = parent_of(server)
    await serving.kill()
    await asyncio.gather(gone(server), gone(supervisor))
    assert place.leftovers() == []


async def restarted(place: Installation, serving: Serving) -> Serving:
    """Kill the service and start it anew."""
    await killed(place, serving)
    return await place.serve()


@asynccontextmanager
async def installation(directory: Path) -> AsyncIterator[Installation]:
    """An installation in a directory; whatever was started is ended with it."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(
        base_url=issuer, verify=PLAIN, timeout=READY_SECONDS, limits=BRIEF
    ) as http:
        till = WireClient(
            "till",
            key=new_key(),
            metadata={"polling_interval": 1},
            issuer=issuer,
            clock=WallClock(),
            http=http,
        )
        place = Installation(directory, port, http, till)
        place.configure()
        try:
            yield place
        finally:
            for process in place.processes:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
