"""Sessions of operators in Redis: a sorted set a token, by their end, so that they heal."""

from typing import Final

from ciba_service.protocol.operators.sessions import MOST_SESSIONS
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import operator_sessions_key
from ciba_service.stores.operations import Operations

__all__ = ["RedisOperatorSessions"]

_OPEN: Final = Script.load("open_session")


class RedisOperatorSessions:
    """``ports.OperatorSessionStore`` on Redis: hashes of sessions, nothing that opens one."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def open(self, fingerprint: str, session: str, *, now: int, until: int) -> None:
        """Keep one, and the newest of the others."""
        await self._operations.evaluate(
            _OPEN, [operator_sessions_key(fingerprint)], [session, now, until, MOST_SESSIONS]
        )

    async def until(self, fingerprint: str, session: str, *, now: int) -> int | None:
        """One round trip."""
        end = await self._operations.call("ZSCORE", operator_sessions_key(fingerprint), session)
        return int(float(end)) if end is not None and float(end) > now else None

    async def close(self, fingerprint: str, session: str) -> None:
        """End it."""
        await self._operations.call_durably("ZREM", operator_sessions_key(fingerprint), session)
