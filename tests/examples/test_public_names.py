"""What the examples import: they are copied, so they use public names only."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

from tools.public_surface.python_names import PUBLIC_MODULES

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(path.relative_to(ROOT) for path in (ROOT / "examples").rglob("*.py"))
OURS = ("ciba_service", "ciba_client", "authenticator_sim")


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_an_example_uses_public_names_only(program: Path):
    """From public modules, and what they list in ``__all__``."""
    tree = ast.parse((ROOT / program).read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(OURS):
            assert node.module in PUBLIC_MODULES
            assert {name.name for name in node.names} <= set(import_module(node.module).__all__)
