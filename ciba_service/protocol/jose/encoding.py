"""Strict base64url and JSON (RFC 7515 2, RFC 8725 3.7), as every JOSE object here is read."""

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

__all__ = ["MalformedEncodingError", "base64url", "parse_base64url", "parse_json_object"]

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class MalformedEncodingError(ValueError):
    """The bytes are not what their encoding demands."""


def base64url(data: bytes) -> str:
    """Encode without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def parse_base64url(text: str) -> bytes:
    """Decode unpadded base64url; raises ``MalformedEncodingError`` on any other character."""
    if not _BASE64URL.fullmatch(text):
        raise MalformedEncodingError("not base64url")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise MalformedEncodingError("not base64url") from error


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedEncodingError("a member is repeated")
    return members


def _no_constant(name: str) -> object:
    raise MalformedEncodingError(f"{name} is not JSON")


_decoder: Final = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_no_constant)


def parse_json_object(data: bytes) -> dict[str, object]:
    """Parse one UTF-8 JSON object whose members are unique; raises ``MalformedEncodingError``."""
    try:
        value = _decoder.decode(data.decode("utf-8"))
    except MalformedEncodingError:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedEncodingError("not JSON") from error
    if not isinstance(value, dict):
        raise MalformedEncodingError("not a JSON object")
    return value
