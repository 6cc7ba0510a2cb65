"""Both providers in turn, run by run, so that whatever else the machine does meets both alike."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.speed.generator import Run
from benchmarks.speed.interpreter import service_interpreter
from benchmarks.speed.scenarios import Memory, Plan, Scenario, Subject
from benchmarks.speed.servers import Provider, peer_version

__all__ = ["Compared", "Comparison", "compare"]


@dataclass(frozen=True)
class Compared:
    """Runs of one scenario, in pairs, and one of each at half of the peer's maximum rate."""

    own: tuple[Run, ...]
    peer: tuple[Run, ...]
    half_rate: float
    own_at_half: tuple[Run, ...]
    peer_at_half: tuple[Run, ...]

    @property
    def ratio(self) -> float:
        """Flows a second: the median of the ratios of neighbouring runs."""
        pairs = zip(self.own, self.peer, strict=True)
        return statistics.median(own.rate / peer.rate for own, peer in pairs)

    @property
    def cpu_ratio(self) -> float:
        """How much more processor time the peer takes for one flow: no neighbour changes that."""
        pairs = zip(self.own, self.peer, strict=True)
        return statistics.median(peer.cpu / own.cpu for own, peer in pairs)

    @property
    def tail_ratio(self) -> float:
        """How many times lower our p99 is at half of the peer's maximum rate."""
        pairs = zip(self.own_at_half, self.peer_at_half, strict=True)
        return statistics.median(peer.latency.p99 / own.latency.p99 for own, peer in pairs)


@dataclass(frozen=True)
class Comparison:
    """Everything that was measured."""

    plan: Plan
    scenarios: dict[Scenario, Compared]
    own_memory: Memory
    peer_memory: Memory
    seconds: float
    providers: str


def median(runs: Iterable[Run], of: Callable[[Run], float]) -> float:
    """The median of one figure of some runs."""
    return statistics.median(of(run) for run in runs)


def compare(
    own: Provider,
    peer: Provider,
    *,
    plan: Plan,
    wanted: Iterable[Scenario],
    said: Callable[[str], None],
    now: Callable[[], float],
) -> Comparison:
    """Do it all; ``said`` gets a line after each step."""
    begun, subjects = now(), (Subject(own, plan), Subject(peer, plan))
    with own.alone(peer):
        own_memory = subjects[0].fill()
    with peer.alone(own):
        peer_memory = subjects[1].fill()
    said(f"memory: service {own_memory}, peer {peer_memory}")
    compared = {}
    for scenario in wanted:
        compared[scenario] = _compare(*subjects, scenario, plan.runs, said)
    providers = f"the service on Python {service_interpreter().version}, {peer_version()}"
    return Comparison(plan, compared, own_memory, peer_memory, now() - begun, providers)


def _compare(
    own: Subject, peer: Subject, scenario: Scenario, runs: int, said: Callable[[str], None]
) -> Compared:
    pairs = [_pair(own, peer, scenario, None, said) for _ in range(runs)]
    half = median((theirs for _, theirs in pairs), lambda run: run.rate) / 2
    at_half = [_pair(own, peer, scenario, half, said) for _ in range(runs)]
    return Compared(
        own=tuple(ours for ours, _ in pairs),
        peer=tuple(theirs for _, theirs in pairs),
        half_rate=half,
        own_at_half=tuple(ours for ours, _ in at_half),
        peer_at_half=tuple(theirs for _, theirs in at_half),
    )


def _pair(
    own: Subject,
    peer: Subject,
    scenario: Scenario,
    rate: float | None,
    said: Callable[[str], None],
) -> tuple[Run, Run]:
    with peer.provider.alone(own.provider):
        theirs = peer.measure(scenario, rate)
    with own.provider.alone(peer.provider):
        ours = own.measure(scenario, rate)
    for name, run in (("peer", theirs), ("service", ours)):
        said(
            f"{scenario}, {name}: {run.rate:.0f}/s, p99 {run.latency.p99:.1f} ms,"
            f" {run.cpu:.0f} us, Redis {run.redis_share:.2f}, others {run.others:.2f},"
            f" bad {run.bad} {run.first_error if run.bad else ''}"
        )
    return ours, theirs
