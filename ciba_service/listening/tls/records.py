"""The pace at which OpenSSL is fed: one TLS record at a time (RFC 8446 5.1).

The event loops look at what is left in their buffer to know whether to read again. Given all at
once, OpenSSL would hold whole records that nobody asks for: WebSockets on uvloop would hang.
"""

import ssl
from typing import Final

__all__ = ["RecordReader"]

_HEADER: Final = 5


class RecordReader:
    """Takes from a buffer what belongs to the current record; it checks nothing, OpenSSL does."""

    __slots__ = ("_body_left", "_header", "_incoming")

    def __init__(self, incoming: ssl.MemoryBIO) -> None:
        self._incoming = incoming
        self._header = b""
        self._body_left = 0

    def read(self) -> bytes:
        """What there is of the current record, or of the next one; empty when nothing is there."""
        if self._body_left:
            return self._read_body()
        part = self._incoming.read(_HEADER - len(self._header))
        self._header += part
        if len(self._header) < _HEADER:
            return part
        self._body_left = int.from_bytes(self._header[3:])
        self._header = b""
        return part + self._read_body()

    def _read_body(self) -> bytes:
        body = self._incoming.read(self._body_left)
        self._body_left -= len(body)
        return body
