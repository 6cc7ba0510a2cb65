"""``serve`` with several workers: who owns what they share, and keeps as many of them serving.

Configuration, keys, TLS and store are tried here first, and one worker is started before the
others, so that whatever is wrong is said once. The embedded server belongs to this process: it
outlives any worker.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ciba_service.commands.opening import open_keys, opened_store, system_surroundings
from ciba_service.commands.outcome import CommandFailed
from ciba_service.commands.serving.bound_addresses import (
    BoundAddresses,
    bound_addresses,
    bound_metrics,
)
from ciba_service.commands.serving.reloading import ConfigurationReload
from ciba_service.commands.serving.serve import check_tls, tell_listening, tell_risks
from ciba_service.commands.serving.signalled_server import caught_signals
from ciba_service.commands.workers.process import WORKER, WorkerProcess
from ciba_service.ports import Telemetry
from ciba_service.settings import Settings, checked_settings, read_document
from ciba_service.wiring.running.background import supervise

__all__ = ["Pace", "Workers", "serve_workers"]

_ENDING_SECONDS: Final = 20.0
"""Beyond ``server.drain_seconds``: ten for requests at hand, and some to close what is open."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a worker that ended is replaced; all but the last are seconds.

    After ``healthy`` it counts as one that had started well. ``attempts`` in a row that fail while
    no other serves are the end of all.
    """

    first_pause: float = 0.1
    longest_pause: float = 10.0
    healthy: float = 60.0
    start: float = 60.0
    attempts: int = 5

    def after(self, pause: float) -> float:
        """The pause after one that did not help."""
        return min(max(pause * 2, self.first_pause), self.longest_pause)


_PACE: Final = Pace()


async def serve_workers(path: Path, count: int, program: Sequence[str] = WORKER) -> None:
    """Keep ``count`` workers serving until SIGTERM or SIGINT.

    ``program`` is for those who measure the service and wrap what they measure.

    Raises:
        InvalidSettingsError, CommandFailed: something is wrong, which is then said once.
    """
    configuration = _Configuration(path)
    settings = configuration.read()
    surroundings = system_surroundings()
    open_keys(settings)
    check_tls(settings)
    async with opened_store(settings, own=True) as store:
        await tell_risks(settings, store, surroundings)
        with bound_addresses(settings) as shared, _shares(settings, shared, count) as shares:
            workers = Workers(
                program,
                shares,
                configuration.take(),
                ending_seconds=settings.server.drain_seconds + _ENDING_SECONDS,
                telemetry=surroundings.telemetry,
            )
            reload = ConfigurationReload(
                configuration.read,
                lambda _: workers.tell(configuration.take()),
                surroundings.telemetry,
            )
            reloading = asyncio.create_task(
                supervise(
                    "configuration",
                    reload.run,
                    clock=surroundings.clock,
                    telemetry=surroundings.telemetry,
                )
            )
            with caught_signals(end=lambda _: workers.end(), hung_up=reload.ask):
                try:
                    if await workers.start():
                        tell_listening(settings, shared, surroundings, workers=count)
                    await workers.keep()
                finally:
                    await workers.close()
                    reloading.cancel()
                    await asyncio.wait({reloading})
    surroundings.telemetry.event("stopped")


class _Configuration:
    """The text of the configuration that was read last; the workers get that, not the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = ""

    def read(self) -> Settings:
        """Read and check it; raises ``InvalidSettingsError``."""
        self._text = read_document(self._path)
        return checked_settings(self._text)

    def take(self) -> str:
        """The text, once it was found good."""
        return self._text


@contextmanager
def _shares(
    settings: Settings, shared: BoundAddresses, count: int
) -> Iterator[tuple[BoundAddresses, ...]]:
    """What each worker serves: the same sockets, and one of its own for metrics."""
    shares = [shared]
    try:
        for number in range(1, count):
            shares.append(replace(shared, metrics=bound_metrics(settings, number)))  # noqa: PERF401 - each is closed if the next fails
        yield tuple(shares)
    finally:
        for share in shares:
            share.close()


class Workers:
    """As many processes as there are ``shares`` of the addresses, replaced when they end."""

    def __init__(
        self,
        program: Sequence[str],
        shares: Sequence[BoundAddresses],
        document: str,
        *,
        ending_seconds: float,
        telemetry: Telemetry,
        pace: Pace = _PACE,
    ) -> None:
        self._program = program
        self._shares = shares
        self._first = self._document = document
        self._ending_seconds = ending_seconds
        self._telemetry = telemetry
        self._pace = pace
        self._living: dict[int, WorkerProcess] = {}
        self._serving: set[int] = set()
        self._failures = 0
        self._gave_up = False
        self._ending = asyncio.Event()

    def tell(self, document: str) -> None:
        """Let all of them take over a configuration that was found good."""
        self._document = document
        for worker in self._living.values():
            worker.tell(document)

    def end(self) -> None:
        """Let all of them drain, and replace none; the second time they wait for nothing."""
        self._ending.set()
        for share in self._shares:
            share.close()  # They have their own: nobody comes in once they stop listening.
        for worker in self._living.values():
            worker.told_to_end()

    async def start(self) -> bool:
        """Start the first, and when it serves the others; False when told to end meanwhile.

        Raises:
            CommandFailed: one of them does not start.
        """
        for numbers in ([0], range(1, len(self._shares))):
            began = await asyncio.gather(*map(self._begin, numbers))
            if not all(began) and not self._ending.is_set():
                raise CommandFailed("a worker did not start; the log says why")
        return not self._ending.is_set()

    async def keep(self) -> None:
        """Replace whoever ends, until told to end; raises ``CommandFailed`` when none starts."""
        await asyncio.gather(*map(self._keep, range(len(self._shares))))
        if self._gave_up:
            raise CommandFailed("no worker starts any more; the log says why")

    async def close(self) -> None:
        """End those that are left, and wait for them; insist if that takes too long."""
        if not self._ending.is_set():
            self.end()
        await asyncio.gather(*map(self._buried, tuple(self._living)))

    async def _begin(self, number: int) -> bool:
        """Start one and wait until it serves; False when it does not."""
        if self._ending.is_set():
            return False
        # Whatever is not reloaded stays as it was for the others, too.
        accepted = self._document
        try:
            worker = await WorkerProcess.start(
                self._program, number, self._shares[number], (self._first, accepted)
            )
        except OSError as error:  # The system has no room for another one, at the moment.
            self._telemetry.failure("worker_not_started", error, worker=number)
            return False
        self._living[number] = worker
        # These may have come while the process was being made.
        if self._document != accepted:
            worker.tell(self._document)
        if self._ending.is_set():
            worker.told_to_end()
        try:
            async with asyncio.timeout(self._pace.start):
                serves = await worker.is_ready()
        except TimeoutError:
            worker.kill()
            serves = False
        if serves:
            self._serving.add(number)
            self._failures = 0
        return serves

    async def _keep(self, number: int) -> None:
        loop, pause = asyncio.get_running_loop(), 0.0
        while not self._ending.is_set():
            began = loop.time()
            if number in self._living:
                pid, status = await self._buried(number)
                if self._ending.is_set():
                    return
                self._tell_end(number, pid, status)
            pause = 0.0 if loop.time() - began > self._pace.healthy else self._pace.after(pause)
            await self._wait(pause)
            if await self._begin(number):
                self._telemetry.event("worker_restarted", worker=number)
            elif not self._ending.is_set():
                self._give_up_if_alone()

    def _tell_end(self, number: int, pid: int, status: int) -> None:
        if status == 0:  # Somebody told this one to end, and only this one.
            self._telemetry.event("worker_ended", worker=number, pid=pid)
        else:
            error = ChildProcessError(_how(status))
            self._telemetry.failure("worker_ended", error, worker=number, pid=pid)

    def _give_up_if_alone(self) -> None:
        self._failures += 1
        if self._failures >= self._pace.attempts and not self._serving:
            self._gave_up = True
            self.end()

    async def _buried(self, number: int) -> tuple[int, int]:
        """Wait for the end of one, not for ever once it was told to."""
        worker = self._living[number]
        ended = asyncio.create_task(worker.ended())
        told = asyncio.create_task(self._ending.wait())
        await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not ended.done():
            await asyncio.wait({ended}, timeout=self._ending_seconds)
            worker.kill()
        status = await ended
        self._living.pop(number, None)
        self._serving.discard(number)
        return worker.pid, status

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        except TimeoutError:
            return


def _how(status: int) -> str:
    return f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
