"""The document: every section, in an order that does not change."""

from pathlib import Path
from typing import Final

from tools.public_surface.configuration import configuration_sections
from tools.public_surface.programs import program_sections
from tools.public_surface.python_names import python_sections
from tools.public_surface.running import running_sections
from tools.public_surface.wire import wire_sections

__all__ = ["SURFACE", "surface_text"]

SURFACE: Final = Path(__file__).resolve().parents[2] / "docs" / "public-surface.toml"
_HEAD: Final = """\
# What docs/versioning.md promises not to break, as the code has it.
# Written by:  python -m tools.public_surface
"""


def surface_text() -> str:
    """All of it, as TOML."""
    sections = [
        *python_sections(),
        *program_sections(),
        *configuration_sections(),
        *wire_sections(),
        *running_sections(),
    ]
    return "\n".join((_HEAD, *(section.toml() for section in sections)))
