"""Registered clients in Redis: a hash each, and one sorted set of their names."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, Literal

import msgspec

from ciba_service.ports import Registration, UnknownRecordFormat
from ciba_service.ports.clients.registrations import RegistrationPlace
from ciba_service.protocol.client.metadata import InvalidMetadataError
from ciba_service.protocol.client.registration.metadata import RegisteredMetadata
from ciba_service.protocol.client.registration.rules import client_of
from ciba_service.protocol.profiles import ProfileName
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import client_change_key, registration_key, registrations_key
from ciba_service.stores.operations import OPERATION_MEMORY_MS, Operations
from ciba_service.stores.sorted_pages import Scored, members_after

__all__ = ["RedisRegistrations"]

_FORMAT: Final = 1
_KEPT_CLIENTS: Final = 1024

_REPLACE: Final = Script.load("replace_client", durable=True)
_REMOVE: Final = Script.load("remove_client", durable=True)
_SUSPEND: Final = Script.load("suspend_client", durable=True)


class _Record(msgspec.Struct, frozen=True):
    v: Literal[1]
    client_id: str
    profile: ProfileName
    token_hash: str
    issued_at: int
    notification_hosts: tuple[str, ...]
    metadata: RegisteredMetadata


class RedisRegistrations:
    """``ports.RegistrationStore`` on Redis."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def add(self, registration: Registration) -> None:
        """Name it first, so that no client exists that no list shows."""
        client_id = registration.client.client_id
        await self._operations.call("ZADD", registrations_key(), registration.issued_at, client_id)
        await self._operations.call(
            "HSET", registration_key(client_id), "record", _encode(registration)
        )

    async def find(self, client_id: str) -> Registration | None:
        """One round trip; what was read before is not parsed anew."""
        stored, disabled = await self._operations.call(
            "HMGET", registration_key(client_id), "record", "disabled"
        )
        if stored is None:
            return None
        found = _decode(stored)
        if disabled is None:
            return found
        return replace(found, client=replace(found.client, enabled=False))

    async def replace(self, registration: Registration, *, operation: str) -> bool:
        """A resent operation happens once, also when another came between."""
        client_id = registration.client.client_id
        replaced = await self._operations.evaluate(
            _REPLACE,
            [registration_key(client_id), client_change_key(client_id, operation)],
            [_encode(registration), OPERATION_MEMORY_MS],
        )
        return bool(replaced)

    async def suspend(self, client_id: str, *, enabled: bool) -> bool:
        """A field of its own, so that no update of the client's own undoes it."""
        suspended = await self._operations.evaluate(
            _SUSPEND, [registration_key(client_id)], [int(not enabled)]
        )
        return bool(suspended)

    async def remove(self, client_id: str, *, operation: str) -> bool:
        """The client first, then its name."""
        removed = await self._operations.evaluate(
            _REMOVE,
            [registration_key(client_id), client_change_key(client_id, operation)],
            [OPERATION_MEMORY_MS],
        )
        await self._operations.call("ZREM", registrations_key(), client_id)
        return bool(removed)

    async def all(self) -> Sequence[Registration]:
        """A name without a client is one that is being registered, or was being removed."""
        names = await self._operations.call("ZRANGE", registrations_key(), 0, -1)
        found = await asyncio.gather(*(self.find(name.decode()) for name in names))
        return [registration for registration in found if registration is not None]

    async def after(
        self, place: RegistrationPlace | None, *, limit: int
    ) -> tuple[Sequence[Registration], RegistrationPlace | None]:
        """Names first, then whom they name; a page may be short where names are left over."""
        after: Scored | None = None
        if place is not None:
            after = (place.issued_at, place.client_id.encode("utf-8"))
        names = await members_after(self._operations, registrations_key(), after, limit=limit + 1)
        shown = names[:limit]
        found = await asyncio.gather(*(self.find(name.decode()) for _, name in shown))
        there = [registration for registration in found if registration is not None]
        if len(names) <= limit:
            return there, None
        issued_at, name = shown[-1]
        return there, RegistrationPlace(issued_at, name.decode())


def _encode(registration: Registration) -> bytes:
    return msgspec.json.encode(
        _Record(
            v=_FORMAT,
            client_id=registration.client.client_id,
            profile=registration.profile,
            token_hash=registration.token_hash,
            issued_at=registration.issued_at,
            notification_hosts=tuple(sorted(registration.notification_hosts)),
            metadata=registration.metadata,
        )
    )


@lru_cache(maxsize=_KEPT_CLIENTS)
def _decode(stored: bytes) -> Registration:
    try:
        record = msgspec.json.decode(stored, type=_Record)
        client = client_of(record.metadata, client_id=record.client_id, profile=record.profile)
    except (InvalidMetadataError, ValueError, RecursionError) as error:
        raise UnknownRecordFormat("a registered client has another format") from error
    return Registration(
        client=client,
        metadata=record.metadata,
        profile=record.profile,
        token_hash=record.token_hash,
        issued_at=record.issued_at,
        notification_hosts=frozenset(record.notification_hosts),
    )
