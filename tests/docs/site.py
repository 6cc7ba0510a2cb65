"""The built site, read as a browser would."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class PageLinks(HTMLParser):
    """What a page leads to and loads, and the places in it that can be led to."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element refers to."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and "href" in given:
            self.loaded.append(given["href"])
        elif "src" in given:
            self.loaded.append(given["src"])


@dataclass(frozen=True)
class BuiltSite:
    """All pages below a folder."""

    folder: Path
    pages: dict[Path, PageLinks]

    def broken(self) -> list[str]:
        """Links between pages, and to places in them, that lead nowhere."""
        return [
            f"{path.relative_to(self.folder)}: {link}"
            for path, page in self.pages.items()
            for link in (*page.links, *page.loaded)
            if not urlsplit(link).scheme and not self._leads(path, link)
        ]

    def foreign(self) -> list[str]:
        """What pages would load from elsewhere."""
        return [
            link
            for page in self.pages.values()
            for link in page.loaded
            if urlsplit(link).netloc or urlsplit(link).scheme not in {"", "data"}
        ]

    def _leads(self, path: Path, link: str) -> bool:
        parts = urlsplit(link)
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            return False
        fragment = unquote(parts.fragment)
        if not fragment or target not in self.pages:
            return True
        return fragment in self.pages[target].anchors


def read_site(folder: Path) -> BuiltSite:
    """Read every page below a folder."""
    pages = {}
    for path in sorted(folder.resolve().rglob("*.html")):
        if path.name != "404.html":  # its links begin at the root of a host
            pages[path] = PageLinks()
            pages[path].feed(path.read_text("utf-8"))
    return BuiltSite(folder.resolve(), pages)
