"""Enrolled phones in Redis: a hash a user; the PIN key and the OTP seed are sealed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import msgspec

from ciba_service.ports import DeviceRecord, StoreUnavailable, UnknownRecordFormat
from ciba_service.protocol.jose.keys import parse_verification_key
from ciba_service.sca.devices import (
    MAXIMUM_DEVICES,
    Device,
    DeviceRevoked,
    UserTag,
    user_tag_of,
)
from ciba_service.sca.passkeys import Passkey, with_passkey
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import (
    counts_key,
    devices_key,
    enrolment_key,
    revocation_key,
    wake_ups_key,
)
from ciba_service.stores.operations import OPERATION_MEMORY_MS, Operations
from ciba_service.stores.sealing import Sealer

__all__ = ["RedisDevices"]

_FORMAT: Final = 1

_ADD: Final = Script.load("add_device")
_REVOKE: Final = Script.load("revoke_device")
_REPLACE: Final = Script.load("replace_device")

_decoder: Final = msgspec.json.Decoder(tuple[Passkey, ...])

_NOBODY: Final = ""
_NOT_ENROLLED: Final = -1
# A record changes by its own phone's orders only, one or two at a time.
_REPLACEMENTS: Final = 5


class _Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is written; ``pin_key``, ``totp_secret`` and ``passkeys`` are sealed and in base64.

    No secret is in the passkeys: they are sealed so that nobody writes another key into the store.
    """

    v: Literal[1]
    subject: str
    name: str
    enrolled_at: int
    jwk: dict[str, str]
    pin_key: bytes
    totp_secret: bytes
    pin_order: str = ""
    passkeys: bytes = b""


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
            pin_order=record.pin_order,
            passkeys=self._passkeys(device_id, record),
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

    async def revoke(self, device_id: str) -> str | None:
        """Destroy its keys and secrets: the operator's act, or the phone's own."""
        return await self._revoke(device_id, _NOBODY, self._new_operation())

    async def revoke_for(self, asking: str, device_id: str, *, operation: str) -> str | None:
        """Destroy keys and secrets of another phone of the same user."""
        return await self._revoke(device_id, asking, operation)

    async def _revoke(self, device_id: str, asking: str, operation: str) -> str | None:
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
            ],
            [device_id, OPERATION_MEMORY_MS, asking],
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
            record = _parse(stored)
            if record.pin_order != device.pin_order:
                return record.pin_order == operation
            owner = _owner(device.device_id, record.subject, record.jwk)
            sealed = self._seal(devices_key(device.tag), "pin_key", owner, pin_key)
            if await self._replace(device.device_id, stored, pin_key=sealed, pin_order=operation):
                return True
        raise StoreUnavailable

    async def add_passkey(self, device: Device, passkey: Passkey) -> None:
        """Register it beside those that the phone has at that moment."""
        for _ in range(_REPLACEMENTS):
            stored = await self._stored(device.device_id)
            held = with_passkey(self._passkeys(device.device_id, _parse(stored)), passkey)
            if await self._replace_passkeys(device.device_id, stored, held):
                return
        raise StoreUnavailable

    async def remove_passkey(self, device_id: str, passkey_id: str) -> bool:
        """Forget it, and then what it counted."""
        for _ in range(_REPLACEMENTS):
            stored = await self._stored(device_id)
            held = self._passkeys(device_id, _parse(stored))
            kept = tuple(each for each in held if each.passkey_id != passkey_id)
            if kept == held:
                return False
            if await self._replace_passkeys(device_id, stored, kept):
                tag = user_tag_of(device_id) or ""
                await self._operations.call("HDEL", counts_key(tag, device_id), passkey_id)
                return True
        raise StoreUnavailable

    async def _replace_passkeys(
        self, device_id: str, stored: bytes, held: tuple[Passkey, ...]
    ) -> bool:
        record = _parse(stored)
        sealed = self._seal(
            _key_of(device_id),
            "passkeys",
            _owner(device_id, record.subject, record.jwk),
            msgspec.json.encode(held),
        )
        return await self._replace(device_id, stored, passkeys=sealed)

    def _passkeys(self, device_id: str, record: _Record) -> tuple[Passkey, ...]:
        if not record.passkeys:
            return ()
        owner = _owner(device_id, record.subject, record.jwk)
        opened = self._open(_key_of(device_id), "passkeys", owner, record.passkeys)
        return _decoder.decode(opened)

    async def _stored(self, device_id: str) -> bytes:
        tag = user_tag_of(device_id)
        stored = (
            None
            if tag is None
            else await self._operations.call("HGET", devices_key(tag), device_id)
        )
        if stored is None:
            raise DeviceRevoked
        return bytes(stored)

    async def _replace(self, device_id: str, stored: bytes, **changes: Any) -> bool:  # noqa: ANN401 - members of a record
        record = msgspec.structs.replace(_parse(stored), **changes)
        replaced = await self._operations.evaluate(
            _REPLACE, [_key_of(device_id)], [device_id, stored, msgspec.json.encode(record)]
        )
        return bool(replaced)

    def _seal(self, key: str, name: str, owner: str, secret: bytes) -> bytes:
        return self._sealer.seal(secret, key=key, name=name, owner=owner)

    def _open(self, key: str, name: str, owner: str, sealed: bytes) -> bytes:
        return self._sealer.open(sealed, key=key, name=name, owner=owner)


def _key_of(device_id: str) -> str:
    tag = user_tag_of(device_id)
    if tag is None:
        raise AssertionError("it was found")
    return devices_key(tag)


def _owner(device_id: str, subject: str, jwk: dict[str, str]) -> str:
    """What secrets are sealed to: who changes user or key in the store gets none of them."""
    return msgspec.json.encode((device_id, subject, jwk), order="sorted").decode()


def _parse(stored: bytes) -> _Record:
    try:
        return msgspec.json.decode(stored, type=_Record)
    except ValueError as error:
        raise UnknownRecordFormat("a phone has another format") from error
