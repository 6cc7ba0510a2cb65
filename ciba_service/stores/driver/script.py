"""Lua scripts as values: their text, and the name under which Redis caches them."""

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Self

__all__ = ["Script"]


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script; ``sha`` is the SHA-1 of ``text``, which EVALSHA asks for (no security)."""

    name: str
    text: str
    sha: str

    @classmethod
    def of(cls, name: str, text: str) -> Self:
        """Make a script from its text."""
        digest = hashlib.sha1(text.encode("utf-8"), usedforsecurity=False)
        return cls(name=name, text=text, sha=digest.hexdigest())

    @classmethod
    def load(cls, name: str, prelude: str = "") -> Self:
        """Read ``scripts/<name>.lua`` and put ``prelude`` before it.

        Raises:
            FileNotFoundError: there is no such script.
        """
        source = resources.files("ciba_service.stores") / "scripts" / f"{name}.lua"
        return cls.of(name, prelude + source.read_text(encoding="utf-8"))
