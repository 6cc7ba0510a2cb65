"""docs/threat-model.md names files and tests that there are, and looks at every boundary."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
FOLDERS = "authenticator_sim|ciba_client|ciba_service|deploy|docs|requirements|scripts|tests|tools"
PATH = re.compile(rf"`((?:{FOLDERS})/[\w./-]+)(?:::(\w+))?`")


def collected_from(path: Path) -> set[str]:
    """What pytest collects of a module: its functions named so, and those of its classes."""
    body = ast.parse(path.read_text("utf-8")).body
    scopes = [body, *(node.body for node in body if isinstance(node, ast.ClassDef))]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.name
        for scope in scopes
        for node in scope
        if isinstance(node, functions) and node.name.startswith("test_")
    }


def test_every_file_and_test_it_names_is_there():
    """Under the path by which it is named."""
    named = PATH.findall(PAGE)
    assert len(named) > 100
    for path, test in named:
        assert (ROOT / path).exists(), path
        if test:
            assert Path(path).name.startswith("test_"), path
            assert test in collected_from(ROOT / path), f"{path}::{test}"


def test_every_boundary_of_the_diagram_has_its_table():
    """And each table says of every threat what stops it, what shows that, and what is left."""
    drawn = set(re.findall(r'"(B[0-9]+) ', PAGE))
    chapters = dict(
        re.findall(r"^## (B[0-9]+): [^\n]+\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    )
    assert drawn <= chapters.keys()
    for name, chapter in chapters.items():
        rows = [line for line in chapter.splitlines() if re.match(r"\| [STRIDE] \|", line)]
        assert rows, name
        for row in rows:
            cells = [cell.strip() for cell in row.strip("| ").split(" | ")]
            assert len(cells) == 5, row
            assert "`tests/" in cells[3], row
            assert all(cells), row


def test_every_module_of_fuzzing_is_named():
    """A parser that is fuzzed is in the table, and the table names none that is not."""
    modules = {f"tests/fuzz/{path.name}" for path in (ROOT / "tests" / "fuzz").glob("test_*.py")}
    assert modules == set(re.findall(r"`(tests/fuzz/test_\w+\.py)`", PAGE))


def test_its_links_lead_somewhere():
    """Pages and their chapters."""
    for page, chapter in re.findall(r"\]\(([\w-]*\.md)?(?:#([\w-]+))?\)", PAGE):
        text = (ROOT / "docs" / page).read_text("utf-8") if page else PAGE
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
        assert not chapter or chapter in slugs, (page, chapter)
