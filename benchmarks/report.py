"""docs/benchmarks.md: each benchmark writes its own chapter and leaves the others alone."""

import math
from collections.abc import Sequence
from pathlib import Path

__all__ = ["FILE", "milliseconds", "quantile", "table", "write_chapter"]

FILE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def milliseconds(seconds: float) -> str:
    """A time as a table has it."""
    return f"{seconds * 1000:.1f} ms"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_chapter(name: str, text: str, file: Path = FILE) -> None:
    """Put a chapter in its place; it is marked in the file by its name."""
    begin, end = f"<!-- {name}: written by the benchmark -->", f"<!-- end of {name} -->"
    document = file.read_text("utf-8")
    head, found, rest = document.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{file.name} has no chapter {name}")
    file.write_text(f"{head}{begin}\n\n{text.strip()}\n\n{end}{tail}", "utf-8")
