"""Running a scenario: so many flows at once, faults meanwhile, and the judgement at the end."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Final

from benchmarks.report import quantile
from benchmarks.soak.checker import Judgement, Violation, judge
from benchmarks.soak.history import Answered, Event, History, Kind
from benchmarks.soak.scenario import Scenario
from benchmarks.soak.setting import Setting, setting
from benchmarks.soak.story import Bounds

__all__ = ["Outcome", "run_scenario"]

_PROGRESS_SECONDS: Final = 5.0
_SETTLE_SECONDS: Final = 3.0
_FAULTY_END_SECONDS: Final = 15.0
"""For how long faults go on while the last flows end."""


@dataclass
class Outcome:
    """What came of it."""

    scenario: Scenario
    seed: int
    seconds: float
    judged: Judgement
    faults: Counter[str]
    points: Counter[str]
    closed: Counter[int]
    """Sockets of phones that the service closed, by code."""
    latencies: dict[str, list[float]]
    histories: dict[int, str] = field(default_factory=dict)
    """Of the flows that were violated, for people."""
    failures: list[str] = field(default_factory=list)

    def milliseconds(self, what: str, share: float) -> float:
        """A quantile of a latency."""
        values = self.latencies.get(what) or [0.0]
        return quantile(values, share) * 1000


async def run_scenario(
    scenario: Scenario,
    directory: Path,
    *,
    seed: int,
    say: Callable[[str], None],
    keep: bool = False,
) -> Outcome:
    """Run it, to its end; ``keep`` leaves the history in the directory as JSON lines."""
    async with setting(scenario, directory, seed) as running:
        began = time.monotonic()
        await _live(scenario, running, say)
        seconds = time.monotonic() - began
        await asyncio.sleep(_SETTLE_SECONDS)  # Whatever is called twice would be by now.
        if keep:
            running.history.write(directory / "history.jsonl")
        return _outcome(scenario, running, seed, seconds)


async def _live(scenario: Scenario, running: Setting, say: Callable[[str], None]) -> None:
    flows = running.flows
    phones = [asyncio.create_task(phone.run()) for phone in running.phones]
    telling = asyncio.create_task(_tell(scenario, running, say))
    breaking = asyncio.create_task(running.faults.inject(scenario.faults))
    end = None if scenario.seconds is None else time.monotonic() + scenario.seconds
    numbers = takewhile(
        lambda _: end is None or time.monotonic() < end, iter(range(scenario.flows))
    )

    async def live_some() -> None:
        for number in numbers:
            await flows.run(number)

    living = [asyncio.create_task(live_some()) for _ in range(scenario.at_once)]
    try:
        await _until_none_is_left(living, breaking)
        breaking.cancel()
        await asyncio.wait({breaking})
        await running.faults.repair()
        await asyncio.gather(*living)
    finally:
        for task in (telling, breaking, *living, *phones):
            task.cancel()
        await asyncio.gather(telling, breaking, *living, *phones, return_exceptions=True)


async def _until_none_is_left(
    living: Sequence[asyncio.Task[None]], breaking: asyncio.Task[None]
) -> None:
    """Until those who live flows have found no other for a while; a failed task is raised."""
    await _first(living, breaking)
    with suppress(TimeoutError):
        async with asyncio.timeout(_FAULTY_END_SECONDS):
            for each in living:
                await _first([each], breaking)


async def _first(living: Sequence[asyncio.Task[None]], breaking: asyncio.Task[None]) -> None:
    done, _ = await asyncio.wait({*living, breaking}, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _tell(scenario: Scenario, running: Setting, say: Callable[[str], None]) -> None:
    before, at = 0, time.monotonic()
    while True:
        await asyncio.sleep(_PROGRESS_SECONDS)
        ended, now = running.flows.ended, time.monotonic()
        ready = sum(each.is_ready for each in running.processes.all)
        say(
            f"  {ended}/{scenario.flows} flows, {(ended - before) / (now - at):.0f}/s,"
            f" {ready} processes, {running.faults.counts.total()} faults"
        )
        before, at = ended, now


def _outcome(scenario: Scenario, running: Setting, seed: int, seconds: float) -> Outcome:
    history = running.history
    bounds = Bounds(replicated=scenario.replicas > 0)
    judged = judge(history.flows, history.world, bounds)
    failures = running.processes.failures()
    for event in history.world:
        if event.kind is Kind.ODD:
            judged.violations.append(Violation(event.flow, event.word))
        if event.kind is Kind.ENDED and event.number != 0:
            judged.violations.append(
                Violation(event.flow, f"a process told to end ended with status {event.number}")
            )
    faults = running.faults.counts + Counter(
        {f"callbacks answered: {name}": number for name, number in running.endpoint.faults.items()}
    )
    faults += _of_clients(history)
    points = Counter(
        {
            f"{when} {script}": number
            for proxy in running.faults.proxies.values()
            for (script, when), number in proxy.done.items()
        }
    )
    closed = Counter(each.number for each in history.world if each.kind is Kind.SOCKET_ENDED)
    return Outcome(
        scenario=scenario,
        seed=seed,
        seconds=seconds,
        judged=judged,
        faults=faults,
        points=points,
        closed=closed,
        latencies=_latencies(history),
        histories={
            each.flow: "\n".join(line.told(history.began) for line in history.flows[each.flow])
            for each in judged.violations
            if each.flow >= 0
        },
        failures=failures,
    )


def _of_clients(history: History) -> Counter[str]:
    vanished = sum(
        event.word == "the client went away"
        for events in history.flows.values()
        for event in events
    )
    return Counter({"clients that went away": vanished})


def _latencies(history: History) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"acknowledged": [], "decided": [], "redeemed": []}
    for events in history.flows.values():
        for name, seconds in _of_flow(events):
            found[name].append(seconds)
    return found


def _of_flow(events: Sequence[Event]) -> Iterator[tuple[str, float]]:
    sent: dict[str, float] = {}
    for event in events:
        match event.kind:
            case Kind.STARTED:
                yield "acknowledged", event.at - event.since
            case Kind.DECISION_SENT:
                sent.setdefault(event.detail, event.at)
            case Kind.DECISION_ACCEPTED if event.detail in sent:
                yield "decided", event.at - sent[event.detail]
            case Kind.ANSWERED if event.word == Answered.TOKENS:
                yield "redeemed", event.at - event.since
