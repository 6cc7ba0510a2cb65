"""JSON Schemas, compiled: the one place that meets the validator, loaded with the first of them.

Most services never use one: it would be the largest library in their memory.
"""

from collections.abc import Mapping
from typing import Final

import jsonschema_rs

from ciba_service.protocol.request.authorization_details.schemas import (
    InvalidSchemaError,
    UnmetSchemaError,
)

__all__ = ["CompiledSchema"]

# Linear in the length of the text, whatever the pattern.
_PATTERNS: Final = jsonschema_rs.RegexOptions()


class CompiledSchema:
    """``schemas.Schema`` by jsonschema_rs."""

    __slots__ = ("_validator",)

    def __init__(self, schema: Mapping[str, object]) -> None:
        try:
            self._validator = jsonschema_rs.validator_for(
                dict(schema),
                validate_formats=True,
                ignore_unknown_formats=False,
                offline=True,
                pattern_options=_PATTERNS,
            )
        except ValueError as error:
            reason = error.message if isinstance(error, jsonschema_rs.ValidationError) else error
            raise InvalidSchemaError(str(reason)) from error

    def validate(self, instance: Mapping[str, object]) -> None:
        """Raise ``UnmetSchemaError`` when it is not met."""
        try:
            self._validator.validate(instance)
        except jsonschema_rs.ValidationError as error:
            # Only the schema's own words: the message quotes what was sent.
            raise UnmetSchemaError("/".join(map(str, error.schema_path))) from error
