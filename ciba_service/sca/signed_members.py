"""What phones sign and encrypt, read in one way only (RFC 7519 4, RFC 8725 3.7)."""

from typing import TypeVar

import msgspec

from ciba_service.protocol.jose.encoding import parse_json_object

__all__ = ["read_members"]

_Shape = TypeVar("_Shape", bound=msgspec.Struct)


def read_members(content: bytes, shape: type[_Shape]) -> _Shape:
    """The JSON object that ``content`` is, as a ``shape``; unknown members may be there.

    A repeated member is refused: what a user signed must not say one thing to us, and another to
    whoever verifies the evidence.

    Raises:
        ValueError: when it is no such object.
    """
    return msgspec.convert(parse_json_object(content), shape)
