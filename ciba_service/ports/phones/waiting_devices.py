"""Further phones of a user, until another one approves them (PSD2 RTS art. 24(2)(b))."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ciba_service.sca.phones.devices import Device, UserTag

__all__ = ["WaitingDevice", "WaitingDeviceStore", "WaitingRecord"]


@dataclass(frozen=True, slots=True)
class WaitingDevice:
    """A phone that may do nothing yet, with its secrets; it waits ``until``."""

    device: Device
    until: int


@dataclass(frozen=True, slots=True)
class WaitingRecord:
    """The same as other phones are told of it; ``key`` is the thumbprint of its key."""

    device_id: str
    name: str
    key: str
    since: int
    until: int


class WaitingDeviceStore(Protocol):
    """Phones that wait; none of them is enrolled, and each is forgotten in time.

    Approving and turning away keep their notices in the same step, as ``DeviceStore`` does.
    """

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
        """Let a phone wait; the id of the one that this operation put, now or before.

        None when the user has no phone that could approve it, or too many in all.
        """
        ...

    async def find(self, device_id: str, *, now: int) -> WaitingDevice | None:
        """A phone that waits, or None."""
        ...

    async def list(self, tag: UserTag, *, now: int) -> Sequence[WaitingRecord]:
        """The user's phones that wait, the one whose time ends first at the head."""
        ...

    async def approve(
        self, device_id: str, *, key: str, asking: str, now: int, operation: str
    ) -> str | None:
        """Enrol a phone with this key, if the phone ``asking`` is enrolled in that very step.

        Its name; None when no such phone waits. The same operation gets the same name. Raises
        ``sca.devices.DeviceRevoked`` for the one that asks.
        """
        ...

    async def reject(
        self, device_id: str, *, asking: str | None, now: int, operation: str
    ) -> str | None:
        """Destroy keys and secrets of a phone that waits; as ``approve``, for an operator None."""
        ...
