"""application/x-www-form-urlencoded bodies, read strictly (RFC 6749 3.2, CIBA 7.1)."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from ciba_service.protocol.errors import InvalidRequestError, Reason, RepeatedParameterError

__all__ = ["MAXIMUM_PARAMETERS", "parse_form"]

MAXIMUM_PARAMETERS: Final = 64
_LONGEST_KEPT: Final = 128
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)


def parse_form(body: bytes) -> dict[str, str]:
    """Read a form; parameters without a value count as absent.

    Raises:
        InvalidRequestError: when a parameter is repeated, when there are too many, or when the
            body is not ASCII with percent-encoded UTF-8.
    """
    if not body:
        return {}
    try:
        pairs = body.decode("ascii").split("&")
    except UnicodeDecodeError:
        raise InvalidRequestError from Reason("the body is not ASCII")
    if len(pairs) > MAXIMUM_PARAMETERS:
        raise InvalidRequestError from Reason("too many parameters")
    form: dict[str, str] = {}
    for pair in pairs:
        if not pair:
            continue  # nothing between two "&" is no parameter (WHATWG URL 5.1)
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = _decode(name), _kept(value) if _is_name(value) else _decode(value)
        if name in form:
            raise RepeatedParameterError from Reason("a parameter is repeated")
        form[name] = value
    return form if all(form.values()) else {name: value for name, value in form.items() if value}


def _is_name(value: str) -> bool:
    """Whether it is one of the few that come with every request: of a grant type and the like."""
    return value.startswith("urn%3A") and len(value) <= _LONGEST_KEPT


@lru_cache(maxsize=64)
def _kept(name: str) -> str:
    return _decode(name)


def _decode(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    if _BROKEN_ESCAPE.search(text):
        raise InvalidRequestError from Reason("a parameter has a broken escape")
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequestError from Reason("a parameter is not UTF-8")
