"""What benchmarks write down: the right figures, in their own chapter and nowhere else."""

from pathlib import Path

import pytest

from benchmarks.report import FILE, milliseconds, quantile, table, write_chapter


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (0.991, 100.0), (1.0, 100.0)]
)
def test_a_quantile_is_a_value_that_was_measured(share: float, value: float):
    """The smallest one that so many do not exceed, whatever the order."""
    assert quantile([float(number) for number in range(100, 0, -1)], share) == value


def test_a_table_is_one_in_markdown():
    """A head, a line, and the rows."""
    assert table(["what", "how long"], [["p50", milliseconds(0.0123)]]) == (
        "| what | how long |\n| --- | --- |\n| p50 | 12.3 ms |"
    )


def test_a_chapter_replaces_its_own_text_only(tmp_path: Path):
    """All that stands around it stays, however often it is written."""
    file = tmp_path / "benchmarks.md"
    marks = [f"<!-- {name}: written by the benchmark -->\n<!-- end of {name} -->" for name in "ab"]
    file.write_text(f"before\n{marks[0]}\nbetween\n{marks[1]}\nafter", "utf-8")
    for text in ("old", "new"):
        write_chapter("a", text, file)
    begin, end = marks[0].split("\n")
    assert file.read_text("utf-8") == (
        f"before\n{begin}\n\nnew\n\n{end}\nbetween\n{marks[1]}\nafter"
    )


def test_a_chapter_that_has_no_place_is_not_written(tmp_path: Path):
    """A misspelt name would else be lost in silence."""
    file = tmp_path / "benchmarks.md"
    file.write_text("nothing", "utf-8")
    with pytest.raises(ValueError, match="no chapter a"):
        write_chapter("a", "text", file)


@pytest.mark.parametrize("name", ["bulkheads", "polls", "overload"])
def test_the_document_has_the_figures_of_each_benchmark(name: str):
    """docs/benchmarks.md has a chapter for each, and it was written."""
    chapter = FILE.read_text("utf-8").partition(f"<!-- {name}: written by the benchmark -->")[2]
    assert "| p" in chapter.partition(f"<!-- end of {name} -->")[0]
