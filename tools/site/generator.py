"""Runs the generator over the gathered pages; a warning is an error."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tools.site.pages import ROOT, gather
from tools.site.reference import reference_pages

__all__ = ["CONFIGURATION", "DIAGRAMS", "SITE", "SiteNotBuilt", "build"]

CONFIGURATION: Final = ROOT / "mkdocs.yml"
SITE: Final = ROOT / "build" / "site"
_PLACE: Final = Path(__file__).parent
DIAGRAMS: Final = _PLACE / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js"
_PROGRAM: Final = Path(sys.executable).with_name("zensical")
_LONGEST_SECONDS: Final = 300
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")


class SiteNotBuilt(Exception):
    """The generator is not there, or complained; the text says of what."""


def build(place: Path = SITE.parent) -> Path:
    """Gather the pages into ``docs`` of a folder, and build the site into ``site`` of it.

    Raises:
        SiteNotBuilt: something is missing, or a link leads nowhere.
    """
    if not (_PROGRAM.exists() and DIAGRAMS.exists()):
        raise SiteNotBuilt("Please run scripts/ensure-docs.sh first.")
    pages, site = place / "docs", place / "site"
    gather(pages, reference_pages())
    shutil.copytree(_PLACE / "assets", pages / "assets")
    shutil.copy(DIAGRAMS, pages / "assets" / "mermaid.js")
    shutil.rmtree(site, ignore_errors=True)
    configuration = place / CONFIGURATION.name
    text = CONFIGURATION.read_text("utf-8")
    configuration.write_text(text.replace("_dir: build/", "_dir: "), "utf-8")
    run = subprocess.run(  # noqa: S603 - a fixed command
        (_PROGRAM, "build", "--strict", "--clean", "--config-file", configuration),
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_LONGEST_SECONDS,
    )
    if run.returncode or not site.is_dir():
        raise SiteNotBuilt(_COLOURS.sub("", run.stdout))
    return site
