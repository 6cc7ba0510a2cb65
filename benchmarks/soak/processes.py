"""The service's processes, and which of them may be asked: what a load balancer knows."""

import asyncio
import random
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.soak.history import NOBODY, History, Kind
from benchmarks.soak.wire import Door, NoAnswer, NotSent

__all__ = ["Processes", "ServiceProcess"]

_READY_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.05
_END_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 0.3
_OK: Final = 200
_SERVE: Final = (str(Path(sys.executable).with_name("ciba-service")), "serve", "--config")


@dataclass
class ServiceProcess:
    """One ``ciba-service serve`` and its configuration; it may be started again and again."""

    number: int
    config: Path
    door: Door
    program: tuple[str, ...] = _SERVE
    """What is run, with the configuration as its last argument."""
    process: Process | None = None
    is_ready: bool = False
    starts: int = 0

    async def start(self) -> None:
        """Start it and return when it is ready; its log goes beside the configuration."""
        self.starts += 1
        log = self.config.with_name(f"log-{self.number}-{self.starts:04d}.jsonl")
        with log.open("wb") as stream:
            self.process = await asyncio.create_subprocess_exec(
                *self.program,
                str(self.config),
                stderr=stream,
                stdout=asyncio.subprocess.DEVNULL,
                cwd=self.config.parent,
            )
        async with asyncio.timeout(_READY_SECONDS):
            while not await self.answers_ready():
                if self.process.returncode is not None:
                    raise RuntimeError(f"the service does not start: {log}")
                await asyncio.sleep(_LOOK_SECONDS)
        self.is_ready = True

    async def answers_ready(self) -> bool:
        """Whether ``/readyz`` says so."""
        try:
            return (await self.door.send("GET", "/readyz")).status == _OK
        except (NotSent, NoAnswer):
            return False

    def kill(self) -> bool:
        """SIGKILL, if it runs; it is gone when this returns, as far as anybody sees."""
        self.is_ready = False
        if self.process is None or self.process.returncode is not None:
            return False
        self.process.kill()
        return True

    async def gone(self) -> int:
        """Its status, as soon as it has ended."""
        if self.process is None:
            raise AssertionError("it was never started")
        async with asyncio.timeout(_END_SECONDS):
            status = await self.process.wait()
        self.door.close()
        return status

    def logs(self) -> list[Path]:
        """Of each time that it was started."""
        return sorted(self.config.parent.glob(f"log-{self.number}-*.jsonl"))


class Processes:
    """All of them."""

    def __init__(self, all_of_them: Sequence[ServiceProcess], history: History, seed: int) -> None:
        self.all = all_of_them
        self._history = history
        self._chance = random.Random(seed)  # noqa: S311 - no secret

    def door(self, number: int) -> Door:
        """The way to one."""
        return self.all[number].door

    async def one(self, besides: int = -1) -> int:
        """A process that takes requests, by chance; waits while there is none."""
        while True:
            ready = [each.number for each in self.all if each.is_ready and each.number != besides]
            if ready:
                return self._chance.choice(ready)
            if besides >= 0:
                besides = -1
                continue
            await asyncio.sleep(_LOOK_SECONDS)

    async def start_all(self) -> None:
        """The first alone: it makes what is missing."""
        first, *others = self.all
        await first.start()
        await asyncio.gather(*(each.start() for each in others))

    def kill(self, number: int) -> bool:
        """SIGKILL, written down; whether it ran."""
        killed = self.all[number].kill()
        if killed:
            self._history.note(NOBODY, Kind.KILLED, process=number)
        return killed

    async def restart(self, number: int) -> None:
        """End what does not answer, and start it as often as it takes: the store may be away."""
        self.all[number].kill()
        await self.all[number].gone()
        while True:
            try:
                await self.all[number].start()
                break
            except RuntimeError:
                await asyncio.sleep(_AGAIN_SECONDS)
        self._history.note(NOBODY, Kind.RUNS, process=number)

    async def terminate(self, number: int) -> None:
        """SIGTERM; from when ``/readyz`` tells of it, nothing more is sent there."""
        one = self.all[number]
        if one.process is None or one.process.returncode is not None:
            return
        self._history.note(NOBODY, Kind.TERMINATED, process=number)
        one.process.send_signal(signal.SIGTERM)
        while await one.answers_ready():  # noqa: ASYNC110 - as a balancer does
            await asyncio.sleep(_LOOK_SECONDS)
        one.is_ready = False
        status = await one.gone()
        self._history.note(NOBODY, Kind.ENDED, process=number, number=status)

    async def end(self) -> None:
        """All of them, for good."""
        for each in self.all:
            if each.kill():
                await each.gone()

    def failures(self) -> list[str]:
        """What the logs have that must be in none: an error that nobody expected."""
        found = []
        for each in self.all:
            for log in each.logs():
                found += [f"{log.name}: {line}" for line in _unexpected(log)]
        return found


def _unexpected(log: Path) -> list[str]:
    with log.open("rb") as stream:
        return [line.decode(errors="replace").strip() for line in stream if _is_unexpected(line)]


def _is_unexpected(line: bytes) -> bool:
    """A defect, or a program that broke; that the store was away is what was to be expected."""
    return b'"event":"defect"' in line or line.startswith(b"Traceback")
