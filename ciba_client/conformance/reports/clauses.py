"""What the requirements say that checks name: ``clauses.toml``, made by ``tools.conformance``."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

__all__ = ["Clause", "clauses"]

_ACTORS: Final = {
    "op": "The provider",
    "rs": "The resource server",
    "client": "The client",
    "device": "The authentication device",
}
_FILE: Final = Path(__file__).with_name("clauses.toml")


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One requirement: where it stands, on whom it is laid, and what it says after that."""

    id: str
    spec: str
    section: str
    level: str
    actor: str
    text: str

    @property
    def sentence(self) -> str:
        """Who must do what."""
        return f"{_ACTORS[self.actor]} {self.level} {self.text[:1].lower()}{self.text[1:]}"

    @property
    def place(self) -> str:
        """Document and section."""
        return f"{self.spec}, {self.section}"


class _File(msgspec.Struct):
    clause: tuple[Clause, ...]


@cache
def clauses() -> dict[str, Clause]:
    """All of them by id."""
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {each.id: each for each in msgspec.convert(content, type=_File).clause}
