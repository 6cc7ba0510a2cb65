"""What it costs that each word about a request goes to every process that listens."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
from redis.asyncio import Redis

from benchmarks.growth.crowd import Crowd
from benchmarks.growth.place import opened
from benchmarks.machine import Usage
from ciba_service.ports import Announcement, AnnouncementKind
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.keys import hub_channels

__all__ = ["WordCost", "measure_words"]

_WORDS: Final = 20_000
_RATE: Final = 4_000
_BATCHES_PER_SECOND: Final = 50
_LISTENERS: Final = 20
_ABOUT: Final = "A" * 22
_READ_BYTES: Final = 1 << 16
_SETTLED_SECONDS: Final = 1.0


@dataclass(frozen=True)
class WordCost:
    """Of one copy of a word: processor seconds where it is read and at Redis, and bytes."""

    reader: float
    redis: float
    size: float


@dataclass(frozen=True)
class _Used:
    reader: float
    redis: float
    sent: float

    @classmethod
    async def now(cls, gathered: Crowd, redis: Redis) -> "_Used":
        sent = (await redis.info("stats"))["total_net_output_bytes"]
        service, store = Usage.of(gathered.pid), Usage.of(gathered.redis[1])
        return cls(service.process, store.process, sent)


async def measure_words(gathered: Crowd, redis: Redis) -> WordCost:
    """Say words about nobody, to the service alone and then to others beside it."""
    alone = await _said(gathered, redis)
    async with _listening(gathered.redis[0]):
        beside = await _said(gathered, redis)
    return WordCost(
        reader=alone.reader / _WORDS,
        redis=max(0.0, beside.redis - alone.redis) / _WORDS / _LISTENERS,
        size=(beside.sent - alone.sent) / _WORDS / _LISTENERS,
    )


async def _said(gathered: Crowd, redis: Redis) -> _Used:
    before = await _Used.now(gathered, redis)
    async with opened(gathered.place.config) as stores:
        begun = time.perf_counter()
        each = _RATE // _BATCHES_PER_SECOND
        for number in range(0, _WORDS, each):
            words = [
                Announcement(AnnouncementKind.OFFER, user_tag(f"nobody-{number + n}"), _ABOUT)
                for n in range(each)
            ]
            await asyncio.gather(
                *(stores.broadcast.publish(word.tag, msgspec.json.encode(word)) for word in words)
            )
            await asyncio.sleep(max(0.0, begun + number / _RATE - time.perf_counter()))
    await asyncio.sleep(_SETTLED_SECONDS)
    after = await _Used.now(gathered, redis)
    return _Used(after.reader - before.reader, after.redis - before.redis, after.sent - before.sent)


@asynccontextmanager
async def _listening(port: int) -> AsyncIterator[None]:
    """So many that hear everything and do nothing with it."""
    tasks = [asyncio.create_task(_heard(port)) for _ in range(_LISTENERS)]
    await asyncio.sleep(_SETTLED_SECONDS)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _heard(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"SSUBSCRIBE {' '.join(hub_channels())}\r\n".encode())
        while await reader.read(_READ_BYTES):
            pass
    finally:
        writer.close()
