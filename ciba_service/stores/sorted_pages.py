"""A sorted set read a page at a time, each from where the last one ended, whatever changed."""

from typing import Final

from ciba_service.stores.operations import Operations

__all__ = ["Scored", "members_after"]

Scored = tuple[int, bytes]
"""A score and its member: the order in which Redis keeps them."""

_AT_ONCE: Final = 256


async def members_after(
    operations: Operations, key: str, after: Scored | None, *, limit: int, prefix: bytes = b""
) -> list[Scored]:
    """The first ``limit`` members after a place, of those that begin with ``prefix``."""
    found: list[Scored] = []
    place, at_once = after, _AT_ONCE
    while len(found) < limit:
        start = "-inf" if place is None else place[0]
        flat = await operations.call(
            "ZRANGE", key, start, "+inf", "BYSCORE", "LIMIT", 0, at_once, "WITHSCORES"
        )
        read = [
            (int(float(score)), member) for member, score in zip(flat[::2], flat[1::2], strict=True)
        ]
        further = [each for each in read if place is None or each > place]
        found += [each for each in further if each[1].startswith(prefix)]
        if len(read) < at_once:
            break
        # From the last one on, and never at an offset: of those before it some may go. Among very
        # many of one score nothing further is read, and then more are read at once.
        if further:
            place = further[-1]
        else:
            at_once *= 2
    return found[:limit]
