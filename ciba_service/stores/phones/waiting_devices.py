"""Phones that wait for approval, in Redis: a record each, and a sorted set a user by their end.

They stand apart from the phones of the user, so that whoever asks for those never meets one. Their
secrets are sealed to where they wait, and sealed anew when they are approved: a record that is
moved by hand enrols nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

import msgspec

from ciba_service.ports import UnknownRecordFormat, WaitingDevice, WaitingRecord
from ciba_service.ports.phones.notices import Notice, NoticeKind
from ciba_service.sca.messages import key_thumbprint
from ciba_service.sca.phones.devices import (
    MAXIMUM_DEVICES,
    MAXIMUM_WAITING,
    Device,
    DeviceRevoked,
    UserTag,
    user_tag_of,
)
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import (
    approval_key,
    devices_key,
    enrolment_key,
    notices_key,
    waiting_device_key,
    waiting_devices_key,
)
from ciba_service.stores.operations import OPERATION_MEMORY_MS, Operations
from ciba_service.stores.phones.device_records import DeviceSeal, StoredDevice
from ciba_service.stores.phones.notices import NOTICES_PRELUDE, written
from ciba_service.stores.sealing import Sealer

__all__ = ["RedisWaitingDevices"]

_NOBODY: Final = ""

_PUT: Final = Script.load("put_waiting")
_APPROVE: Final = Script.load("approve_device", NOTICES_PRELUDE, durable=True)
_REJECT: Final = Script.load("reject_device", NOTICES_PRELUDE, durable=True)


class _Record(msgspec.Struct, frozen=True):
    v: Literal[1]
    until: int
    device: StoredDevice


class RedisWaitingDevices:
    """``ports.WaitingDeviceStore`` on Redis."""

    __slots__ = ("_operations", "_seal")

    def __init__(self, operations: Operations, sealer: Sealer) -> None:
        self._operations = operations
        self._seal = DeviceSeal(sealer)

    async def put(
        self,
        tag: UserTag,
        device: Device,
        jwk: dict[str, str],
        *,
        until: int,
        now: int,
        operation: str,
    ) -> str | None:
        """Let a phone wait."""
        key = waiting_device_key(tag, device.device_id)
        record = _Record(v=1, until=until, device=self._seal.record(key, device, jwk))
        device_id = await self._operations.evaluate(
            _PUT,
            [devices_key(tag), waiting_devices_key(tag), key, enrolment_key(tag, operation)],
            [
                device.device_id,
                msgspec.json.encode(record),
                until,
                now,
                MAXIMUM_WAITING,
                MAXIMUM_DEVICES,
                OPERATION_MEMORY_MS,
            ],
        )
        return None if device_id is None else str(device_id.decode())

    async def find(self, device_id: str, *, now: int) -> WaitingDevice | None:
        """A phone that waits, with its secrets."""
        tag = user_tag_of(device_id)
        if tag is None:
            return None
        key = waiting_device_key(tag, device_id)
        stored = await self._operations.call("GET", key)
        record = None if stored is None else _parse(stored)
        if record is None or record.until <= now:
            return None
        return WaitingDevice(self._seal.device(key, device_id, record.device), record.until)

    async def list(self, tag: UserTag, *, now: int) -> Sequence[WaitingRecord]:
        """The user's phones that wait, by their end."""
        names = await self._operations.call(
            "ZRANGEBYSCORE", waiting_devices_key(tag), f"({now}", "+inf"
        )
        device_ids = [name.decode() for name in names]
        stored = await asyncio.gather(
            *(
                self._operations.call("GET", waiting_device_key(tag, device_id))
                for device_id in device_ids
            )
        )
        return [
            _public(device_id, _parse(record))
            for device_id, record in zip(device_ids, stored, strict=True)
            if record is not None
        ]

    async def approve(
        self, device_id: str, *, key: str, asking: str, now: int, operation: str
    ) -> str | None:
        """Move the phone to those of the user, in one step."""
        tag = user_tag_of(device_id)
        if tag is None or user_tag_of(asking) != tag:
            return None
        place = waiting_device_key(tag, device_id)
        stored = await self._operations.call("GET", place)
        # Without a record only the outcome of this very operation can be found.
        before, after, name = stored or b"", b"", ""
        if stored is not None:
            record = _parse(stored)
            device = self._seal.device(place, device_id, record.device)
            if key_thumbprint(record.device.jwk) != key:
                return None
            enrolled = replace(device, enrolled_at=now)
            sealed = self._seal.record(devices_key(tag), enrolled, record.device.jwk)
            after, name = msgspec.json.encode(sealed), device.name
        notice = written(Notice(NoticeKind.ENROLLED, device_id, name))
        approved = await self._operations.evaluate(
            _APPROVE,
            _keys(tag, device_id, operation),
            [device_id, before, after, name, now, asking, OPERATION_MEMORY_MS, notice],
        )
        return _name(approved)

    async def reject(
        self, device_id: str, *, asking: str | None, now: int, operation: str
    ) -> str | None:
        """Destroy the record."""
        tag = user_tag_of(device_id)
        if tag is None or (asking is not None and user_tag_of(asking) != tag):
            return None
        rejected = await self._operations.evaluate(
            _REJECT,
            _keys(tag, device_id, operation),
            [device_id, OPERATION_MEMORY_MS, asking or _NOBODY, now],
        )
        return _name(rejected)


def _keys(tag: UserTag, device_id: str, operation: str) -> list[str]:
    return [
        devices_key(tag),
        waiting_devices_key(tag),
        waiting_device_key(tag, device_id),
        approval_key(tag, operation),
        notices_key(tag),
    ]


def _name(reply: bytes | int | None) -> str | None:
    if isinstance(reply, int):
        raise DeviceRevoked
    return None if reply is None else reply.decode()


def _public(device_id: str, record: _Record) -> WaitingRecord:
    return WaitingRecord(
        device_id=device_id,
        name=record.device.name,
        key=key_thumbprint(record.device.jwk),
        since=record.device.enrolled_at,
        until=record.until,
    )


def _parse(stored: bytes) -> _Record:
    try:
        return msgspec.json.decode(stored, type=_Record)
    except (ValueError, RecursionError) as error:
        raise UnknownRecordFormat("a phone that waits has another format") from error
