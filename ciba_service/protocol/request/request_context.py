"""``request_context``: what the client knows of the situation, for risk policies (FAPI-CIBA 5.3).

Its content is for profiles to define: here it is any JSON object that is neither large nor deep.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ciba_service.protocol.errors import InvalidParameterError, Reason
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json

__all__ = ["RequestContext", "parse_request_context"]

MAXIMUM_LENGTH: Final = 4096
MAXIMUM_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The object as compact JSON text; its ``repr`` is masked, since it may tell of people."""

    json: str

    def __repr__(self) -> str:
        return "RequestContext(...)"


def parse_request_context(value: object) -> RequestContext | None:
    """Read the parameter, JSON text in a form or an object in a request object.

    Raises:
        InvalidRequestError: when it is no JSON object, longer than 4096 characters, nested more
            than eight deep, or holds numbers that JSON cannot write.
    """
    if value is None:
        return None
    if isinstance(value, str):
        value = _parsed(value)
    if not isinstance(value, Mapping):
        raise InvalidParameterError("request_context") from Reason(
            "request_context is not a JSON object"
        )
    if _is_deeper(value, MAXIMUM_DEPTH):
        raise InvalidParameterError("request_context") from Reason(
            "request_context is nested too deeply"
        )
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise InvalidParameterError("request_context") from Reason(f"request_context: {error}")
    if len(text) > MAXIMUM_LENGTH:
        raise InvalidParameterError("request_context") from Reason("request_context is too long")
    return RequestContext(text)


def _parsed(text: str) -> object:
    if len(text) > MAXIMUM_LENGTH:
        raise InvalidParameterError("request_context") from Reason("request_context is too long")
    try:
        return parse_json(text.encode("utf-8"))
    except MalformedEncodingError as error:
        raise InvalidParameterError("request_context") from Reason(f"request_context is {error}")


def _is_deeper(value: object, levels: int) -> bool:
    inner: list[object] = [value]
    for _ in range(levels):
        inner = [item for outer in inner for item in _items(outer)]
    return any(isinstance(value, Mapping | list) for value in inner)


def _items(value: object) -> list[object]:
    match value:
        case Mapping():
            return list(value.values())
        case list():
            return value
        case _:
            return []
