"""How a phone is written: its public members as they are, PIN key and OTP seed sealed."""

from dataclasses import replace
from typing import Final, Literal

import msgspec

from ciba_service.ports import UnknownRecordFormat
from ciba_service.protocol.jose.keys import parse_verification_key
from ciba_service.sca.factors.passkeys import Passkey
from ciba_service.sca.phones.devices import Device
from ciba_service.stores.sealing import Sealer

__all__ = ["DeviceSeal", "StoredDevice", "parse_device"]

_FORMAT: Final = 1
_decoder: Final = msgspec.json.Decoder(tuple[Passkey, ...])


class StoredDevice(msgspec.Struct, frozen=True, omit_defaults=True):
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


class DeviceSeal:
    """Seals phones' secrets to the key they stand in, to phone, user and public key."""

    __slots__ = ("_sealer",)

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def record(self, key: str, device: Device, jwk: dict[str, str]) -> StoredDevice:
        """The record of a phone that has no passkeys yet, for one Redis key."""
        owner = _owner(device.device_id, device.subject, jwk)
        return StoredDevice(
            v=_FORMAT,
            subject=device.subject,
            name=device.name,
            enrolled_at=device.enrolled_at,
            jwk=jwk,
            pin_key=self._sealer.seal(device.pin_key, key=key, name="pin_key", owner=owner),
            totp_secret=self._sealer.seal(
                device.totp_secret.encode(), key=key, name="totp_secret", owner=owner
            ),
            pin_order=device.pin_order,
        )

    def device(self, key: str, device_id: str, record: StoredDevice) -> Device:
        """The phone of a record; raises ``SealingError``."""
        # First of all: what opens is as it was written, so that the key must be one.
        owner = _owner(device_id, record.subject, record.jwk)
        pin_key = self._sealer.open(record.pin_key, key=key, name="pin_key", owner=owner)
        totp_secret = self._sealer.open(
            record.totp_secret, key=key, name="totp_secret", owner=owner
        )
        return Device(
            device_id=device_id,
            subject=record.subject,
            name=record.name,
            enrolled_at=record.enrolled_at,
            key=replace(parse_verification_key(record.jwk), kid=device_id),
            pin_key=pin_key,
            totp_secret=totp_secret.decode(),
            pin_order=record.pin_order,
            passkeys=self.held_passkeys(key, device_id, record),
        )

    def pin_key(self, key: str, device_id: str, record: StoredDevice, pin_key: bytes) -> bytes:
        """Another PIN key, sealed for a record that is there."""
        owner = _owner(device_id, record.subject, record.jwk)
        return self._sealer.seal(pin_key, key=key, name="pin_key", owner=owner)

    def passkeys(
        self, key: str, device_id: str, record: StoredDevice, held: tuple[Passkey, ...]
    ) -> bytes:
        """Passkeys, sealed for a record that is there."""
        owner = _owner(device_id, record.subject, record.jwk)
        return self._sealer.seal(msgspec.json.encode(held), key=key, name="passkeys", owner=owner)

    def held_passkeys(self, key: str, device_id: str, record: StoredDevice) -> tuple[Passkey, ...]:
        """The passkeys of a record; raises ``SealingError``."""
        if not record.passkeys:
            return ()
        owner = _owner(device_id, record.subject, record.jwk)
        opened = self._sealer.open(record.passkeys, key=key, name="passkeys", owner=owner)
        return _decoder.decode(opened)


def parse_device(stored: bytes) -> StoredDevice:
    """Read a record; raises ``UnknownRecordFormat``."""
    try:
        return msgspec.json.decode(stored, type=StoredDevice)
    except (ValueError, RecursionError) as error:
        raise UnknownRecordFormat("a phone has another format") from error


def _owner(device_id: str, subject: str, jwk: dict[str, str]) -> str:
    """What secrets are sealed to: who changes user or key in the store gets none of them."""
    return msgspec.json.encode((device_id, subject, jwk), order="sorted").decode()
