"""One-time names of users, made by their phones."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ciba_service.sca.phones.devices import Device

__all__ = ["HandleReservation", "LoginHandleStore", "PresentedHandle"]


class HandleReservation(StrEnum):
    """Whether a handle counts now, or why it never will."""

    RESERVED = "reserved"
    NO_DEVICE = "no_device"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class PresentedHandle:
    """What a handle was made for; ``lookup`` is its keyed hash. It may not count any more."""

    lookup: str
    subject: str
    device_id: str


class LoginHandleStore(Protocol):
    """Handles, found by keyed hash; whether one counts is known beside the user's phones."""

    async def reserve(
        self, handle: str, device: Device, *, now: int, until: int
    ) -> HandleReservation:
        """Let it count until ``until``, in the place of the oldest when there are too many.

        In one step with the look at the phone, which must be enrolled, and at the user's lock.
        """
        ...

    async def find(self, handle: str) -> PresentedHandle | None:
        """What it was made for, or None; says nothing of whether it still counts."""
        ...

    async def use(self, presented: PresentedHandle, *, operation: str, now: int) -> bool:
        """Use it up; False unless it counts and its phone is still enrolled. In one step.

        The same operation gets the same answer again.
        """
        ...
