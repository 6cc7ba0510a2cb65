"""The outer shape: a JSON array of objects, each with a ``type`` (RFC 9396 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ciba_service.protocol.errors import InvalidAuthorizationDetailsError, Reason
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json

__all__ = ["TypedObject", "parse_typed_objects"]

MAXIMUM_DETAILS: Final = 10


@dataclass(frozen=True, slots=True)
class TypedObject:
    """An object of which nothing but the type is known; ``members`` has it, too."""

    type: str
    members: Mapping[str, object]


def parse_typed_objects(value: object) -> tuple[TypedObject, ...]:
    """Read one to ten objects, from JSON text in a form or an array in a request object.

    Raises:
        InvalidAuthorizationDetailsError: when it is anything else.
    """
    objects = _parsed(value) if isinstance(value, str) else value
    if not isinstance(objects, list) or not 1 <= len(objects) <= MAXIMUM_DETAILS:
        raise InvalidAuthorizationDetailsError from Reason("not an array of 1 to 10 objects")
    return tuple(_typed(members) for members in objects)


def _parsed(text: str) -> object:
    try:
        return parse_json(text.encode("utf-8"))
    except (MalformedEncodingError, UnicodeEncodeError) as error:
        raise InvalidAuthorizationDetailsError from Reason(str(error))


def _typed(members: object) -> TypedObject:
    if not isinstance(members, Mapping):
        raise InvalidAuthorizationDetailsError from Reason("a member is no object")
    name = members.get("type")
    if not isinstance(name, str):
        raise InvalidAuthorizationDetailsError from Reason("type is missing or no text")
    return TypedObject(name, members)
