"""Schemas of declared types: compiled at once, or when the first object is to be read."""

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol

__all__ = [
    "InvalidSchemaError",
    "Schema",
    "SchemaOnDemand",
    "UnmetSchemaError",
    "compiled_schema",
]

_COMPILER = "ciba_service.protocol.request.authorization_details.json_schema"


class InvalidSchemaError(ValueError):
    """It is no JSON Schema that can be used; the text says why."""


class UnmetSchemaError(ValueError):
    """An object is not as its schema says; the text is the place in the schema."""


class Schema(Protocol):
    """A JSON Schema."""

    def validate(self, instance: Mapping[str, object], /) -> None:
        """Raise ``UnmetSchemaError`` when it is not met."""
        ...


def compiled_schema(schema: Mapping[str, object]) -> Schema:
    """Compile it; raises ``InvalidSchemaError``."""
    compiled: Schema = import_module(_COMPILER).CompiledSchema(schema)
    return compiled


class SchemaOnDemand:
    """A schema of our own, which is known to be right: compiled when it is first used."""

    __slots__ = ("_compiled", "_schema")

    def __init__(self, schema: Mapping[str, object]) -> None:
        self._schema = schema
        self._compiled: Schema | None = None

    def validate(self, instance: Mapping[str, object]) -> None:
        """Raise ``UnmetSchemaError`` when it is not met."""
        if self._compiled is None:
            self._compiled = compiled_schema(self._schema)
        self._compiled.validate(instance)
