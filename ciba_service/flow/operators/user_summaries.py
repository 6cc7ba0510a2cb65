"""A user in one line, as lists and the command line show it."""

import asyncio

import msgspec

from ciba_service.ports import AttemptStore, DeviceStore
from ciba_service.sca.phones.devices import user_tag

__all__ = ["UserSummaries", "UserSummary"]


class UserSummary(msgspec.Struct, frozen=True):
    """A user; ``phones`` is how many there are, ``locked`` says that the factors are."""

    sub: str
    enabled: bool
    phones: int
    failed_attempts: int
    locked: bool


class UserSummaries:
    """One round trip each, shared by all that are asked for at once."""

    def __init__(self, *, devices: DeviceStore, attempts: AttemptStore, attempt_limit: int) -> None:
        self._attempt_limit = attempt_limit
        self._devices = devices
        self._attempts = attempts

    async def of(self, subject: str, *, enabled: bool) -> UserSummary:
        """The summary of a user who is ``enabled`` or not; raises ``StoreUnavailable``."""
        tag = user_tag(subject)
        phones, used = await asyncio.gather(self._devices.list(tag), self._attempts.used(tag))
        return UserSummary(subject, enabled, len(phones), used, used >= self._attempt_limit)
