"""The rows of docs/requirements.toml, and the reasons of docs/exceptions.toml."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "ExceptedRow",
    "InventoryError",
    "Requirement",
    "Tier",
    "parse_exceptions",
    "parse_requirements",
]

_EXCEPTION_KEYS: Final = {"id", "reason"}


class InventoryError(Exception):
    """A file of the inventory does not say what it must; the message names the row."""


class Tier(StrEnum):
    """How soon a row is due; the order is that of the report."""

    CORE = "core"
    FULL = "full"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One testable statement of a specification."""

    id: str
    specification: str
    tier: Tier


@dataclass(frozen=True, slots=True)
class ExceptedRow:
    """A requirement that no test can prove, and why."""

    id: str
    reason: str


def parse_requirements(text: str) -> tuple[Requirement, ...]:
    """Read docs/requirements.toml, in its order; raises ``InventoryError``."""
    rows = tuple(_requirement(row) for row in _tables(text, "requirement"))
    if not rows:
        raise InventoryError("docs/requirements.toml has no [[requirement]]")
    _refuse_duplicates("docs/requirements.toml", (row.id for row in rows))
    return rows


def parse_exceptions(text: str, *, known: frozenset[str]) -> tuple[ExceptedRow, ...]:
    """Read docs/exceptions.toml; ``known`` are the ids it may name. Raises ``InventoryError``."""
    rows = tuple(_excepted(row) for row in _tables(text, "exception"))
    _refuse_duplicates("docs/exceptions.toml", (row.id for row in rows))
    for row in rows:
        if row.id not in known:
            raise InventoryError(f"docs/exceptions.toml: {row.id} is not a requirement")
    return rows


def _tables(text: str, name: str) -> list[Mapping[str, object]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InventoryError(f"the file with [[{name}]] is not TOML: {error}") from error
    if unknown := document.keys() - {name}:
        raise InventoryError(f"expected only [[{name}]], found {', '.join(sorted(unknown))}")
    tables = document.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InventoryError(f"{name} is written [[{name}]], once a row")
    return tables


def _requirement(row: Mapping[str, object]) -> Requirement:
    identifier = _text(row, "id", where="docs/requirements.toml")
    specification = _text(row, "spec", where=identifier)
    tier = _text(row, "tier", where=identifier)
    if tier not in set(Tier):
        raise InventoryError(f"{identifier}: tier is core, full or optional, not {tier}")
    return Requirement(id=identifier, specification=specification, tier=Tier(tier))


def _excepted(row: Mapping[str, object]) -> ExceptedRow:
    identifier = _text(row, "id", where="docs/exceptions.toml")
    if unknown := row.keys() - _EXCEPTION_KEYS:
        raise InventoryError(
            f"docs/exceptions.toml: {identifier} has the unknown {', '.join(sorted(unknown))}"
        )
    return ExceptedRow(id=identifier, reason=_text(row, "reason", where=identifier))


def _text(row: Mapping[str, object], key: str, *, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InventoryError(f"{where}: {key} is missing, empty or no text")
    return value.strip()


def _refuse_duplicates(where: str, identifiers: Iterable[str]) -> None:
    repeated = sorted(row for row, times in Counter(identifiers).items() if times > 1)
    if repeated:
        raise InventoryError(f"{where}: {', '.join(repeated)} appears more than once")
