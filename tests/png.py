"""PNG files, good and bad, made by hand."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, data: bytes = b"") -> bytes:
    """One chunk with its right checksum."""
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def header(width: int = 2, height: int = 2) -> bytes:
    """Eight bits of grey."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


def png(*, width: int = 2, height: int = 2, more: bytes = b"") -> bytes:
    """A whole one, white; ``more`` are chunks before the picture."""
    pixels = zlib.compress((b"\0" + b"\xff" * width) * height)
    return SIGNATURE + header(width, height) + more + chunk(b"IDAT", pixels) + chunk(b"IEND")
