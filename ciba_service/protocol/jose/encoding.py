"""Strict base64url and JSON (RFC 7515 2, RFC 8725 3.7), as every JOSE object here is read."""

import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from math import isfinite
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


# Whoever reads or writes a value after us has less of the stack left than this reader had.
_DEEPEST: Final = 32
_Container = dict[str, object] | list[object]

# What ``base64`` does in several layers; every object here is read and written so.
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
# The padding and the two characters of ordinary base64 become one that no base64 has.
_FROM_URL: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
_PADDING: Final = (b"", b"=", b"==", b"=")
# What may stand last where the text ends within a group of four: no bits are left over.
_LAST: Final = ("", "", "AQgw", "AEIMQUYcgkosw048")


def base64url(data: bytes) -> str:
    """Encode without padding."""
    return b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def parse_base64url(text: str) -> bytes:
    """Decode unpadded base64url; raises ``MalformedEncodingError`` on anything else."""
    rest = len(text) & 3
    # One text for one value: the decoder passes over bits that are left over.
    if rest and text[-1] not in _LAST[rest]:
        raise MalformedEncodingError("not base64url")
    try:
        padded = text.encode("ascii").translate(_FROM_URL) + _PADDING[-rest]
        return a2b_base64(padded, strict_mode=True)
    except ValueError as error:  # of ASCII or base64
        raise MalformedEncodingError("not base64url") from error


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedEncodingError("a member is repeated")
    return members


def _no_constant(name: str) -> object:
    raise MalformedEncodingError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):  # and could not be written as JSON again
        raise MalformedEncodingError("a number is too large")
    return number


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_unique_members, parse_constant=_no_constant, parse_float=_finite
)


def parse_json(data: bytes) -> object:
    """Parse UTF-8 JSON whose members are unique, up to 32 levels of arrays and objects.

    Raises:
        MalformedEncodingError: when it is anything else.
    """
    if data.count(b"[") + data.count(b"{") <= _DEEPEST:
        # Nearly all is written as we would: what gives the same bytes again has no member twice.
        try:
            value: object = msgspec.json.decode(data)
            if msgspec.json.encode(value) == data:
                return value
        except ValueError:
            pass  # the strict reader says what is wrong, or that nothing is
    return _parse_any_json(data)


def _parse_any_json(data: bytes) -> object:
    try:
        text = data.decode("utf-8")
        if "\\u" in text:
            # Half a surrogate pair is no character: json accepts the escape, UTF-8 cannot write it.
            msgspec.json.decode(data)
        value: object = _decoder.decode(text)
    except MalformedEncodingError:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedEncodingError("not JSON") from error
    if text.count("[") + text.count("{") > _DEEPEST and _is_too_deep(value):
        raise MalformedEncodingError("nested too deeply")
    return value


def _is_too_deep(value: object) -> bool:
    level: list[_Container] = [[value]]
    for _ in range(_DEEPEST + 1):
        level = [inner for each in level for inner in _containers(each)]
    return bool(level)


def _containers(of: _Container) -> Iterator[_Container]:
    members = of.values() if isinstance(of, dict) else of
    return (each for each in members if isinstance(each, dict | list))


def parse_json_object(data: bytes) -> dict[str, object]:
    """Parse one JSON object likewise; raises ``MalformedEncodingError``."""
    value = parse_json(data)
    if not isinstance(value, dict):
        raise MalformedEncodingError("not a JSON object")
    return value
