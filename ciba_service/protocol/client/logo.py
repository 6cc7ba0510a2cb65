"""A client's logo: a small PNG that was seen by whoever configured it (PNG, W3C 2025, 5)."""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ciba_service.protocol.jose.encoding import base64url

__all__ = ["LARGEST_LOGO", "InvalidLogoError", "Logo", "parse_logo"]

LARGEST_LOGO: Final = 65_536
"""Bytes."""
_LARGEST_SIDE: Final = 512
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEAD: Final = struct.Struct(">I4s")
_SUM: Final = struct.Struct(">I")
_HEADER: Final = struct.Struct(">II5x")


class InvalidLogoError(ValueError):
    """The file cannot be a logo; the text says why."""


@dataclass(frozen=True, slots=True)
class Logo:
    """``name`` is the SHA-256 of ``content``, which users sign with what they are shown."""

    name: str
    content: bytes = field(repr=False)


def parse_logo(content: bytes) -> Logo:
    """Take a PNG that is whole, does not move, and is small; raises ``InvalidLogoError``."""
    if len(content) > LARGEST_LOGO:
        raise InvalidLogoError("is larger than 64 KiB")
    try:
        chunks = list(_chunks(content))
        (first, header), *_, (last, _) = chunks
        width, height = _HEADER.unpack(header)
    except (struct.error, ValueError) as error:
        raise InvalidLogoError("is no PNG, or not a whole one") from error
    if (first, last) != (b"IHDR", b"IEND"):
        raise InvalidLogoError("is no PNG, or not a whole one")
    if any(name == b"acTL" for name, _ in chunks):
        raise InvalidLogoError("is animated")
    if not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE):
        raise InvalidLogoError("is larger than 512 by 512 pixels")
    return Logo(base64url(hashlib.sha256(content).digest()), content)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of each; raises ``ValueError`` or ``struct.error`` where they are none."""
    if not content.startswith(_SIGNATURE):
        raise ValueError("no PNG")
    at = len(_SIGNATURE)
    while at < len(content):
        length, name = _HEAD.unpack_from(content, at)
        end = at + _HEAD.size + length
        (checksum,) = _SUM.unpack_from(content, end)
        if zlib.crc32(content[at + _SUM.size : end]) != checksum:
            raise ValueError("damaged")
        yield name, content[at + _HEAD.size : end]
        at = end + _SUM.size
