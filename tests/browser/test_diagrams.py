"""The diagrams of the documentation are drawn, in the colours of the page."""

import re
import shutil
from html import escape
from pathlib import Path

from tests.browser.conftest import PageOpener
from tools.site.generator import DIAGRAMS
from tools.site.pages import DOCS

ASSETS = Path(__file__).parents[2] / "tools" / "site" / "assets"


def page_of(diagrams: list[str]) -> str:
    """A page with diagrams as the site has them."""
    blocks = "".join(f'<pre class="diagram"><code>{escape(each)}</code></pre>' for each in diagrams)
    return (
        '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">'
        f'<body data-md-color-scheme="default">{blocks}<script src="diagrams.js"></script>'
    )


async def test_every_diagram_is_drawn(open_page: PageOpener, tmp_path: Path):
    """None has a mistake in it, and all are drawn anew when the page turns dark."""
    found = [
        diagram
        for page in sorted(DOCS.rglob("*.md"))
        for diagram in re.findall(r"```mermaid\n(.*?)\n```", page.read_text("utf-8"), re.DOTALL)
    ]
    shutil.copy(ASSETS / "diagrams.js", tmp_path)
    shutil.copy(DIAGRAMS, tmp_path / "mermaid.js")
    (tmp_path / "page.html").write_text(page_of(found), "utf-8")
    page = await open_page((tmp_path / "page.html").as_uri())
    drawn = page.locator("pre.diagram[data-drawn='neutral'] svg")
    await drawn.nth(len(found) - 1).wait_for()
    assert await drawn.count() == len(found) > 1
    await page.evaluate("document.body.dataset.mdColorScheme = 'slate'")
    await page.locator("pre.diagram[data-drawn='dark'] svg").nth(len(found) - 1).wait_for()
