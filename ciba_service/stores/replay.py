"""Identifiers that may be used once: assertions, request objects, device proofs."""

from ciba_service.stores.keys import replay_key
from ciba_service.stores.operations import Operations

__all__ = ["RedisReplays"]


class RedisReplays:
    """``ports.ReplayStore`` on Redis: one key an identifier, holding the operation that used it."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def reserve(
        self, kind: str, owner: str, identifier: str, *, operation: str, until: int
    ) -> bool:
        """Claim for this operation; ``until`` is in milliseconds."""
        key = replay_key(kind, owner, identifier)
        if await self._operations.call("SET", key, operation, "NX", "PXAT", until):
            return True
        # Taken: by another operation, or by this one, whose first reply was lost.
        return bool(await self._operations.call("GET", key) == operation.encode())
