"""Phones as operators see them, and their end."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from ciba_service.flow.operators.authentication import ActingOperator
from ciba_service.flow.operators.journal import OperatorJournal
from ciba_service.flow.operators.pages import Page
from ciba_service.flow.phones.device_approval import DeviceApproval
from ciba_service.flow.phones.device_revocation import DeviceRevocation
from ciba_service.ports import (
    Clock,
    DeviceRecord,
    DeviceStore,
    WaitingDeviceStore,
    WaitingRecord,
)
from ciba_service.protocol.instants import instant
from ciba_service.protocol.operators.cursors import cursor, parse_cursor
from ciba_service.protocol.operators.problems import OperatorRefused, Problem
from ciba_service.sca.phones.devices import user_tag, user_tag_of

__all__ = ["DeviceSummary", "OperatedDevices", "device_summary"]


class _Place(msgspec.Struct, frozen=True):
    sub: str


class DeviceSummary(msgspec.Struct, frozen=True, omit_defaults=True):
    """A phone, without key or secret; ``waits_until`` is there while it waits for approval."""

    device_id: str
    sub: str
    name: str
    enrolled_at: str
    waits_until: str | None = None


def device_summary(subject: str, record: DeviceRecord) -> DeviceSummary:
    """As it is told."""
    return DeviceSummary(record.device_id, subject, record.name, instant(record.enrolled_at))


class OperatedDevices:
    """``subjects`` are all users there are."""

    def __init__(
        self,
        *,
        subjects: Sequence[str],
        devices: DeviceStore,
        revocation: DeviceRevocation,
        waiting: WaitingDeviceStore,
        approval: DeviceApproval,
        clock: Clock,
        journal: OperatorJournal,
    ) -> None:
        self._subjects = sorted(subjects)
        self._by_tag = {user_tag(subject): subject for subject in subjects}
        self._devices = devices
        self._revocation = revocation
        self._waiting = waiting
        self._approval = approval
        self._clock = clock
        self._journal = journal

    async def page(self, after: str | None, *, limit: int) -> Page[DeviceSummary]:
        """The phones of ``limit`` users, those that wait for approval last of each.

        One round trip, and another where phones wait. Raises ``OperatorRefused``.
        """
        place = None if after is None else parse_cursor(after, _Place)
        first = 0 if place is None else bisect_right(self._subjects, place.sub)
        looked_at = self._subjects[first : first + limit]
        found = await asyncio.gather(*map(self._of, looked_at))
        has_more = first + limit < len(self._subjects)
        return Page(
            items=tuple(each for phones in found for each in phones),
            next=cursor(_Place(looked_at[-1])) if has_more else None,
        )

    async def show(self, device_id: str) -> DeviceSummary:
        """One phone; raises ``OperatorRefused`` when there is none."""
        subject = self._by_tag.get(user_tag_of(device_id) or "")
        phones = [] if subject is None else await self._of(subject)
        for phone in phones:
            if phone.device_id == device_id:
                return phone
        raise OperatorRefused(Problem.NOT_FOUND)

    async def revoke(self, acting: ActingOperator, device_id: str) -> None:
        """Destroy its keys and cut its socket, or turn it away; raises as ``show``."""
        if user_tag_of(device_id) is None:
            raise OperatorRefused(Problem.NOT_FOUND)
        with self._journal.writes(acting, "devices revoke", device_id=device_id):
            if await self._revocation.revoke(device_id) is not None:
                return
            if not await self._approval.reject_for_operator(device_id):
                raise OperatorRefused(Problem.NOT_FOUND)

    async def _of(self, subject: str) -> list[DeviceSummary]:
        tag, now = user_tag(subject), self._clock.now_ms()
        phones, waiting = await asyncio.gather(
            self._devices.list(tag), self._waiting.list(tag, now=now)
        )
        return [
            *(device_summary(subject, each) for each in phones),
            *(_waiting_summary(subject, each) for each in waiting),
        ]


def _waiting_summary(subject: str, record: WaitingRecord) -> DeviceSummary:
    return DeviceSummary(
        record.device_id, subject, record.name, instant(record.since), instant(record.until)
    )
