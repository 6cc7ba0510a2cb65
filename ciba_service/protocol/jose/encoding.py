"""Strict base64url and JSON (RFC 7515 2, RFC 8725 3.7), as every JOSE object here is read."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

import msgspec

__all__ = [
    "MalformedEncodingError",
    "base64url",
    "parse_base64url",
    "parse_json",
    "parse_json_object",
]


class MalformedEncodingError(ValueError):
    """The bytes are not what their encoding demands."""


def base64url(data: bytes) -> str:
    """Encode without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def parse_base64url(text: str) -> bytes:
    """Decode unpadded base64url; raises ``MalformedEncodingError`` on anything else."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise MalformedEncodingError("not base64url") from error
    # The decoder passes over foreign characters and left-over bits; one text for one value.
    if base64url(data) != text:
        raise MalformedEncodingError("not base64url")
    return data


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedEncodingError("a member is repeated")
    return members


def _no_constant(name: str) -> object:
    raise MalformedEncodingError(f"{name} is not JSON")


_decoder: Final = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_no_constant)


def parse_json(data: bytes) -> object:
    """Parse UTF-8 JSON whose members are unique; raises ``MalformedEncodingError``."""
    try:
        text = data.decode("utf-8")
        if "\\u" in text:
            # Half a surrogate pair is no character: json accepts the escape, UTF-8 cannot write it.
            msgspec.json.decode(data)
        return _decoder.decode(text)
    except MalformedEncodingError:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedEncodingError("not JSON") from error


def parse_json_object(data: bytes) -> dict[str, object]:
    """Parse one JSON object likewise; raises ``MalformedEncodingError``."""
    value = parse_json(data)
    if not isinstance(value, dict):
        raise MalformedEncodingError("not a JSON object")
    return value
