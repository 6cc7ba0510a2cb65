"""The site is whole: every page has its place, every link leads somewhere, nothing is fetched."""

import re
from pathlib import Path

from tests.docs.site import BuiltSite, read_site
from tools.site.generator import CONFIGURATION
from tools.site.pages import DOCS
from tools.site.reference import reference_pages


def test_every_link_of_the_site_leads_somewhere(site: BuiltSite):
    """Between pages, to places in them, and to the files that stand beside them."""
    assert site.pages
    assert site.broken() == []


def test_no_page_loads_anything_from_elsewhere(site: BuiltSite):
    """No font, script, style or picture: a reader is seen by nobody."""
    assert site.foreign() == []


def test_every_page_is_in_the_navigation():
    """Reports of conformance apart; and nothing is there twice, or that is not there."""
    text = CONFIGURATION.read_text("utf-8")
    named = re.findall(r": (\S+\.md)$", text, re.MULTILINE)
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    reports = {name for name in written if re.fullmatch(r"conformance/[a-z0-9-]+\.md", name)}
    copied = {name for name in named if name.startswith("files/")}
    assert sorted(named) == sorted({*(written - reports), *reference_pages(), *copied})


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path):
    """The test above is no formality."""
    (tmp_path / "a.html").write_text('<a href="b.html#no">b</a><a href="c.html">c</a>', "utf-8")
    (tmp_path / "b.html").write_text('<p id="yes"><script src="https://x.example/"></script>')
    read = read_site(tmp_path)
    assert read.broken() == ["a.html: b.html#no", "a.html: c.html"]
    assert read.foreign() == ["https://x.example/"]
