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
    start = "-inf" if after is None else after[0]
    offset = 0
    while len(found) < limit:
        flat = await operations.call(
            "ZRANGE", key, start, "+inf", "BYSCORE", "LIMIT", offset, _AT_ONCE, "WITHSCORES"
        )
        read = [
            (int(float(score)), member) for member, score in zip(flat[::2], flat[1::2], strict=True)
        ]
        found += [
            each for each in read if each[1].startswith(prefix) and (after is None or each > after)
        ]
        if len(read) < _AT_ONCE:
            break
        offset += _AT_ONCE
    return found[:limit]
