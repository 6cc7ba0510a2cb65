"""JSON from outside: whatever is wrong with it, there is one error for it."""

from typing import TypeVar

import msgspec

__all__ = ["MalformedJson", "decode_json"]

_T = TypeVar("_T")


class MalformedJson(ValueError):
    """Not UTF-8, not JSON, nested too deeply, or not the object that belongs here."""


def decode_json(data: bytes, kind: type[_T]) -> _T:
    """Parse an object of one kind; raises ``MalformedJson``."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError) as error:  # of JSON or UTF-8; of nesting
        raise MalformedJson("not the expected object") from error
