"""Lua scripts as values: their text, and the name under which Redis caches them."""

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Self

__all__ = ["Script"]


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script; ``sha`` is the SHA-1 of ``text``, which EVALSHA asks for (no security).

    ``durable``: what it writes must not be lost in a failover where replicas are waited for.
    """

    name: str
    text: str
    sha: str
    durable: bool = False

    @classmethod
    def of(cls, name: str, text: str, *, durable: bool = False) -> Self:
        """Make a script from its text."""
        digest = hashlib.sha1(text.encode("utf-8"), usedforsecurity=False)
        return cls(name=name, text=text, sha=digest.hexdigest(), durable=durable)

    @classmethod
    def load(cls, name: str, prelude: str = "", *, durable: bool = False) -> Self:
        """Read ``scripts/<name>.lua`` and put ``prelude`` before it.

        Raises:
            FileNotFoundError: there is no such script.
        """
        source = resources.files("ciba_service.stores") / "scripts" / f"{name}.lua"
        return cls.of(name, prelude + source.read_text(encoding="utf-8"), durable=durable)
