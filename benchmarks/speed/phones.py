"""The phones of the users of a benchmark: enrolled in the store at once, all with one key."""

import asyncio
import hashlib
import secrets
import time
from typing import Final

from benchmarks.speed.names import USERS, user_name
from benchmarks.speed.signing import Es256Key, base64url
from ciba_service.ports import DeviceStore
from ciba_service.protocol.jose.keys import parse_verification_key
from ciba_service.sca.messages import DECISION_TYP
from ciba_service.sca.phones.devices import Device, new_device_id, user_tag

__all__ = ["Phones"]

_AT_ONCE: Final = 20


class Phones:
    """What phones of the benchmark have in common."""

    def __init__(self, key: Es256Key) -> None:
        self.key = key
        self._public = parse_verification_key(key.public())

    def device(self, subject: str) -> Device:
        """The phone of a user, whose name follows from the user's."""
        name = hashlib.shake_256(subject.encode("ascii"))
        return Device(
            device_id=new_device_id(user_tag(subject), name.digest),
            subject=subject,
            name="Phone",
            enrolled_at=time.time_ns() // 1_000_000,
            key=self._public,
            pin_key=secrets.token_bytes(32),
            totp_secret="A" * 32,
        )

    async def enrol_all(self, devices: DeviceStore) -> None:
        """One for each user, some hundreds at a time."""
        for first in range(0, USERS, _AT_ONCE):
            await asyncio.gather(
                *(self._enrol(devices, user_name(n)) for n in range(first, first + _AT_ONCE))
            )

    async def _enrol(self, devices: DeviceStore, subject: str) -> None:
        device = self.device(subject)
        operation = secrets.token_urlsafe(16)
        await devices.add(device.tag, device, self.key.public(), further=False, operation=operation)

    def decision(self) -> str:
        """A decision of the usual size; who verifies it learns that it is about nothing."""
        claims = {
            "iss": base64url(bytes(32)),
            "aud": "http://127.0.0.1:4100",
            "jti": base64url(bytes(16)),
            "iat": 0,
            "transaction_id": base64url(bytes(16)),
            "challenge_hash": base64url(bytes(32)),
            "verdict": "approve",
            "factors": "A" * 500,
        }
        return self.key.sign(self.key.header(typ=DECISION_TYP, kid="a" * 43), claims)
