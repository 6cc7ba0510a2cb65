"""Phones without a socket: where they can be woken, and who does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ciba_service.ports.due.due import DueWork
from ciba_service.ports.outbound import OutboundFailure, OutboundResponse
from ciba_service.sca.phones.devices import UserTag
from ciba_service.sca.phones.wake_up import PushAddress

__all__ = ["SleepingPhone", "WakeUp", "WakeUpCall", "WakeUpRound", "WakeUpStore"]


@dataclass(frozen=True, slots=True)
class SleepingPhone:
    """An enrolled phone and, if it named one, the address at which it can be woken."""

    device_id: str
    address: PushAddress | None = None


@dataclass(frozen=True, slots=True)
class WakeUpCall:
    """The prompt that phones are woken for; ``expires_at`` is in milliseconds."""

    transaction_id: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class WakeUpRound:
    """Who is still to be woken for a prompt, after so many ``attempts``."""

    call: WakeUpCall
    attempts: int
    phones: Sequence[SleepingPhone]


class WakeUp(Protocol):
    """Reaches phones through whatever wakes them."""

    def reaches(self, phone: SleepingPhone) -> bool:
        """Whether there is a way to this phone."""
        ...

    def uses_address(self, phone: SleepingPhone) -> bool:
        """Whether the way is the address that the phone named."""
        ...

    async def wake(
        self, phone: SleepingPhone, call: WakeUpCall
    ) -> OutboundResponse | OutboundFailure:
        """Make one attempt, which tells the phone to look and nothing else.

        Raises:
            SignerUnavailable: when nothing could be sent.
        """
        ...


class WakeUpStore(Protocol):
    """Addresses of phones, and who was woken for which prompt."""

    async def put(self, device_id: str, address: PushAddress) -> None:
        """Keep it in place of the one before; raises ``sca.devices.DeviceRevoked``."""
        ...

    async def has(self, device_id: str) -> bool:
        """Whether the phone has an address."""
        ...

    async def drop(self, device_id: str, *, only: PushAddress | None = None) -> None:
        """Forget the address of a phone; with ``only`` unless it is another one by now."""
        ...

    async def phones(self, tag: UserTag) -> Sequence[SleepingPhone]:
        """Every enrolled phone of a user."""
        ...

    async def round(self, transaction_id: str, *, now: int) -> WakeUpRound | None:
        """Who is to be woken now: no phone that was before, and none that has the challenge.

        None when the transaction is not pending any more.
        """
        ...

    async def note(
        self, work: DueWork, done: WakeUpRound, *, settled: Sequence[str], again_at: int | None
    ) -> bool:
        """Write down which phones need no more attempts, and when the others get one.

        With ``again_at`` None nobody tries any more. False when another process has the lease.
        """
        ...
