"""Login handles in Redis.

Under its keyed hash stands, sealed, whom a handle was made for: who changes the store cannot give
it to another user. Whether it counts is said by a set in the slot of its user, beside the phones,
so that few count at once and each is used once, in one script.
"""

import asyncio
from typing import Final, Literal

import msgspec

from ciba_service.ports import HandleReservation, PresentedHandle
from ciba_service.sca.phones.devices import Device, user_tag
from ciba_service.sca.phones.login_handles import HANDLE_LIMIT
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import (
    attempts_key,
    devices_key,
    handle_key,
    handle_use_key,
    handles_key,
)
from ciba_service.stores.operations import OPERATION_MEMORY_MS, Operations
from ciba_service.stores.sealing import Sealer

__all__ = ["RedisLoginHandles"]

_FORMAT: Final = 1
# So that a host whose clock is behind that of Redis does not lose the end of a handle's life.
_MARGIN_MS: Final = 60_000

_RESERVE: Final = Script.load("reserve_handle")
_USE: Final = Script.load("use_handle", durable=True)


class _Record(msgspec.Struct, frozen=True):
    """What is sealed: whose handle it is, and which phone has it."""

    v: Literal[1]
    subject: str
    device_id: str


class RedisLoginHandles:
    """``ports.LoginHandleStore`` on Redis."""

    __slots__ = ("_attempt_limit", "_operations", "_sealer")

    def __init__(self, operations: Operations, sealer: Sealer, *, attempt_limit: int) -> None:
        self._attempt_limit = attempt_limit
        self._operations = operations
        self._sealer = sealer

    async def reserve(
        self, handle: str, device: Device, *, now: int, until: int
    ) -> HandleReservation:
        """Both halves in one round trip: neither is worth anything without the other."""
        lookup = self._lookup(handle)
        key, tag = handle_key(lookup), device.tag
        record = _Record(v=_FORMAT, subject=device.subject, device_id=device.device_id)
        sealed = self._sealer.seal(msgspec.json.encode(record), key=key, name="handle")
        reply, _ = await asyncio.gather(
            self._operations.evaluate(
                _RESERVE,
                [handles_key(tag), devices_key(tag), attempts_key(tag)],
                [lookup, device.device_id, now, until, HANDLE_LIMIT, self._attempt_limit],
            ),
            self._operations.call("SET", key, sealed, "PXAT", until + _MARGIN_MS),
        )
        return HandleReservation(reply.decode())

    async def find(self, handle: str) -> PresentedHandle | None:
        """Whom it was made for."""
        lookup = self._lookup(handle)
        key = handle_key(lookup)
        sealed = await self._operations.call("GET", key)
        if sealed is None:
            return None
        # What opens is as it was written.
        opened = self._sealer.open(sealed, key=key, name="handle")
        record = msgspec.json.decode(opened, type=_Record)
        return PresentedHandle(lookup, record.subject, record.device_id)

    async def use(self, presented: PresentedHandle, *, operation: str, now: int) -> bool:
        """Take it out of the set."""
        tag = user_tag(presented.subject)
        used = await self._operations.evaluate(
            _USE,
            [handles_key(tag), devices_key(tag), handle_use_key(tag, operation)],
            [presented.lookup, presented.device_id, now, OPERATION_MEMORY_MS],
        )
        return bool(used)

    def _lookup(self, handle: str) -> str:
        return self._sealer.keyed_hash("ciba-login-handle", handle)
