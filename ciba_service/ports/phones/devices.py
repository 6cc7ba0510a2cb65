"""Enrolled phones, and the codes that enrol them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ciba_service.sca.factors.passkeys import Passkey
from ciba_service.sca.phones.devices import Device, UserTag

__all__ = [
    "Activation",
    "ActivationStore",
    "DeviceRecord",
    "DeviceStore",
]


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """A phone as operators see it."""

    device_id: str
    name: str
    enrolled_at: int


class DeviceStore(Protocol):
    """Enrolled phones of users.

    What adds or takes away a phone or a passkey keeps its notice for the user's phones in the same
    step (``ports.notices``): nothing of it is lost when the process ends right afterwards.
    """

    async def add(
        self, tag: UserTag, device: Device, jwk: dict[str, str], *, further: bool, operation: str
    ) -> Device | None:
        """Enrol; the same operation gets the phone it added before.

        None when the user has too many phones or, unless it is a ``further`` one, any.
        """
        ...

    async def find(self, device_id: str) -> Device | None:
        """An active phone with its secrets, or None."""
        ...

    async def is_active(self, device_id: str) -> bool:
        """Whether it may act."""
        ...

    async def list(self, tag: UserTag) -> Sequence[DeviceRecord]:
        """The user's active phones."""
        ...

    async def revoke(self, device_id: str, *, now: int) -> str | None:
        """Destroy its keys and secrets; its name, or None when there was no such phone."""
        ...

    async def revoke_for(
        self, asking: str, device_id: str, *, now: int, operation: str
    ) -> str | None:
        """The same, if in that very step the phone ``asking`` is enrolled itself.

        Of two phones that revoke each other at once, one stays. The same operation gets the same
        name. Raises ``sca.devices.DeviceRevoked``.
        """
        ...

    async def rename(self, device_id: str, name: str) -> None:
        """Give it another name; raises ``sca.devices.DeviceRevoked``."""
        ...

    async def change_pin(self, device: Device, pin_key: bytes, *, operation: str) -> bool:
        """Put another PIN key in place of the one that ``device`` was found with, in one step.

        The operation stays in the record as ``pin_order``. False when another change came first.
        Raises ``sca.devices.DeviceRevoked``.
        """
        ...

    async def add_passkey(self, device: Device, passkey: Passkey) -> None:
        """Register a passkey of this phone in one step; the same order again changes nothing.

        Raises ``sca.devices.DeviceRevoked``, and ``PasskeyKnown`` and ``TooManyPasskeys`` of
        ``sca.passkeys``.
        """
        ...

    async def remove_passkey(self, device_id: str, passkey_id: str, *, now: int) -> bool:
        """Forget a passkey; False when there is none. Raises ``sca.devices.DeviceRevoked``."""
        ...


@dataclass(frozen=True, slots=True)
class Activation:
    """What a code is good for: a phone of this user, and whether it may be a further one."""

    subject: str
    further: bool


class ActivationStore(Protocol):
    """Activation codes: found by keyed hash, used once."""

    async def put(
        self,
        code: str,
        activation: Activation,
        second_secret: str | None,
        *,
        until: int | None,
    ) -> bool:
        """Store a code; False when it is there already. ``until`` None: a preset, kept for good."""
        ...

    async def attempt(
        self, code: str, second_secret: str | None, *, operation: str
    ) -> Activation | None:
        """What the code is good for if it and the second secret hold.

        Each try is counted before it is looked at.

        A code another operation has used, and one with five failed tries, is as good as none.
        """
        ...
