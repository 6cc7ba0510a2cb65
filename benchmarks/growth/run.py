"""``make bench-growth``: measure growth, write docs/benchmarks.md, docs/capacity.md and graphs."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.growth.pending import SIZES, measure_pending
from benchmarks.report import write_chapter
from benchmarks.speed.generator import build_generator

__all__ = ["main"]

_QUICK_PENDING: Final = (1_000, 10_000)


def pending(directory: Path, limit: int | None, *, quick: bool) -> str:
    """Pending requests."""
    sizes = _QUICK_PENDING if quick else [size for size in SIZES if size <= (limit or size)]
    measured = measure_pending(sizes, directory, _say)
    text = measured.chapter()
    if not quick:
        measured.draw()
        write_chapter("pending", text)
    return text


PARTS: Final[dict[str, Callable[..., str]]] = {"pending": pending}


def main() -> int:
    """0; there are no goals to be missed."""
    parser = argparse.ArgumentParser(prog="make bench-growth", description=__doc__)
    parser.add_argument("which", nargs="*", choices=[[], *PARTS], help="default: all")
    parser.add_argument("--quick", action="store_true", help="small, and nothing is written")
    parser.add_argument("--most", type=int, metavar="N", help="no more pending requests, or phones")
    options = parser.parse_args()
    build_generator()
    for name in options.which or PARTS:
        with tempfile.TemporaryDirectory(prefix="ciba-bench-") as directory:
            text = PARTS[name](Path(directory), options.most, quick=options.quick)
        sys.stdout.write(f"{text}\n\n")
        sys.stdout.flush()
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
