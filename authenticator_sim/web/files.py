"""The files of a page, read once at the start; what is not in the table is not there."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final

__all__ = ["PageFile", "page_files"]

_INDEX: Final = "index.html"
_MEDIA_TYPES: Final = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".webmanifest": "application/manifest+json",
    }
)


@dataclass(frozen=True, slots=True)
class PageFile:
    """What a browser gets."""

    media_type: str
    content: bytes


def page_files(folder: Traversable) -> Mapping[str, PageFile]:
    """Every file of a known kind by its path in the address; ``/`` is the index."""
    found = dict(_below(folder, "/"))
    if f"/{_INDEX}" in found:
        found["/"] = found[f"/{_INDEX}"]
    return MappingProxyType(found)


def _below(folder: Traversable, path: str) -> list[tuple[str, PageFile]]:
    found = []
    for each in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if each.is_dir():
            found += _below(each, f"{path}{each.name}/")
            continue
        _, dot, ending = each.name.rpartition(".")
        if (media_type := _MEDIA_TYPES.get(dot + ending)) is not None:
            found.append((path + each.name, PageFile(media_type, each.read_bytes())))
    return found
