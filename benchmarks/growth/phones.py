"""From one connected phone to fifteen thousand in a process: memory, and how soon each is told."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.growth.chart import Chart, Line
from benchmarks.growth.crowd import Crowd, FlowTimes, crowd
from benchmarks.machine import Noise, Usage, environment, resident_mib
from benchmarks.report import milliseconds, quantile, table
from ciba_service.commands.serving.open_files import allow_open_files

__all__ = ["SIZES", "Measured", "TooFewOpenFiles", "measure_phones"]

SIZES: Final = (1, 1_000, 5_000, 15_000)
_FLOWS: Final = 150
_FLOWS_PER_SECOND: Final = 6
_FLOWS_OF_PHONE: Final = 30
_RATE_OF_PHONE: Final = 2
_IDLE_SECONDS: Final = 6.0
_QUIET_SHARE: Final = 0.25
_LOOK_SECONDS: Final = 1.0
_LOOKS: Final = 20
_ENOUGH: Final = 100
"""Phones whose memory is more than the noise of it."""
_OTHER_FILES: Final = 1_200
"""Of service and driver beside phones."""


class TooFewOpenFiles(Exception):
    """The hard limit of open files is too low for so many phones; the message says by how much."""


@dataclass(frozen=True)
class Step:
    """With so many phones; ``idle`` is of one core, while nothing happens but keeping alive."""

    phones: int
    times: Sequence[FlowTimes]
    resident: float
    idle: float

    def to_phone(self, share: float) -> float:
        """Seconds from a request to its phone."""
        return quantile([each.to_phone for each in self.times], share)

    def to_client(self, share: float) -> float:
        """Seconds from a decision to the ping."""
        return quantile([each.to_client for each in self.times], share)


@dataclass(frozen=True)
class Measured:
    """All sizes, on one process."""

    steps: Sequence[Step]
    empty: float
    noise: Noise

    def chapter(self) -> str:
        """What is written down."""
        head = [
            "phones", "request to phone, p50 / p99", "approval to ping, p50 / p99", "idle",
            "resident", "for each phone",
        ]  # fmt: skip
        how = (
            f"{_FLOWS} flows at {_FLOWS_PER_SECOND} a second, each of any of the phones that are"
            " connected, to one process: from the sending of the request to the challenge at the"
            " phone, and from the sending of the approval (PIN) to the ping at the client's"
            " endpoint (TLS; without `callback_delay_ms`). Idle is processor of one core over"
            f" {_IDLE_SECONDS:g} s in which nothing happens but that the service looks whether"
            " phones are alive, every twenty seconds."
        )
        rows = [self._row(step) for step in self.steps]
        return "\n\n".join(
            [f"{environment('Redis 7')}.", how, table(head, rows), f"Noise: {self.noise}."]
        )

    def _row(self, step: Step) -> list[str]:
        each = (step.resident - self.empty) * 1024 / step.phones
        return [
            f"{step.phones:,}",
            f"{milliseconds(step.to_phone(0.5))} / {milliseconds(step.to_phone(0.99))}",
            f"{milliseconds(step.to_client(0.5))} / {milliseconds(step.to_client(0.99))}",
            f"{step.idle:.1%}",
            f"{step.resident:.0f} MiB",
            f"{each:.1f} KiB" if step.phones >= _ENOUGH else "",
        ]

    def draw(self) -> None:
        """Latencies over the number of phones."""

        def line(name: str, of: Callable[[Step], float]) -> Line:
            return Line(name, [(step.phones, of(step) * 1000) for step in self.steps])

        Chart(
            "Latency with so many connected phones",
            "connected phones",
            "milliseconds",
            [
                line("to phone, p50", lambda step: step.to_phone(0.5)),
                line("to phone, p99", lambda step: step.to_phone(0.99)),
                line("to ping, p50", lambda step: step.to_client(0.5)),
                line("to ping, p99", lambda step: step.to_client(0.99)),
            ],
        ).write("growth-phones")


async def measure_phones(
    sizes: Sequence[int], directory: Path, say: Callable[[str], None]
) -> Measured:
    """Connect to each size and look; raises ``TooFewOpenFiles``."""
    missing = allow_open_files(max(sizes) + _OTHER_FILES)
    if missing:
        raise TooFewOpenFiles(
            f"{max(sizes):,} phones need {missing:,} open files more than the hard limit allows:"
            " raise it (ulimit -Hn), or measure less (--most)"
        )
    async with crowd(directory / "service", max(sizes)) as gathered:
        pids = [gathered.pid, gathered.redis[1]]
        before = {pid: Usage.of(pid) for pid in pids}
        empty, steps = resident_mib(gathered.pid), []
        for size in sizes:
            begun = time.perf_counter()
            await gathered.connect_up_to(size)
            say(f"{size:,} phones after {time.perf_counter() - begun:.0f} s")
            steps.append(await _look(gathered, size))
            say(str(steps[-1].resident))
        noise = Noise.between(before, {pid: Usage.of(pid) for pid in pids})
    return Measured(steps, empty, noise)


async def _look(gathered: Crowd, size: int) -> Step:
    await _until_quiet(gathered.pid)
    resident, before = resident_mib(gathered.pid), Usage.of(gathered.pid)
    await asyncio.sleep(_IDLE_SECONDS)
    idle = Usage.of(gathered.pid).share_since(before)
    # A phone that decides more often than any user could is cut off.
    times = await gathered.flows(
        min(_FLOWS, _FLOWS_OF_PHONE * size), min(_FLOWS_PER_SECOND, _RATE_OF_PHONE * size)
    )
    return Step(size, times, resident, idle)


async def _until_quiet(pid: int) -> None:
    """Wait until a process that was busy is so no longer, or not for ever."""
    for _ in range(_LOOKS):
        before = Usage.of(pid)
        await asyncio.sleep(_LOOK_SECONDS)
        if Usage.of(pid).share_since(before) < _QUIET_SHARE:
            return
