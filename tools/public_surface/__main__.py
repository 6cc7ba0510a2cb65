"""Writes docs/public-surface.toml."""

from tools.public_surface.document import SURFACE, surface_text

if __name__ == "__main__":
    SURFACE.write_text(surface_text(), encoding="utf-8")
