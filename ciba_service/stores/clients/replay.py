"""Identifiers that may be used once: assertions, request objects, proofs.

Thousands are used a second and each is read again only by a replay, so that what is kept of one is
16 bytes of its hash and the mark of its operation, in a hash with many others. That lives as long
as any in it has to. Once the one before it has faded it takes its place and a new one is begun, so
that an identifier is kept for up to twice its time and no longer. Few are good for more than some
minutes; they are kept apart, lest one keep a thousand others.
"""

import hashlib
from typing import Final

from ciba_service.ports import Clock, ReplayKind
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import REPLAY_PARTITIONS, replay_keys
from ciba_service.stores.operations import Operations, operation_mark

__all__ = ["LASTING_MS", "MARGIN_MS", "RedisReplays"]

MARGIN_MS: Final = 60_000
LASTING_MS: Final = 420_000
"""What has to be kept for longer is kept apart: more than client assertions and proofs live."""

_USE: Final = Script.load("use_identifier", durable=True)
_IDENTIFIER_BYTES: Final = 16
_USED, _LASTING = 1, 3
_KEYS: Final = tuple(map(replay_keys, range(REPLAY_PARTITIONS)))


class RedisReplays:
    """``ports.ReplayStore`` on Redis."""

    __slots__ = ("_clock", "_operations")

    def __init__(self, operations: Operations, clock: Clock) -> None:
        self._operations = operations
        self._clock = clock

    async def reserve(
        self, kind: ReplayKind, owner: str, identifier: str, *, operation: str, until: int
    ) -> bool:
        """Claim for this operation; ``until`` is in milliseconds."""
        name = hashlib.sha256(f"{kind}\0{owner}\0{identifier}".encode()).digest()
        end = until + MARGIN_MS
        used = await self._operations.evaluate(
            _USE,
            _KEYS[int.from_bytes(name[-2:], "big") % REPLAY_PARTITIONS],
            (
                name[:_IDENTIFIER_BYTES],
                operation_mark(operation),
                end,
                _LASTING if end - self._clock.now_ms() > LASTING_MS else _USED,
            ),
        )
        return bool(used)
