"""From one worker to two: what more is answered, and by how much more processor."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.growth.place import family, provider
from benchmarks.machine import Usage, environment
from benchmarks.report import table
from benchmarks.speed.generator import Load, Run
from benchmarks.speed.servers import Provider

__all__ = ["COUNTS", "Measured", "measure_workers"]

COUNTS: Final = (1, 2)
_OPEN: Final = 2_000
_SECONDS: Final = 5.0
_WARM_UP: Final = 1.0
_REQUESTS: Final = 16_000
"""More than can be used up within those seconds."""


@dataclass(frozen=True)
class Step:
    """A run with so many workers; ``processor`` is seconds of all of them for each flow."""

    workers: int
    what: str
    run: Run
    processor: float
    busy: float

    def row(self) -> list[str]:
        """As the table has it."""
        return [
            self.what,
            str(self.workers),
            f"{self.run.rate:.0f}/s",
            f"{self.run.latency.p50:.1f} / {self.run.latency.p99:.1f} ms",
            f"{self.processor * 1e6:.0f} us",
            f"{self.busy:.2f}",
            f"{self.run.redis_share:.2f}",
            f"{max(0.0, self.run.others - self.busy):.2f}",
        ]


@dataclass(frozen=True)
class Measured:
    """All counts, each a service of its own."""

    steps: Sequence[Step]

    def chapter(self) -> str:
        """What is written down."""
        head = [
            "what", "workers", "a second", "p50 / p99", "processor", "workers' cores", "Redis",
            "everything else",
        ]  # fmt: skip
        how = (
            f"32 connections in a closed loop for {_SECONDS:g} s, nothing pinned to a core but the"
            " generator. Processor is of all workers, for each operation; the columns after it are"
            " cores that were busy, those of the generator left out. Workers gain as long as there"
            " are cores: here Redis, the generator and whatever else runs have the second one, too."
        )
        bad = sum(step.run.bad for step in self.steps)
        rows = [step.row() for step in sorted(self.steps, key=lambda step: step.what)]
        wrong = f"Answers that were not as expected: {bad}."
        return "\n\n".join([f"{environment('Redis 7')}.", how, table(head, rows), wrong])


def measure_workers(counts: Sequence[int], directory: Path) -> Measured:
    """Measure requests and pending polls with each number of workers."""
    steps: list[Step] = []
    for count in counts:
        with provider(directory / f"workers-{count}", count) as service:
            steps += _of(service, count)
    return Measured(steps)


def _of(service: Provider, count: int) -> list[Step]:
    stages, ids = service.stages, service.stages.directory / "open"
    Load([stages.requests(_OPEN)], '"auth_req_id"', flows=_OPEN, keep_ids=ids).run(service)
    requests = Load([stages.requests(_REQUESTS)], '"auth_req_id"', _SECONDS, _WARM_UP)
    steps = [_step(service, count, "backchannel authentication", requests)]
    file = stages.token_requests(_REQUESTS, service.nonce())
    polls = Load([file], '"authorization_pending"', _SECONDS, _WARM_UP, ids=ids)
    return [*steps, _step(service, count, "pending poll", polls)]


def _step(service: Provider, count: int, what: str, load: Load) -> Step:
    pids = family(service.pid)
    before, begun = _processor(pids), time.perf_counter()
    run = load.run(service)
    used, seconds = _processor(pids) - before, time.perf_counter() - begun
    flows = run.rate * (load.seconds + load.warm_up)
    return Step(count, what, run, used / flows, used / seconds)


def _processor(pids: Sequence[int]) -> float:
    return sum(Usage.of(pid).process for pid in pids)
