"""``resource``: where the tokens are meant to be used (RFC 8707)."""

import re
from typing import Final

from ciba_service.protocol.errors import InvalidTargetError, Reason

__all__ = ["is_resource", "narrowed_resources", "parse_resources"]

MAXIMUM_RESOURCES: Final = 8
MAXIMUM_LENGTH: Final = 512
# RFC 3986 4.3: an absolute URI, so without a fragment.
_ABSOLUTE_URI: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+", re.ASCII
)


def is_resource(text: str) -> bool:
    """Whether it can name a resource: an absolute URI without fragment, not too long."""
    return len(text) <= MAXIMUM_LENGTH and _ABSOLUTE_URI.fullmatch(text) is not None


def narrowed_resources(requested: str | None, granted: tuple[str, ...]) -> tuple[str, ...]:
    """Where an access token is for: all that was granted, or the one that is asked for (2.2).

    Raises:
        InvalidTargetError: when the one asked for was not granted.
    """
    if requested is None:
        return granted
    if requested not in granted:
        raise InvalidTargetError from Reason("resource was not granted")
    return (requested,)


def parse_resources(value: object, allowed: frozenset[str]) -> tuple[str, ...]:
    """The resources asked for, each once: one URI, or several in an array of a request object.

    They are compared to the letter with those ``allowed``.

    Raises:
        InvalidTargetError: when one is malformed or not allowed, or there are too many.
    """
    if value is None:
        return ()
    sent = value if isinstance(value, list) else [value]
    if not 1 <= len(sent) <= MAXIMUM_RESOURCES:
        raise InvalidTargetError from Reason(f"resource has {len(sent)} values")
    return tuple(dict.fromkeys(_resource(resource, allowed) for resource in sent))


def _resource(value: object, allowed: frozenset[str]) -> str:
    if not isinstance(value, str) or not is_resource(value):
        raise InvalidTargetError from Reason("resource is not an absolute URI without fragment")
    if value not in allowed:
        raise InvalidTargetError from Reason("resource is unknown or not allowed for the client")
    return value
