"""Gathers the pages of the site: docs/ as it stands, and what its links lead to.

A link out of docs/ leads to a file of the repository. On the site that file is a page below
``files/``: Markdown as it is, anything else as a listing, a folder as the list of its files.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from os.path import relpath
from pathlib import Path, PurePosixPath
from typing import Final

__all__ = ["DOCS", "ROOT", "gather", "outside_links"]

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
_LINK: Final = re.compile(r"(?<!!)(\[[^\]]*\]\()([^)\s#]+)(#[^)\s]*)?(\))")
_FENCE: Final = re.compile(r"^ *(`{3,}|~{3,})")
_LANGUAGES: Final = {
    ".conf": "nginx", ".json": "json", ".py": "python", ".sh": "sh", ".service": "ini",
    ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".js": "js",
}  # fmt: skip


def gather(target: Path, generated: Mapping[str, str]) -> None:
    """Write all pages into a folder that is made anew; ``generated`` has path and text of more."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(DOCS, target)
    for name, text in generated.items():
        _write(target / name, text)
    waiting: set[Path] = set()
    for page in sorted(target.rglob("*.md")):
        at = DOCS / page.relative_to(target)
        waiting |= outside_links(page.read_text("utf-8"), at)
        _write(page, _led_inside(page.read_text("utf-8"), at))
    for file in sorted(waiting):
        _write(target / _staged(file), _page_of(file))


def outside_links(text: str, at: Path) -> set[Path]:
    """The files of the repository, not of docs/, to which a page leads."""
    found: set[Path] = set()

    def note(target: Path) -> None:
        if not target.is_relative_to(DOCS) and target.exists():
            found.add(target)

    _each_link(text, at, note)
    return found


def _led_inside(text: str, at: Path) -> str:
    """The page with its links out of docs/ leading to the pages of those files."""

    def moved(target: Path) -> str | None:
        if target.is_relative_to(DOCS):
            return None
        return relpath(DOCS / _staged(target), at.parent)

    return _each_link(text, at, moved)


def _each_link(text: str, at: Path, visit: Callable[[Path], str | None]) -> str:
    """Visit each local link outside listings; what the visit returns stands in its place."""

    def replaced(match: re.Match[str]) -> str:
        before, target, anchor, after = match.groups(default="")
        if re.match(r"[a-z]+:", target):
            return match[0]
        name = visit(Path(str((at.parent / target).resolve())))
        return match[0] if name is None else before + name + anchor + after

    lines, fence = [], None
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if mark and fence is None:
            fence = mark[1]
        elif mark and fence is not None and mark[1].startswith(fence):
            fence = None
        lines.append(line if fence or mark else _LINK.sub(replaced, line))
    return "".join(lines)


def _staged(file: Path) -> PurePosixPath:
    """Where on the site the page of a file of the repository is."""
    name = PurePosixPath("files", file.relative_to(ROOT).as_posix())
    if file.is_dir():
        return name / "index.md"
    return name if name.suffix == ".md" else name.with_name(name.name + ".md")


def _page_of(file: Path) -> str:
    name = file.relative_to(ROOT).as_posix()
    if file.is_dir():
        inside = sorted(each.name for each in file.iterdir() if each.is_file())
        return f"# {name}\n\n" + "".join(f"- `{each}`\n" for each in inside)
    text = file.read_text("utf-8")
    if file.suffix == ".md":
        return _plain(text)
    return f"# {name}\n\n````{_LANGUAGES.get(file.suffix, 'text')}\n{text.rstrip()}\n````\n"


def _plain(text: str) -> str:
    """A page from outside docs/, in which only links to elsewhere lead anywhere."""
    return re.sub(r"\[([^\]]*)\]\((?![a-z]+:|#)[^)]*\)", r"\1", text)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
