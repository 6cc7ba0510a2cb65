"""What the pages of the three packages share, since none of them may need another."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = (
    "authenticator_sim/web/page",
    "ciba_client/playground/page",
    "ciba_service/endpoints/operator/page",
)


@pytest.mark.parametrize("name", ["tokens.css", "dom.js"])
def test_the_look_is_the_same_everywhere(name: str):
    """One look in three copies: whoever changes one changes all."""
    first, *others = [(ROOT / page / "look" / name).read_text("utf-8") for page in PAGES]
    assert all(other == first for other in others)
