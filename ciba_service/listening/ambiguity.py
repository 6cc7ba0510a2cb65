"""Heads that another server on the way may have read in another way (RFC 9112 11.2).

The parser itself refuses two lengths, lengths beside chunks, folded lines and stray line ends.
"""

from collections.abc import Sequence
from typing import Final

__all__ = ["is_ambiguous"]

_AT_MOST_ONCE: Final = (b"host", b"content-type", b"authorization", b"transfer-encoding")
_VERSIONS: Final = frozenset({"1.0", "1.1"})


def is_ambiguous(
    method: bytes, target: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]
) -> bool:
    """Whether this is no head of a request to an origin server that everybody reads alike.

    Names are in lower case. A request of HTTP/1.1 names its host (RFC 9112 3.2); an encoding is
    ``chunked`` and nothing else, and HTTP/1.0 has none (RFC 9112 6.1).
    """
    names = [name for name, _ in headers]
    return (
        method == b"CONNECT"
        or version not in _VERSIONS
        or not target.isascii()
        or (len(set(names)) < len(names) and _is_repeated(names))
        or (version == "1.1" and b"host" not in names)
        or (b"transfer-encoding" in names and _is_badly_encoded(version, headers))
    )


def _is_repeated(names: Sequence[bytes]) -> bool:
    return any(names.count(name) > 1 for name in _AT_MOST_ONCE)


def _is_badly_encoded(version: str, headers: Sequence[tuple[bytes, bytes]]) -> bool:
    encodings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    return version != "1.1" or encodings != [b"chunked"]
