"""What an authenticated phone is answered, whichever way its message came."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar, assert_never

from ciba_service.flow.deciding.decision import Decisions
from ciba_service.flow.deciding.open_challenges import OpenChallenges
from ciba_service.flow.deciding.receipts import Receipts
from ciba_service.flow.due.wake_up_addresses import WakeUpAddresses
from ciba_service.flow.phones.device_approval import DeviceApproval
from ciba_service.flow.phones.device_orders import DeviceOrders
from ciba_service.flow.phones.key_announcements import KeyAnnouncements
from ciba_service.flow.phones.lasting_accesses import LastingAccesses
from ciba_service.flow.phones.login_handles import LoginHandles
from ciba_service.flow.phones.own_devices import OwnDevices
from ciba_service.flow.phones.own_passkeys import OwnPasskeys
from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.ports import DeviceStore
from ciba_service.sca.messages import (
    AskWakeUp,
    Decide,
    DropWakeUp,
    EndAccess,
    Fetch,
    GiveOrder,
    GiveUp,
    ListAccesses,
    ListDevices,
    ListPasskeys,
    MakeHandle,
    MakePasskey,
    Received,
    RejectDevice,
    RemovePasskey,
    RenameDevice,
    ServiceMessage,
    SetWakeUp,
    Shown,
)
from ciba_service.sca.phones.devices import Device, DeviceRevoked

__all__ = ["Conversation", "PhoneMessage"]

_T = TypeVar("_T")

_AboutWakeUp = AskWakeUp | SetWakeUp | DropWakeUp
_AboutPasskeys = MakePasskey | ListPasskeys | RemovePasskey
_AboutPhones = (
    ListDevices | RenameDevice | RejectDevice | GiveUp | GiveOrder | _AboutPasskeys | _AboutWakeUp
)

PhoneMessage = (
    Fetch | Decide | MakeHandle | ListAccesses | EndAccess | Received | Shown | _AboutPhones
)
"""Whatever a phone may say once it is authenticated."""


class Conversation:
    """Answers the messages of one phone after another.

    A phone is looked up again each time, in the round trip of whatever else is read: the word that
    it was revoked may have been lost on its way to the socket.
    """

    def __init__(
        self,
        *,
        decisions: Decisions,
        challenges: OpenChallenges,
        accesses: LastingAccesses,
        announcements: KeyAnnouncements,
        handles: LoginHandles,
        own_devices: OwnDevices,
        own_passkeys: OwnPasskeys,
        orders: DeviceOrders,
        approval: DeviceApproval,
        receipts: Receipts,
        notices: PhoneNotices,
        wake_up: WakeUpAddresses,
        devices: DeviceStore,
    ) -> None:
        self._decisions = decisions
        self._challenges = challenges
        self._accesses = accesses
        self._announcements = announcements
        self._handles = handles
        self._own_devices = own_devices
        self._own_passkeys = own_passkeys
        self._orders = orders
        self._approval = approval
        self._receipts = receipts
        self._notices = notices
        self._wake_up = wake_up
        self._devices = devices

    async def replies(self, device: Device, message: PhoneMessage) -> list[ServiceMessage]:
        """The frames that answer ``message``.

        Raises:
            InvalidDecisionError, DeviceRevoked, StoreUnavailable: as ``Decisions.decide``.
            InvalidOrderError: as ``DeviceOrders.carry_out``.
        """
        match message:
            case Fetch():
                announced = await self._announcements.current()
                challenges = await self.open_challenges(device)
                return challenges if announced is None else [announced, *challenges]
            case Decide():
                return [await self._decisions.decide(device.device_id, message.decision)]
            case MakeHandle():
                return [await self._handles.make(device)]
            case ListAccesses() | EndAccess():
                return await self._about_accesses(device, message)
            case Received() | Shown():
                await self._receipts.note(device, message)
                return []
            case _:
                return await self._about_phones(device, message)

    async def _about_accesses(
        self, device: Device, message: ListAccesses | EndAccess
    ) -> list[ServiceMessage]:
        if isinstance(message, ListAccesses):
            return await self._accesses.list_all(device)
        return [await self._accesses.end(device, message.transaction_id)]

    async def _about_wake_up(self, device: Device, message: _AboutWakeUp) -> ServiceMessage:
        match message:
            case AskWakeUp():
                return await self._wake_up.offer(device)
            case SetWakeUp():
                return await self._wake_up.put(device, message)
            case DropWakeUp():
                return await self._wake_up.drop(device)
            case _:
                assert_never(message)

    async def _about_phones(self, device: Device, message: _AboutPhones) -> list[ServiceMessage]:
        match message:
            case ListDevices():
                return await self._own_devices.list_all(device)
            case RenameDevice() | RejectDevice() | GiveUp():
                return [await self._about_one_phone(device, message)]
            case GiveOrder():
                return [await self._orders.carry_out(device.device_id, message.order)]
            case AskWakeUp() | SetWakeUp() | DropWakeUp():
                return [await self._about_wake_up(device, message)]
            case MakePasskey() | ListPasskeys() | RemovePasskey():
                return await self._about_passkeys(device, message)
            case _:
                assert_never(message)

    async def _about_one_phone(
        self, device: Device, message: RenameDevice | RejectDevice | GiveUp
    ) -> ServiceMessage:
        match message:
            case RenameDevice():
                return await self._own_devices.rename(device, message.name)
            case RejectDevice():
                return await self._approval.reject(device, message.device_id, message.reason)
            case GiveUp():
                return await self._own_devices.give_up(device)
            case _:
                assert_never(message)

    async def _about_passkeys(
        self, device: Device, message: _AboutPasskeys
    ) -> list[ServiceMessage]:
        match message:
            case MakePasskey():
                return [await self._own_passkeys.offer(device)]
            case ListPasskeys():
                return await self._own_passkeys.list_all(device)
            case RemovePasskey():
                return [await self._own_passkeys.remove(device, message.passkey_id)]
            case _:
                assert_never(message)

    async def open_challenges(self, device: Device) -> list[ServiceMessage]:
        """What the phone missed, phones that wait, every open challenge, then the list of them.

        Raises:
            DeviceRevoked: when the phone may not see them any more.
            StoreUnavailable: when the store cannot be reached.
        """
        challenges, missed, waiting = await self._if_enrolled(
            device,
            asyncio.gather(
                self._challenges.fetch(device.tag),
                self._notices.missed_by(device),
                self._approval.waiting(device.tag),
            ),
        )
        return [*missed, *waiting, *challenges]

    async def catch_up(self, device: Device, asked: Iterable[str]) -> list[ServiceMessage]:
        """The same, and before it which of ``asked`` is over: that word may have been lost.

        Raises:
            DeviceRevoked, StoreUnavailable: as ``open_challenges``.
        """
        found, ended = await asyncio.gather(
            self.open_challenges(device), self._challenges.ended(device.tag, asked)
        )
        return [*ended, *found]

    async def offer(self, device: Device, transaction_id: str) -> ServiceMessage | None:
        """One challenge, if it is open; raises as ``open_challenges``."""
        challenge = self._challenges.find(device.tag, transaction_id)
        return await self._if_enrolled(device, challenge)

    async def waiting(self, device: Device, device_id: str) -> list[ServiceMessage]:
        """A phone that waits, if it still does; raises as ``open_challenges``."""
        waiting = await self._if_enrolled(device, self._approval.waiting(device.tag))
        return [each for each in waiting if each.device_id == device_id]

    async def verify_enrolled(self, device: Device) -> None:
        """Look the phone up, where nothing else is read; raises as ``open_challenges``."""
        if not await self._devices.is_active(device.device_id):
            raise DeviceRevoked

    async def _if_enrolled(self, device: Device, reading: Awaitable[_T]) -> _T:
        _, found = await asyncio.gather(self.verify_enrolled(device), reading)
        return found
