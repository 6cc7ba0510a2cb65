"""Enrolled phones in Redis: a hash a user; the PIN key and the OTP seed are sealed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Literal

import msgspec

from ciba_service.ports import DeviceRecord, UnknownRecordFormat
from ciba_service.protocol.jose.keys import parse_verification_key
from ciba_service.sca.devices import MAXIMUM_DEVICES, Device, UserTag, user_tag_of
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import devices_key, enrolment_key, revocation_key
from ciba_service.stores.operations import OPERATION_MEMORY_MS, Operations
from ciba_service.stores.sealing import Sealer

__all__ = ["RedisDevices"]

_FORMAT: Final = 1

_ADD: Final = Script.load("add_device")
_REVOKE: Final = Script.load("revoke_device")


class _Record(msgspec.Struct, frozen=True):
    """What is written; ``pin_key`` and ``totp_secret`` are sealed and in base64."""

    v: Literal[1]
    subject: str
    name: str
    enrolled_at: int
    jwk: dict[str, str]
    pin_key: bytes
    totp_secret: bytes


class RedisDevices:
    """``ports.DeviceStore`` on Redis."""

    __slots__ = ("_new_operation", "_operations", "_sealer")

    def __init__(
        self, operations: Operations, sealer: Sealer, new_operation: Callable[[], str]
    ) -> None:
        self._operations = operations
        self._sealer = sealer
        self._new_operation = new_operation

    async def add(
        self, tag: UserTag, device: Device, jwk: dict[str, str], *, further: bool, operation: str
    ) -> Device | None:
        """Enrol; None when the user has as many phones as this one may join."""
        key = devices_key(tag)
        owner = _owner(device.device_id, device.subject, jwk)
        record = _Record(
            v=_FORMAT,
            subject=device.subject,
            name=device.name,
            enrolled_at=device.enrolled_at,
            jwk=jwk,
            pin_key=self._seal(key, "pin_key", owner, device.pin_key),
            totp_secret=self._seal(key, "totp_secret", owner, device.totp_secret.encode()),
        )
        device_id = await self._operations.evaluate(
            _ADD,
            [key, enrolment_key(tag, operation)],
            [
                device.device_id,
                msgspec.json.encode(record),
                MAXIMUM_DEVICES if further else 1,
                OPERATION_MEMORY_MS,
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
        record = _parse(stored)
        # First of all: what opens is as it was written, so that the key must be one.
        owner = _owner(device_id, record.subject, record.jwk)
        pin_key = self._open(key, "pin_key", owner, record.pin_key)
        totp_secret = self._open(key, "totp_secret", owner, record.totp_secret)
        return Device(
            device_id=device_id,
            subject=record.subject,
            name=record.name,
            enrolled_at=record.enrolled_at,
            key=replace(parse_verification_key(record.jwk), kid=device_id),
            pin_key=pin_key,
            totp_secret=totp_secret.decode(),
        )

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
            for device_id, record in ((name, _parse(value)) for name, value in stored.items())
        ]
        return sorted(records, key=lambda record: record.enrolled_at)

    async def revoke(self, device_id: str) -> bool:
        """Destroy its keys and secrets."""
        tag = user_tag_of(device_id)
        if tag is None:
            return False
        revoked = await self._operations.evaluate(
            _REVOKE,
            [devices_key(tag), revocation_key(tag, self._new_operation())],
            [device_id, OPERATION_MEMORY_MS],
        )
        return bool(revoked)

    def _seal(self, key: str, name: str, owner: str, secret: bytes) -> bytes:
        return self._sealer.seal(secret, key=key, name=name, owner=owner)

    def _open(self, key: str, name: str, owner: str, sealed: bytes) -> bytes:
        return self._sealer.open(sealed, key=key, name=name, owner=owner)


def _owner(device_id: str, subject: str, jwk: dict[str, str]) -> str:
    """What secrets are sealed to: who changes user or key in the store gets none of them."""
    return msgspec.json.encode((device_id, subject, jwk), order="sorted").decode()


def _parse(stored: bytes) -> _Record:
    try:
        return msgspec.json.decode(stored, type=_Record)
    except ValueError as error:
        raise UnknownRecordFormat("a phone has another format") from error
