"""``make bench``: measure the service beside its peer and write docs/benchmarks.md."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import write_chapter
from benchmarks.speed.chapter import chapter, is_met
from benchmarks.speed.comparison import Comparison, compare
from benchmarks.speed.generator import build_generator
from benchmarks.speed.scenarios import Plan, Scenario
from benchmarks.speed.servers import own_provider, peer_provider
from benchmarks.speed.stages import Signers

__all__ = ["main"]

_MEMORY = "memory"
QUICK = Plan(runs=1, seconds=2.5, warm_up=0.5, redemptions=3_000, pending=5_000)


def main() -> int:
    """0 when every goal was met, 1 when one was missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run each, nothing written")
    parser.add_argument(
        "--only",
        action="append",
        choices=[*(scenario.name.lower() for scenario in Scenario), _MEMORY],
        help="measure but these and, as always, memory; write nothing",
    )
    options = parser.parse_args()
    only = {name.upper() for name in options.only or ()}
    wanted = [each for each in Scenario if not only or each.name in only]
    build_generator()
    measured = _measure(QUICK if options.quick else Plan(), wanted)
    text = chapter(measured)
    if not (only or options.quick):
        write_chapter("speed", text)
    sys.stdout.write(f"{text}\n")
    return 0 if is_met(measured) else 1


def _measure(plan: Plan, wanted: list[Scenario]) -> Comparison:
    signers = Signers.generate()
    with (
        tempfile.TemporaryDirectory(prefix="ciba-bench-") as directory,
        own_provider(Path(directory) / "own", signers) as own,
        peer_provider(Path(directory) / "peer", signers) as peer,
    ):
        return compare(own, peer, plan=plan, wanted=wanted, said=_say, now=time.monotonic)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
