"""``make soak``: scenario by scenario, then all faults at once; 0 when nothing was violated."""

import argparse
import asyncio
import secrets
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from benchmarks.report import write_chapter
from benchmarks.soak.chapter import FAILOVERS, NAME, chapter
from benchmarks.soak.running import Outcome, run_scenario
from benchmarks.soak.scenario import Scenario, Topology
from benchmarks.soak.scenarios import SCENARIOS
from benchmarks.soak.telling import say, tell
from benchmarks.soak.volume import APPROVALS, deliver_at_volume

__all__ = ["main"]

_VOLUME = "volume"


@dataclass(frozen=True)
class _Wanted:
    """What the command line says."""

    only: Sequence[str]
    flows: int | None
    alone: int | None
    seconds: float | None
    seed: int
    directory: Path | None
    write: bool

    @classmethod
    def read(cls) -> "_Wanted":
        """As it was typed."""
        parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
        names = [*SCENARIOS, _VOLUME]
        parser.add_argument("--only", action="append", choices=names, default=[])
        parser.add_argument("--flows", type=int, help="in place of each scenario's own number")
        parser.add_argument("--alone", type=int, help="likewise, of those with one kind of fault")
        parser.add_argument("--minutes", type=float, help="begin no flow of a scenario later")
        parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
        parser.add_argument("--directory", type=Path, help="leave logs and histories here")
        parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md anyway")
        told = parser.parse_args()
        is_whole = not told.only and told.flows is None
        return cls(
            only=told.only or names,
            flows=told.flows,
            alone=told.alone,
            seconds=None if told.minutes is None else told.minutes * 60,
            seed=told.seed,
            directory=told.directory,
            write=told.write or is_whole,
        )


def main() -> int:
    """0 when nothing was violated."""
    wanted = _Wanted.read()
    for ending in (signal.SIGINT, signal.SIGTERM):  # Nothing that was started stays behind.
        signal.signal(ending, signal.default_int_handler)
    outcomes = [_ran(SCENARIOS[name], wanted) for name in wanted.only if name != _VOLUME]
    volume = _delivered(wanted) if _VOLUME in wanted.only else ""
    if wanted.write:
        _write(outcomes, volume)
    return 1 if any(outcome.judged.violations or outcome.failures for outcome in outcomes) else 0


def _ran(scenario: Scenario, wanted: _Wanted) -> Outcome:
    asked_for = wanted.alone if len(scenario.faults) <= 1 and wanted.alone else wanted.flows
    chosen = replace(scenario, flows=asked_for or scenario.flows, seconds=wanted.seconds)
    say(f"{chosen.name}: {chosen.flows} flows (--seed {wanted.seed})")
    with ExitStack() as stack:
        directory = _place(stack, chosen.name, wanted.directory)
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        keep = wanted.directory is not None
        outcome = runner.run(run_scenario(chosen, directory, seed=wanted.seed, say=say, keep=keep))
    tell(outcome)
    return outcome


def _write(outcomes: Sequence[Outcome], volume: str) -> None:
    """The two chapters, as far as anything was measured."""
    single = [one for one in outcomes if one.scenario.topology is Topology.SINGLE]
    replicated = [one for one in outcomes if one not in single]
    if single:
        write_chapter(NAME, chapter(single, volume))
    if replicated:
        write_chapter(FAILOVERS, chapter(replicated))


def _delivered(wanted: _Wanted) -> str:
    number = APPROVALS if wanted.flows is None else wanted.flows
    say(f"{_VOLUME}: {number} callbacks (--seed {wanted.seed})")
    with tempfile.TemporaryDirectory(prefix="ciba-soak-") as directory:
        told = asyncio.run(deliver_at_volume(Path(directory), wanted.seed, say, number))
    say(f"  {told}")
    return told


def _place(stack: ExitStack, name: str, kept: Path | None) -> Path:
    if kept is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ciba-soak-")))
    place = (kept / name).absolute()
    place.mkdir(parents=True)
    return place


if __name__ == "__main__":
    sys.exit(main())
