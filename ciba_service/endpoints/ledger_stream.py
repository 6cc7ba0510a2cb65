"""A ledger as server-sent events, each with what whoever asks may know of it."""

import re
from collections.abc import AsyncGenerator, Callable
from typing import Final

import msgspec
from starlette.types import Scope, Send

from ciba_service.endpoints.answers import respond_nothing
from ciba_service.endpoints.body import header
from ciba_service.endpoints.event_stream import EventStream
from ciba_service.protocol.transaction.ledger import Ledger, LedgerEntry
from ciba_service.protocol.transaction.state import State

__all__ = ["stream_ledgers"]

_NUMBER: Final = re.compile(rb"[0-9]{1,9}")


class _Complete(msgspec.Struct, frozen=True):
    """The last event of a stream after which nothing more will happen."""

    state: State


async def stream_ledgers(
    scope: Scope,
    send: Send,
    ledgers: AsyncGenerator[Ledger, None],
    tell: Callable[[LedgerEntry], object],
) -> None:
    """Send what is new in each, after the entry that ``Last-Event-ID`` names.

    Raises what the first of ``ledgers`` raises; nothing is sent then.
    """
    told = _last_event_id(header(scope, b"last-event-id"))
    first = await anext(ledgers)
    if first.is_complete and not first.after(told):
        # WHATWG HTML 9.2.3: a client that is answered 204 does not come back.
        await respond_nothing(send)
        return
    stream = EventStream(send)
    await stream.begin()
    told = await _tell(stream, first, told, tell)
    async for ledger in ledgers:
        told = await _tell(stream, ledger, told, tell)
    await stream.end()


async def _tell(
    stream: EventStream, ledger: Ledger, told: int, tell: Callable[[LedgerEntry], object]
) -> int:
    """Tell what is new; returns the number of the last entry that is told by now."""
    news = ledger.after(told)
    for entry in news:
        await stream.event(entry.kind, tell(entry), number=entry.number)
    if ledger.is_complete:
        await stream.event("complete", _Complete(ledger.state))
    elif not news:
        await stream.comment()
    return news[-1].number if news else told


def _last_event_id(value: bytes | None) -> int:
    """The number of the last entry that the client has; what is no number of ours is none."""
    return int(value) if value is not None and _NUMBER.fullmatch(value) else 0
