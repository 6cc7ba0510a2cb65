"""Cursors: where the next page begins, opaque to whoever sends it back.

A cursor is neither secret nor signed: whoever makes one up gets another page, and no more.
"""

from typing import Final, TypeVar

import msgspec

from ciba_service.protocol.jose.encoding import (
    MalformedEncodingError,
    base64url,
    parse_base64url,
)
from ciba_service.protocol.operators.problems import OperatorRefused, Problem

__all__ = ["LARGEST_PAGE", "USUAL_PAGE", "cursor", "parse_cursor"]

USUAL_PAGE: Final = 50
LARGEST_PAGE: Final = 100
_LONGEST: Final = 2_048

T = TypeVar("T")


def cursor(place: msgspec.Struct) -> str:
    """Write a place down."""
    return base64url(msgspec.json.encode(msgspec.structs.astuple(place)))


def parse_cursor(text: str, kind: type[T]) -> T:
    """Read a place of this kind; raises ``OperatorRefused``."""
    if len(text) > _LONGEST:
        raise OperatorRefused(Problem.INVALID_CURSOR)
    try:
        members = msgspec.json.decode(parse_base64url(text), type=list[object])
        names = msgspec.structs.fields(kind)  # type: ignore[arg-type] # kinds are structs
        return msgspec.convert(
            {field.name: value for field, value in zip(names, members, strict=True)}, kind
        )
    except (MalformedEncodingError, ValueError, RecursionError):  # nested without end
        raise OperatorRefused(Problem.INVALID_CURSOR) from None
