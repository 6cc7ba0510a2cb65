"""Where phones can be woken, in Redis: a hash a user, sealed; and who was, in the transaction."""

import asyncio
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from ciba_service.ports import DueWork, UnknownRecordFormat
from ciba_service.ports.phones.wake_up import SleepingPhone, WakeUpCall, WakeUpRound
from ciba_service.protocol.transaction.ledger import LedgerKind
from ciba_service.protocol.transaction.state import Deadlines, State, effective_state
from ciba_service.sca.phones.devices import DeviceRevoked, UserTag, user_tag_of
from ciba_service.sca.phones.wake_up import PushAddress
from ciba_service.stores.asking.transactions import RECORD_FORMAT
from ciba_service.stores.driver.script import Script
from ciba_service.stores.due.due import due_member
from ciba_service.stores.keys import (
    devices_key,
    due_key,
    partition_of,
    transaction_key,
    wake_ups_key,
)
from ciba_service.stores.operations import Operations
from ciba_service.stores.phones.receipt_marks import phone_mark
from ciba_service.stores.sealing import Sealer

__all__ = ["RedisWakeUps"]

_SET: Final = Script.load("set_wake_up")
_DROP: Final = Script.load("drop_wake_up")
_NOTE: Final = Script.load("note_wake_up")
_FORMAT: Final = 1
_NAME: Final = "address"


class _Record(msgspec.Struct, frozen=True):
    """What is sealed."""

    v: Literal[1]
    endpoint: str
    p256dh: str
    auth: str

    def __repr__(self) -> str:
        return "_Record(...)"


class RedisWakeUps:
    """``ports.wake_up.WakeUpStore`` on Redis."""

    __slots__ = ("_operations", "_sealer")

    def __init__(self, operations: Operations, sealer: Sealer) -> None:
        self._operations = operations
        self._sealer = sealer

    async def put(self, device_id: str, address: PushAddress) -> None:
        """One script, so that no address outlives its phone."""
        tag = user_tag_of(device_id)
        kept = tag is not None and await self._operations.evaluate(
            _SET, [devices_key(tag), wake_ups_key(tag)], [device_id, self._seal(device_id, address)]
        )
        if not kept:
            raise DeviceRevoked

    async def has(self, device_id: str) -> bool:
        """Whether the phone has an address."""
        tag = user_tag_of(device_id)
        return tag is not None and bool(
            await self._operations.call("HEXISTS", wake_ups_key(tag), device_id)
        )

    async def drop(self, device_id: str, *, only: PushAddress | None = None) -> None:
        """Forget it; a phone may have named another one meanwhile, which stays."""
        tag = user_tag_of(device_id)
        if tag is None:
            return
        stored = await self._operations.call("HGET", wake_ups_key(tag), device_id)
        if stored is None or (only is not None and self._open(device_id, stored) != only):
            return
        await self._operations.evaluate(_DROP, [wake_ups_key(tag)], [device_id, stored])

    async def phones(self, tag: UserTag) -> Sequence[SleepingPhone]:
        """Two commands in one round trip."""
        enrolled, stored = await asyncio.gather(
            self._operations.call("HKEYS", devices_key(tag)),
            self._operations.call("HGETALL", wake_ups_key(tag)),
        )
        return [
            SleepingPhone(
                device_id.decode(),
                self._open(device_id.decode(), stored[device_id]) if device_id in stored else None,
            )
            for device_id in enrolled
        ]

    async def round(self, transaction_id: str, *, now: int) -> WakeUpRound | None:
        """The record of the transaction, then the phones of its user."""
        version, state, expires_at, tag, receipts, attempts, woken = await self._operations.call(
            "HMGET", transaction_key(transaction_id), "v", "s", "e", "t", "m", "wa", "wm"
        )
        if version is None:
            return None
        if version != RECORD_FORMAT.encode():
            raise UnknownRecordFormat("a transaction has another format")
        until = int(expires_at)
        if effective_state(State(state.decode()), Deadlines(until, 0), now) is not State.PENDING:
            return None
        has_it = f" {(receipts or b'').decode()}"
        told = f" {(woken or b'').decode()}"
        phones = [
            phone
            for phone in await self.phones(tag.decode())
            if f" {LedgerKind.RECEIVED[0]}{phone_mark(phone.device_id)} " not in has_it
            and f" {phone_mark(phone.device_id)} " not in told
        ]
        return WakeUpRound(WakeUpCall(transaction_id, until), int(attempts or 0), phones)

    async def note(
        self, work: DueWork, done: WakeUpRound, *, settled: Sequence[str], again_at: int | None
    ) -> bool:
        """One script, in the partition of the transaction."""
        noted = await self._operations.evaluate(
            _NOTE,
            [transaction_key(work.transaction_id), due_key(partition_of(work.transaction_id))],
            [
                due_member(work.kind, work.transaction_id),
                work.lease_until,
                again_at or 0,
                done.attempts + 1,
                "".join(f"{phone_mark(device_id)} " for device_id in settled),
            ],
        )
        return bool(noted)

    def _seal(self, device_id: str, address: PushAddress) -> bytes:
        record = _Record(_FORMAT, address.endpoint, address.p256dh, address.auth)
        return self._sealer.seal(
            msgspec.json.encode(record), key=_place(device_id), name=_NAME, owner=device_id
        )

    def _open(self, device_id: str, stored: bytes) -> PushAddress:
        opened = self._sealer.open(stored, key=_place(device_id), name=_NAME, owner=device_id)
        try:
            record = msgspec.json.decode(opened, type=_Record)
        except ValueError as error:
            raise UnknownRecordFormat("an address of a phone has another format") from error
        return PushAddress(record.endpoint, record.p256dh, record.auth)


def _place(device_id: str) -> str:
    return wake_ups_key(user_tag_of(device_id) or "")
