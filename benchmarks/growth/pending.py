"""From a thousand pending requests to a million: what is asked meanwhile, swept, and stored."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.growth.chart import Chart, Line
from benchmarks.growth.filler import fill
from benchmarks.growth.place import opened, provider
from benchmarks.machine import Usage, environment, resident_mib
from benchmarks.report import milliseconds, quantile, table
from benchmarks.speed.generator import Load, Run
from benchmarks.speed.servers import Provider, redis_info

__all__ = ["SIZES", "Measured", "measure_pending"]

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
_REQUESTS_PER_SECOND: Final = 40
_POLLS_PER_SECOND: Final = 100
_SECONDS: Final = 5.0
_CALM_SECONDS: Final = 12.0
_SWEEPS: Final = 100


@dataclass(frozen=True)
class Step:
    """With so many pending; shares are of one core, while nobody asks and nothing is due."""

    pending: int
    request: Run
    poll: Run
    sweeps: Sequence[float]
    idle: float
    redis_idle: float
    bytes_each: float
    resident: float
    filled_per_second: float

    @property
    def sweep(self) -> float:
        """The usual time of one look at all partitions, in seconds."""
        return quantile(self.sweeps, 0.5)

    def row(self) -> list[str]:
        """As the table has it."""
        return [
            f"{self.pending:,}",
            f"{self.request.latency.p50:.1f} / {self.request.latency.p99:.1f} ms",
            f"{self.request.cpu:.0f} us",
            f"{self.poll.latency.p50:.1f} / {self.poll.latency.p99:.1f} ms",
            f"{self.poll.cpu:.0f} us",
            milliseconds(self.sweep),
            f"{self.idle * 1000:.0f} and {self.redis_idle * 1000:.0f} ms",
            f"{self.bytes_each:.0f}",
            f"{self.resident:.0f} MiB",
        ]


@dataclass(frozen=True)
class Measured:
    """All sizes, on one service."""

    steps: Sequence[Step]
    seconds: float

    def chapter(self) -> str:
        """What is written down."""
        head = [
            "pending", "request, p50 / p99", "processor", "pending poll, p50 / p99", "processor",
            "a sweep", "idle: service, Redis, a second", "bytes each in Redis", "resident",
        ]  # fmt: skip
        bad = sum(step.request.bad + step.poll.bad for step in self.steps)
        others = max(max(step.request.others, step.poll.others) for step in self.steps)
        how = (
            f"{_REQUESTS_PER_SECOND} requests and {_POLLS_PER_SECOND} polls a second, each for"
            f" {_SECONDS:g} s, in an open loop, to one process; a sweep is the median of {_SWEEPS}"
            " looks at all 256 partitions from another process. Processor time is of the service,"
            " for each operation; bytes are those of the record and its due work. Answers that were"
            f" not as expected: {bad}; everything else on the machine took up to {others:.1f} cores"
            f" meanwhile. {self.seconds:.0f} s in all, of which filling:"
            f" {self.steps[-1].filled_per_second:.0f} a second at the end."
        )
        rows = [step.row() for step in self.steps]
        return "\n\n".join([f"{environment('Redis 7')}.", how, table(head, rows)])

    def draw(self) -> None:
        """Latency and memory over the number of pending requests."""

        def line(name: str, of: Callable[[Step], float]) -> Line:
            return Line(name, [(step.pending, of(step)) for step in self.steps])

        Chart(
            "Latency with so many pending requests",
            "pending requests",
            "milliseconds",
            [
                line("request, p50", lambda step: step.request.latency.p50),
                line("request, p99", lambda step: step.request.latency.p99),
                line("pending poll, p50", lambda step: step.poll.latency.p50),
                line("a sweep, p50", lambda step: step.sweep * 1000),
            ],
        ).write("growth-latency")
        Chart(
            "Memory of pending requests in Redis",
            "pending requests",
            "MiB",
            [line("records", lambda step: step.pending * step.bytes_each / 1_048_576)],
        ).write("growth-memory")


def measure_pending(sizes: Sequence[int], directory: Path, say: Callable[[str], None]) -> Measured:
    """Fill to each size and look; the longest part is to fill."""
    began = time.monotonic()
    with provider(directory / "service") as service:
        steps: list[Step] = []
        _ask_once(service)
        stored, filled = _stored(service), 0
        for size in sizes:
            before = time.monotonic()
            fill(directory / "service" / "ciba.toml", size - filled, _ids(service))
            rate = (size - filled) / (time.monotonic() - before)
            filled = size
            say(f"{size:,} pending, {rate:.0f}/s")
            steps.append(_look(service, size, stored, rate))
            say(" | ".join(steps[-1].row()))
        return Measured(steps, time.monotonic() - began)


def _look(service: Provider, size: int, stored: int, rate: float) -> Step:
    time.sleep(_CALM_SECONDS)  # What is remembered for retries alone has faded by then.
    each = (_stored(service) - stored) / size
    before = Usage.of(service.pid), Usage.of(service.redis_pid)
    time.sleep(_SECONDS)
    after = Usage.of(service.pid), Usage.of(service.redis_pid)
    idle, redis_idle = (now.share_since(then) for then, now in zip(before, after, strict=True))
    stages = service.stages
    requests = stages.requests(int(_REQUESTS_PER_SECOND * _SECONDS * 1.5))
    polls = stages.token_requests(int(_POLLS_PER_SECOND * _SECONDS * 1.5), service.nonce())
    return Step(
        pending=size,
        request=Load([requests], '"auth_req_id"', seconds=_SECONDS, rate=_REQUESTS_PER_SECOND).run(
            service
        ),
        poll=Load(
            [polls],
            '"authorization_pending"',
            seconds=_SECONDS,
            rate=_POLLS_PER_SECOND,
            ids=_ids(service),
        ).run(service),
        sweeps=asyncio.run(_sweeps(stages.directory / "ciba.toml")),
        idle=idle,
        redis_idle=redis_idle,
        bytes_each=each,
        resident=resident_mib(service.pid),
        filled_per_second=rate,
    )


def _ask_once(service: Provider) -> None:
    """One request as clients make it, which all others are like."""
    requests = [service.stages.requests(1)]
    Load(requests, '"auth_req_id"', flows=1, keep_ids=_ids(service)).run(service)


async def _sweeps(config: Path) -> list[float]:
    taken = []
    async with opened(config) as stores:
        for _ in range(_SWEEPS):
            before = time.perf_counter()
            await stores.due.partitions_with_work(now=time.time_ns() // 1_000_000)
            taken.append(time.perf_counter() - before)
    return taken


def _ids(service: Provider) -> Path:
    return service.stages.directory / "filled"


def _stored(service: Provider) -> int:
    return redis_info(service.redis_port, "memory", "used_memory")
