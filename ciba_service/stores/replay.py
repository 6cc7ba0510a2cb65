"""Identifiers that may be used once: assertions, request objects, proofs."""

from typing import Final

from ciba_service.ports import ReplayKind
from ciba_service.stores.keys import replay_key
from ciba_service.stores.operations import Operations

__all__ = ["MARGIN_MS", "RedisReplays"]

MARGIN_MS: Final = 60_000


class RedisReplays:
    """``ports.ReplayStore`` on Redis: one key an identifier, holding the operation that used it."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def reserve(
        self, kind: ReplayKind, owner: str, identifier: str, *, operation: str, until: int
    ) -> bool:
        """Claim for this operation; ``until`` is in milliseconds."""
        key, end = replay_key(kind, owner, identifier), until + MARGIN_MS
        if await self._operations.call_durably("SET", key, operation, "NX", "PXAT", end):
            return True
        # Taken: by another operation, or by this one, whose first reply was lost.
        return bool(await self._operations.call_durably("GET", key) == operation.encode())
