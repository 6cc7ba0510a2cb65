"""A user looks at the accesses that last, and ends one, from the phone (FAPI 1.0 part 1, 5.2.2)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from ciba_service.ports import (
    AccessStore,
    ClientRegistry,
    Clock,
    DeviceStore,
    GrantStore,
    StoredGrant,
    Telemetry,
    UnknownRecordFormat,
)
from ciba_service.protocol.locale import Locale
from ciba_service.protocol.request.authorization_details import DetailTypes
from ciba_service.sca.messages import (
    AccessEnded,
    AccessesListed,
    AccessUnknown,
    LastingAccess,
    ServiceMessage,
)
from ciba_service.sca.phones.accesses import shown_access
from ciba_service.sca.phones.devices import Device, DeviceRevoked, UserTag, user_tag

__all__ = ["LastingAccesses"]


class LastingAccesses:
    """Three round trips each at most: look up, read, ask for phones; look up, end, give up.

    Whoever holds an enrolled phone may do both without a PIN: to end access only takes away.
    """

    def __init__(
        self,
        *,
        accesses: AccessStore,
        grants: GrantStore,
        devices: DeviceStore,
        clients: ClientRegistry,
        detail_types: DetailTypes,
        locale_of: Callable[[str], Awaitable[Locale]],
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._accesses = accesses
        self._grants = grants
        self._devices = devices
        self._clients = clients
        self._detail_types = detail_types
        self._locale_of = locale_of
        self._clock = clock
        self._telemetry = telemetry

    async def list_all(self, device: Device) -> list[ServiceMessage]:
        """Each access that lasts, the last approved first, and then the list of them.

        Raises:
            DeviceRevoked: when the phone may not ask any more.
            StoreUnavailable: when the store cannot be reached.
        """
        now = self._clock.now_ms()
        is_enrolled, names = await asyncio.gather(
            self._devices.is_active(device.device_id),
            self._accesses.names(device.tag, now=now),
        )
        if not is_enrolled:
            raise DeviceRevoked
        shown = await self._named(device.tag, names)
        return [*shown, AccessesListed(tuple(access.transaction_id for access in shown))]

    async def of_user(self, tag: UserTag) -> list[LastingAccess]:
        """The same for an operator; raises ``StoreUnavailable``."""
        return await self._named(tag, await self._accesses.names(tag, now=self._clock.now_ms()))

    async def end(self, device: Device, transaction_id: str) -> AccessEnded | AccessUnknown:
        """End an access of the phone's user, now or before; raises as ``list_all``."""
        now = self._clock.now_ms()
        is_enrolled, is_known = await asyncio.gather(
            self._devices.is_active(device.device_id),
            self._accesses.has(device.tag, transaction_id, now=now),
        )
        if not is_enrolled:
            raise DeviceRevoked
        if not is_known:
            return AccessUnknown(transaction_id)
        await self._end(device.tag, transaction_id, now, reason="user", device_id=device.device_id)
        return AccessEnded(transaction_id)

    async def end_of_user(self, tag: UserTag, transaction_id: str) -> bool:
        """The same for an operator; False when there is none. Raises ``StoreUnavailable``."""
        now = self._clock.now_ms()
        if not await self._accesses.has(tag, transaction_id, now=now):
            return False
        await self._end(tag, transaction_id, now, reason="operator")
        return True

    async def _end(
        self, tag: UserTag, name: str, now: int, *, reason: str, device_id: str | None = None
    ) -> None:
        # In this order: what is not ended keeps its place, and so does what is being redeemed at
        # this very moment; the user finds it in the list.
        if await self._grants.end(name):
            self._telemetry.event(
                "grant_ended", transaction_id=name, reason=reason, device_id=device_id
            )
            await self._accesses.fade(tag, name, now=now)

    async def _named(self, tag: UserTag, names: Iterable[str]) -> list[LastingAccess]:
        found = await asyncio.gather(*(self._read(tag, name) for name in names))
        return await self._shown(stored for stored in found if stored is not None)

    async def _read(self, tag: UserTag, transaction_id: str) -> StoredGrant | None:
        try:
            stored = await self._grants.read(transaction_id)
        except UnknownRecordFormat as error:
            # One record that cannot be read must not hide the others from the user.
            self._telemetry.failure("grant_unreadable", error, transaction_id=transaction_id)
            return None
        # The list is not sealed; what a grant says of its user is.
        return stored if stored is not None and user_tag(stored.grant.subject) == tag else None

    async def _shown(self, found: Iterable[StoredGrant]) -> list[LastingAccess]:
        lasting = [(each.grant, each.refresh_token) for each in found]
        phones = {grant.device_id for grant, _ in lasting}
        clients = {grant.client_id for grant, _ in lasting}
        are_active, names = await asyncio.gather(
            asyncio.gather(*map(self._devices.is_active, phones)),
            asyncio.gather(*map(self._client_name, clients)),
        )
        is_active = dict(zip(phones, are_active, strict=True))
        client_names = dict(zip(clients, names, strict=True))
        subjects = {grant.subject for grant, _ in lasting}
        locales = {subject: await self._locale_of(subject) for subject in subjects}
        # What was approved on a phone that was lost is worth nothing (protocol/transaction/gate).
        shown = [
            shown_access(
                grant,
                # What a client calls itself now is not what the user approved.
                client_name=grant.client_name or client_names[grant.client_id],
                good_until=token.good_until,
                types=self._detail_types,
                locale=locales[grant.subject],
            )
            for grant, token in lasting
            if token is not None and is_active[grant.device_id]
        ]
        return sorted(shown, key=lambda access: access.since, reverse=True)

    async def _client_name(self, client_id: str) -> str:
        client = await self._clients.find(client_id)
        return client_id if client is None else client.name
