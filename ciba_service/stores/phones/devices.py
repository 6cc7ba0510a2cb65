"""Enrolled phones in Redis: a hash a user; the PIN key and the OTP seed are sealed."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from ciba_service.ports import DeviceRecord, StoreUnavailable
from ciba_service.ports.phones.notices import Notice, NoticeKind
from ciba_service.sca.factors.passkeys import Passkey, PasskeyKnown, with_passkey
from ciba_service.sca.phones.devices import (
    MAXIMUM_DEVICES,
    Device,
    DeviceRevoked,
    UserTag,
    user_tag_of,
)
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import (
    counts_key,
    devices_key,
    enrolment_key,
    notices_key,
    removal_key,
    revocation_key,
    wake_ups_key,
)
from ciba_service.stores.operations import OPERATION_MEMORY_MS, Operations
from ciba_service.stores.phones.device_records import DeviceSeal, parse_device
from ciba_service.stores.phones.notices import NOTICES_PRELUDE, written
from ciba_service.stores.sealing import Sealer

__all__ = ["RedisDevices"]

_ADD: Final = Script.load("add_device", NOTICES_PRELUDE, durable=True)
_REVOKE: Final = Script.load("revoke_device", NOTICES_PRELUDE, durable=True)
_REPLACE: Final = Script.load("replace_device", NOTICES_PRELUDE, durable=True)

_NOBODY: Final = ""
_NOT_ENROLLED: Final = -1
_NO_NOTICE: Final = (b"", 0)
# A record changes by its own phone's orders only, one or two at a time.
_REPLACEMENTS: Final = 5


class RedisDevices:
    """``ports.DeviceStore`` on Redis."""

    __slots__ = ("_new_operation", "_operations", "_seal")

    def __init__(
        self, operations: Operations, sealer: Sealer, new_operation: Callable[[], str]
    ) -> None:
        self._operations = operations
        self._seal = DeviceSeal(sealer)
        self._new_operation = new_operation

    async def add(
        self, tag: UserTag, device: Device, jwk: dict[str, str], *, further: bool, operation: str
    ) -> Device | None:
        """Enrol; None when the user has as many phones as this one may join."""
        key = devices_key(tag)
        record = self._seal.record(key, device, jwk)
        notice = Notice(NoticeKind.ENROLLED, device.device_id, device.name)
        device_id = await self._operations.evaluate(
            _ADD,
            [key, enrolment_key(tag, operation), notices_key(tag)],
            [
                device.device_id,
                msgspec.json.encode(record),
                MAXIMUM_DEVICES if further else 1,
                OPERATION_MEMORY_MS,
                written(notice),
                device.enrolled_at,
            ],
        )
        return None if device_id is None else await self.find(device_id.decode())

    async def find(self, device_id: str) -> Device | None:
        """An active phone with its secrets."""
        tag = user_tag_of(device_id)
        if tag is None:
            return None
        key = devices_key(tag)
        stored = await self._operations.call("HGET", key, device_id)
        if stored is None:
            return None
        return self._seal.device(key, device_id, parse_device(stored))

    async def is_active(self, device_id: str) -> bool:
        """Whether it may act."""
        tag = user_tag_of(device_id)
        return tag is not None and bool(
            await self._operations.call("HEXISTS", devices_key(tag), device_id)
        )

    async def list(self, tag: UserTag) -> Sequence[DeviceRecord]:
        """The user's active phones, oldest first."""
        stored = await self._operations.call("HGETALL", devices_key(tag))
        records = [
            DeviceRecord(device_id.decode(), record.name, record.enrolled_at)
            for device_id, record in ((name, parse_device(value)) for name, value in stored.items())
        ]
        return sorted(records, key=lambda record: record.enrolled_at)

    async def revoke(self, device_id: str, *, now: int) -> str | None:
        """Destroy its keys and secrets: the operator's act, or the phone's own."""
        return await self._revoke(device_id, _NOBODY, now, self._new_operation())

    async def revoke_for(
        self, asking: str, device_id: str, *, now: int, operation: str
    ) -> str | None:
        """Destroy keys and secrets of another phone of the same user."""
        return await self._revoke(device_id, asking, now, operation)

    async def _revoke(self, device_id: str, asking: str, now: int, operation: str) -> str | None:
        tag = user_tag_of(device_id)
        if tag is None or (asking != _NOBODY and user_tag_of(asking) != tag):
            return None
        name = await self._operations.evaluate(
            _REVOKE,
            [
                devices_key(tag),
                revocation_key(tag, operation),
                counts_key(tag, device_id),
                wake_ups_key(tag),
                notices_key(tag),
            ],
            [device_id, OPERATION_MEMORY_MS, asking, now],
        )
        if name == _NOT_ENROLLED:
            raise DeviceRevoked
        return None if name is None else str(name.decode())

    async def rename(self, device_id: str, name: str) -> None:
        """Give it another name, whatever else changes at the same time."""
        for _ in range(_REPLACEMENTS):
            stored = await self._stored(device_id)
            if await self._replace(device_id, stored, name=name):
                return
        raise StoreUnavailable

    async def change_pin(self, device: Device, pin_key: bytes, *, operation: str) -> bool:
        """Put another PIN key in place of the one that ``device`` was found with."""
        for _ in range(_REPLACEMENTS):
            stored = await self._stored(device.device_id)
            record = parse_device(stored)
            if record.pin_order != device.pin_order:
                return record.pin_order == operation
            key = devices_key(device.tag)
            sealed = self._seal.pin_key(key, device.device_id, record, pin_key)
            if await self._replace(device.device_id, stored, pin_key=sealed, pin_order=operation):
                return True
        raise StoreUnavailable

    async def add_passkey(self, device: Device, passkey: Passkey) -> None:
        """Register it beside those that the phone has at that moment."""
        for _ in range(_REPLACEMENTS):
            stored = await self._stored(device.device_id)
            # After the record: one that is removed from now on makes the replacement fail.
            if await self._operations.call("EXISTS", removal_key(device.tag, passkey.order)):
                raise PasskeyKnown
            held = with_passkey(self._passkeys(device.device_id, stored), passkey)
            added = (NoticeKind.PASSKEY_ADDED, passkey.passkey_id, passkey.registered_at)
            if await self._replace_passkeys(device.device_id, stored, held, added):
                return
        raise StoreUnavailable

    async def remove_passkey(self, device_id: str, passkey_id: str, *, now: int) -> bool:
        """Forget it, and then what it counted; the order that registered it does so no more."""
        for _ in range(_REPLACEMENTS):
            stored = await self._stored(device_id)
            held = self._passkeys(device_id, stored)
            removed = next((each for each in held if each.passkey_id == passkey_id), None)
            if removed is None:
                return False
            tag = user_tag_of(device_id) or ""
            await self._operations.call_durably(
                "SET", removal_key(tag, removed.order), "1", "PX", OPERATION_MEMORY_MS
            )
            kept = tuple(each for each in held if each is not removed)
            gone = (NoticeKind.PASSKEY_REMOVED, passkey_id, now)
            if await self._replace_passkeys(device_id, stored, kept, gone):
                await self._operations.call("HDEL", counts_key(tag, device_id), passkey_id)
                return True
        raise StoreUnavailable

    async def _replace_passkeys(
        self,
        device_id: str,
        stored: bytes,
        held: tuple[Passkey, ...],
        what: tuple[NoticeKind, str, int],
    ) -> bool:
        record, (kind, passkey_id, at) = parse_device(stored), what
        sealed = self._seal.passkeys(_key_of(device_id), device_id, record, held)
        notice = written(Notice(kind, device_id, record.name, passkey_id))
        return await self._replace(device_id, stored, (notice, at), passkeys=sealed)

    def _passkeys(self, device_id: str, stored: bytes) -> tuple[Passkey, ...]:
        return self._seal.held_passkeys(_key_of(device_id), device_id, parse_device(stored))

    async def _stored(self, device_id: str) -> bytes:
        tag = user_tag_of(device_id)
        stored = (
            None
            if tag is None
            else await self._operations.call_durably("HGET", devices_key(tag), device_id)
        )
        if stored is None:
            raise DeviceRevoked
        return bytes(stored)

    async def _replace(
        self,
        device_id: str,
        stored: bytes,
        notice: tuple[bytes, int] = _NO_NOTICE,
        **changes: Any,  # noqa: ANN401 - members of a record
    ) -> bool:
        record = msgspec.structs.replace(parse_device(stored), **changes)
        replaced = await self._operations.evaluate(
            _REPLACE,
            [_key_of(device_id), notices_key(user_tag_of(device_id) or "")],
            [device_id, stored, msgspec.json.encode(record), *notice],
        )
        return bool(replaced)


def _key_of(device_id: str) -> str:
    tag = user_tag_of(device_id)
    if tag is None:
        raise AssertionError("it was found")
    return devices_key(tag)
