"""What one flow costs, counted at Redis itself, and what so many flows a second need.

A flow is a request, its announcement, an approval with PIN by a phone on a socket, the ping, and
the redemption; a poll beside it that finds the request pending is counted apart.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from benchmarks.growth.crowd import Crowd, crowd
from benchmarks.growth.words import WordCost, measure_words
from benchmarks.machine import Usage, environment, resident_mib
from benchmarks.report import FILE, table
from tests.wire.client import WireClient

__all__ = ["CAPACITY_FILE", "Cost", "Costs", "Measured", "Need", "measure_capacity", "need"]

CAPACITY_FILE: Final = FILE.with_name("capacity.md")
_PHONES: Final = 100
_IDLE_SECONDS: Final = 8.0
_FLOW_RATE: Final = 30.0
_SIDE_BY_SIDE: Final = 8
_KINDS: Final = 14
_TARGETS: Final = (100, 1_000, 10_000)
_BUSY: Final = 0.7
"""Of a core that queues are short with; beyond it latency grows faster than load."""
_POLLS_OF_FLOW: Final = 1
_WORDS_OF_FLOW: Final = 2
"""That there is a challenge, and that it was settled."""
_KEPT_SECONDS: Final = 780
"""180 s until a request expires, and ten minutes for which its answer stays right."""


@dataclass(frozen=True)
class Cost:
    """Of one operation; processor is in seconds.

    Commands and round trips are those of the service, ``executed`` those that Redis counts: what
    scripts do inside is among them.
    """

    commands: float
    round_trips: float
    executed: float
    bytes_in: float
    bytes_out: float
    service: float
    redis: float
    stored: float

    def row(self, what: str) -> list[str]:
        """As the table has it."""
        return [
            what,
            f"{self.commands:.1f}",
            f"{self.round_trips:.1f}",
            f"{self.executed:.0f}",
            f"{self.bytes_in / 1024:.1f} KiB",
            f"{self.bytes_out / 1024:.1f} KiB",
            f"{self.service * 1e6:.0f} us",
            f"{self.redis * 1e6:.0f} us",
            f"{self.stored / 1024:.1f} KiB" if self.stored > 0 else "",
        ]


@dataclass(frozen=True)
class Need:
    """What so many flows a second need, without anything in reserve."""

    workers: int
    masters: int
    megabits: float
    commands: float
    gibibytes: float


@dataclass(frozen=True)
class Costs:
    """Of a flow, a poll, a word, and ``idle``: Redis seconds a second for a worker that waits."""

    flow: Cost
    poll: Cost
    word: WordCost
    idle: float


def need(rate: float, costs: Costs, polls: float = _POLLS_OF_FLOW) -> Need:
    """The formulae of docs/capacity.md; ``polls`` find each request pending."""
    flow, poll, word = costs.flow, costs.poll, costs.word
    words = rate * _WORDS_OF_FLOW
    room = _BUSY - words * word.reader
    if room <= 0:
        raise ValueError("a worker would do nothing but read words")
    workers = math.ceil(rate * (flow.service + polls * poll.service) / room)
    stored = rate * (flow.redis + polls * poll.redis)
    stored += workers * (words * word.redis + costs.idle)
    through = rate * (flow.bytes_in + flow.bytes_out + polls * (poll.bytes_in + poll.bytes_out))
    return Need(
        workers=workers,
        masters=math.ceil(stored / _BUSY),
        megabits=(through + words * workers * word.size) * 8 / 1e6,
        commands=rate * (flow.commands + polls * poll.commands),
        gibibytes=rate * _KEPT_SECONDS * flow.stored / 2**30,
    )


@dataclass(frozen=True)
class Measured:
    """The costs, and which commands a flow is made of."""

    costs: Costs
    kinds: Mapping[str, float]
    resident: float
    flows: int

    def chapter(self) -> str:
        """What is written down."""
        costs = table(
            [
                *("what", "commands", "round trips", "executed"),
                *("to Redis", "from Redis", "service", "Redis", "stored"),
            ],
            [self.costs.flow.row("a flow"), self.costs.poll.row("a poll that finds it pending")],
        )
        kinds = ", ".join(f"{name} {number:.1f}" for name, number in self.kinds.items())
        needs = table(
            [
                "flows a second",
                "workers",
                "masters",
                "Redis traffic",
                "commands a second",
                "memory",
            ],
            [_needed(rate, need(rate, self.costs)) for rate in _TARGETS],
        )
        how = (
            f"{self.flows} flows at {_FLOW_RATE:g} a second by {_PHONES} phones, and"
            f" {self.flows} polls, to one process of {self.resident:.0f} MiB that nobody else"
            " asked; what it does while idle is taken off. Stored is what is there right after,"
            " most of it for minutes. Far below saturation an operation costs more than where"
            " commands of several share a round trip: what follows is on the safe side."
        )
        word = self.costs.word
        words = (
            f"A word to the processes costs each that reads it {word.reader * 1e6:.0f} us,"
            f" Redis {word.redis * 1e6:.1f} us and {word.size:.0f} bytes for each of them; a flow"
            f" has {_WORDS_OF_FLOW}. Looking for due work and evidence takes"
            f" {self.costs.idle * 1000:.1f} ms of Redis a second for each worker, whatever it does."
        )
        return "\n\n".join(
            [
                f"{environment('Redis 7')}.",
                how,
                costs,
                words,
                f"What Redis executes for a flow, most often first: {kinds}.",
                needs,
            ]
        )


def _needed(rate: float, wanted: Need) -> list[str]:
    return [
        f"{rate:,}",
        str(wanted.workers),
        str(wanted.masters),
        f"{wanted.megabits:,.0f} Mbit/s",
        f"{wanted.commands:,.0f}",
        f"{wanted.gibibytes:.1f} GiB",
    ]


@dataclass(frozen=True)
class _Look:
    """Counters since the service began, and processor seconds."""

    counters: Sequence[float]
    kinds: Mapping[str, int]
    stored: int
    at: float

    @classmethod
    async def of(cls, gathered: Crowd, redis: Redis) -> "_Look":
        kinds: dict[str, Any] = await redis.info("commandstats")
        calls = {name.removeprefix("cmdstat_"): each["calls"] for name, each in kinds.items()}
        calls.pop("info", None)  # that is us
        traffic, cpu = await redis.info("stats"), await redis.info("cpu")
        memory, service = await redis.info("memory"), Usage.of(gathered.pid)
        figures = (await gathered.place.http.get(gathered.metrics_url)).text
        counters = (
            _figure(figures, "ciba_store_commands_total"),
            _figure(figures, 'ciba_store_round_trip_duration_seconds_count{outcome="answered"}'),
            sum(calls.values()),
            traffic["total_net_input_bytes"],
            traffic["total_net_output_bytes"],
            service.process,
            cpu["used_cpu_user"] + cpu["used_cpu_sys"],
        )
        return cls(counters, calls, memory["used_memory"], service.at)

    def rates_since(self, before: "_Look") -> list[float]:
        """Of each counter, a second."""
        pairs = zip(self.counters, before.counters, strict=True)
        return [(now - then) / (self.at - before.at) for now, then in pairs]


def _figure(figures: str, name: str) -> float:
    return next(
        float(line.rpartition(" ")[2]) for line in figures.splitlines() if line.startswith(name)
    )


def _cost(before: _Look, after: _Look, idle: Sequence[float], number: int) -> Cost:
    seconds = after.at - before.at
    pairs = zip(after.rates_since(before), idle, strict=True)
    each = [max(0.0, rate - while_idle) * seconds / number for rate, while_idle in pairs]
    commands, round_trips, executed, bytes_in, bytes_out, service, redis = each
    return Cost(
        commands=commands,
        round_trips=round_trips,
        executed=executed,
        bytes_in=bytes_in,
        bytes_out=bytes_out,
        service=service,
        redis=redis,
        stored=max(0, after.stored - before.stored) / number,
    )


async def measure_capacity(flows: int, directory: Path) -> Measured:
    """Count what flows and polls cost, beside what is there when nobody asks."""
    async with crowd(directory / "service", _PHONES) as gathered:
        await gathered.connect_up_to(_PHONES)
        await gathered.flows(_PHONES, _FLOW_RATE)  # Whatever is done once was done by then.
        redis = Redis(port=gathered.redis[0])
        try:
            looks = [await _Look.of(gathered, redis)]
            await asyncio.sleep(_IDLE_SECONDS)
            looks.append(await _Look.of(gathered, redis))
            await gathered.flows(flows, _FLOW_RATE)
            looks.append(await _Look.of(gathered, redis))
            pending = await gathered.shop.started(
                login_hint=gathered.members[0].name, client_notification_token="n" * 32
            )
            looks.append(await _Look.of(gathered, redis))
            await _polled(gathered.shop, pending, flows)
            looks.append(await _Look.of(gathered, redis))
            word = await measure_words(gathered, redis)
        finally:
            await redis.aclose()
        resident = resident_mib(gathered.pid)
    return _judged(looks, word, flows, resident)


def _judged(looks: Sequence[_Look], word: WordCost, flows: int, resident: float) -> Measured:
    first, idle, flown, opened, polled = looks
    rates = idle.rates_since(first)
    kinds = {name: _calls(name, looks) / flows for name in flown.kinds}
    return Measured(
        costs=Costs(
            flow=_cost(idle, flown, rates, flows),
            poll=_cost(opened, polled, rates, flows),
            word=word,
            idle=rates[-1],
        ),
        kinds=dict(sorted(kinds.items(), key=lambda kind: -kind[1])[:_KINDS]),
        resident=resident,
        flows=flows,
    )


def _calls(name: str, looks: Sequence[_Look]) -> float:
    """How often flows called a command, without what happens every second anyway."""
    first, idle, flown, *_ = (look.kinds.get(name, 0) for look in looks)
    seconds = (looks[2].at - looks[1].at) / (looks[1].at - looks[0].at)
    return max(0.0, flown - idle - (idle - first) * seconds)


async def _polled(client: WireClient, auth_req_id: str, number: int) -> None:
    free = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one() -> None:
        async with free:
            answer = await client.poll(auth_req_id)
        if answer.json().get("error") != "authorization_pending":
            raise RuntimeError(f"not pending: {answer.text}")

    await asyncio.gather(*(one() for _ in range(number)))
