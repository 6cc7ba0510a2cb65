"""``make bench-growth``: measure growth, write docs/benchmarks.md, docs/capacity.md and graphs."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.growth.capacity import CAPACITY_FILE, measure_capacity
from benchmarks.growth.pending import SIZES, measure_pending
from benchmarks.growth.phones import SIZES as PHONES
from benchmarks.growth.phones import TooFewOpenFiles, measure_phones
from benchmarks.growth.workers import COUNTS, measure_workers
from benchmarks.report import write_chapter
from benchmarks.speed.generator import build_generator

__all__ = ["main"]

_QUICK_PENDING: Final = (1_000, 10_000)
_FLOWS: Final = 600
_QUICK_FLOWS: Final = 60
_QUICK_PHONES: Final = (1, 200)


def pending(directory: Path, limit: int | None, *, quick: bool) -> str:
    """Pending requests."""
    sizes = _QUICK_PENDING if quick else [size for size in SIZES if size <= (limit or size)]
    measured = measure_pending(sizes, directory, _say)
    text = measured.chapter()
    if not quick:
        measured.draw()
        write_chapter("pending", text)
    return text


def phones(directory: Path, limit: int | None, *, quick: bool) -> str:
    """Connected phones."""
    sizes = _QUICK_PHONES if quick else [size for size in PHONES if size <= (limit or size)]
    measured = asyncio.run(measure_phones(sizes, directory, _say))
    text = measured.chapter()
    if not quick:
        measured.draw()
        write_chapter("phones", text)
    return text


def workers(directory: Path, limit: int | None, *, quick: bool) -> str:
    """Workers."""
    del limit
    text = measure_workers(COUNTS, directory).chapter()
    if not quick:
        write_chapter("workers", text)
    return text


def capacity(directory: Path, limit: int | None, *, quick: bool) -> str:
    """What a flow costs."""
    del limit
    measured = asyncio.run(measure_capacity(_QUICK_FLOWS if quick else _FLOWS, directory))
    text = measured.chapter()
    if not quick:
        write_chapter("capacity", text, CAPACITY_FILE)
    return text


PARTS: Final[dict[str, Callable[..., str]]] = {
    "pending": pending,
    "phones": phones,
    "workers": workers,
    "capacity": capacity,
}


def main() -> int:
    """0, or 1 when the machine lets nothing be measured; there are no goals to be missed."""
    parser = argparse.ArgumentParser(prog="make bench-growth", description=__doc__)
    parser.add_argument("which", nargs="*", choices=[[], *PARTS], help="default: all")
    parser.add_argument("--quick", action="store_true", help="small, and nothing is written")
    parser.add_argument("--most", type=int, metavar="N", help="no more pending requests, or phones")
    options = parser.parse_args()
    build_generator()
    for name in options.which or PARTS:
        with tempfile.TemporaryDirectory(prefix="ciba-bench-") as directory:
            try:
                text = PARTS[name](Path(directory), options.most, quick=options.quick)
            except TooFewOpenFiles as error:
                _say(f"bench-growth: {error}")
                return 1
        sys.stdout.write(f"{text}\n\n")
        sys.stdout.flush()
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
