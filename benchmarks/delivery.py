"""``make bench-delivery``: measure delivery and write docs/benchmarks.md."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks.bulkheads import Bulkheads, measure_bulkheads
from benchmarks.report import write_chapter
from benchmarks.waiting_polls import WaitingPolls, measure_waiting_polls

__all__ = ["main"]


async def bulkheads(directory: Path) -> bool:
    """Healthy clients beside dead ones; whether the goal is met."""
    plan = Bulkheads()
    measured = await measure_bulkheads(plan, directory)
    chapter = measured.chapter(plan)
    write_chapter("bulkheads", chapter)
    sys.stdout.write(f"{chapter}\n")
    return measured.is_met


async def polls(directory: Path) -> bool:
    """Thousands of waiting polls; whether they cost next to nothing."""
    plan = WaitingPolls()
    measured = await measure_waiting_polls(plan, directory)
    chapter = measured.chapter(plan)
    write_chapter("polls", chapter)
    sys.stdout.write(f"{chapter}\n")
    return measured.is_met


BENCHMARKS = {"bulkheads": bulkheads, "polls": polls}


def main() -> int:
    """0 when every goal was met."""
    parser = argparse.ArgumentParser(prog="make bench-delivery", description=__doc__)
    parser.add_argument("which", nargs="*", choices=[[], *BENCHMARKS], help="default: all")
    which = parser.parse_args().which or list(BENCHMARKS)
    met = []
    for name in which:
        with tempfile.TemporaryDirectory(prefix="ciba-bench-") as directory:
            met.append(asyncio.run(BENCHMARKS[name](Path(directory))))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
