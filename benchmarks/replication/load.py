"""Promises at the stores under load: each that was answered is remembered, with its time."""

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final

from ciba_service.clock import SystemClock
from ciba_service.ports import ReplayKind, StoreUnavailable
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.transaction.state import Event
from ciba_service.sca.factors.attempts import AttemptLimits
from ciba_service.sca.phones.devices import UserTag, user_tag
from ciba_service.stores.asking.transactions import RedisTransactions
from ciba_service.stores.clients.replay import RedisReplays
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.replicas import DurableCommands
from ciba_service.stores.driver.target import RedisTarget, ReplicaWait
from ciba_service.stores.keys import attempt_key, transaction_key
from ciba_service.stores.operations import Operations
from ciba_service.stores.phones.attempts import RedisAttempts
from ciba_service.stores.sealing import Ring, Sealer
from tests.contracts.store_builders import new_transaction, swap_of

__all__ = ["Kind", "Load", "Promise", "load_on", "lost"]

WAIT_MS: Final = 1_000
_LOOK_MS: Final = 5_000
_PAUSE_SECONDS: Final = 0.005
_OWNER: Final = "till"


class Kind(StrEnum):
    """What is promised."""

    DECISION = "decisions"
    REDEMPTION = "redemptions"
    ATTEMPT = "failed attempts"
    REPLAY = "replay records"


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that was answered, after so many ``seconds``; ``at`` is of the process's clock."""

    kind: Kind
    name: str
    at: float
    seconds: float


@dataclass
class Load:
    """Workers that make promises as fast as they are answered."""

    operations: Operations
    workers: int
    kept: list[Promise] = field(default_factory=list)
    refused: int = 0

    def __post_init__(self) -> None:
        sealer = Sealer(Ring.of(secrets.token_bytes(32)), secrets.token_bytes)
        self._transactions = RedisTransactions(self.operations, sealer)
        self._attempts = RedisAttempts(self.operations, limits=AttemptLimits())
        self._replays = RedisReplays(self.operations, SystemClock())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work until the end of the block."""
        working = [asyncio.create_task(self._work()) for _ in range(self.workers)]
        try:
            yield
        finally:
            for each in working:
                each.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            try:
                await self._flow()
            except StoreUnavailable:
                self.refused += 1

    async def _flow(self) -> None:
        name, now = base64url(secrets.token_bytes(16)), SystemClock().now_ms()
        new = new_transaction(name, expires_at=now + 180_000)
        await self._kept(Kind.REPLAY, name, partial(self._use, name, now))
        await self._transactions.create(new, operation=name)
        await self._kept(Kind.ATTEMPT, name, partial(self._attempt, name, now))
        for event, kind in ((Event.APPROVE, Kind.DECISION), (Event.REDEEM, Kind.REDEMPTION)):
            swap = swap_of(event, f"{event} {name}", now=now, transaction_id=name)
            await self._kept(kind, name, partial(self._transactions.swap, swap))

    async def _use(self, name: str, now: int) -> None:
        await _use(self._replays, name, name, now)

    async def _attempt(self, name: str, now: int) -> None:
        await self._attempts.reserve(_user(name), operation=name, knowledge=True, now=now)

    async def _kept(self, kind: Kind, name: str, step: Callable[[], Awaitable[object]]) -> None:
        # So that the workers do not go on in step, all of them about the same kind of promise.
        await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311 - nothing secret
        began = time.perf_counter()
        await step()
        at = time.perf_counter()
        self.kept.append(Promise(kind, name, at, at - began))


@asynccontextmanager
async def load_on(
    target: RedisTarget, *, replicas: int, workers: int, deadline_ms: int
) -> AsyncIterator[Load]:
    """A load that waits for so many replicas."""
    async with AsyncExitStack() as stack:
        commands, durable = Commands(connect(target)), None
        stack.push_async_callback(commands.aclose)
        if replicas:
            durable = DurableCommands(connect(target), ReplicaWait(replicas, WAIT_MS))
            stack.push_async_callback(durable.aclose)
        yield Load(
            Operations(commands, clock=SystemClock(), deadline_ms=deadline_ms, durable=durable),
            workers,
        )


async def lost(target: RedisTarget, promises: list[Promise]) -> Counter[Kind]:
    """How many of these a server knows nothing of."""
    commands = Commands(connect(target))
    try:
        looks = await asyncio.gather(*map(partial(_is_known, commands), promises))
    finally:
        with suppress(OSError):
            await commands.aclose()
    return Counter(
        each.kind for each, is_known in zip(promises, looks, strict=True) if not is_known
    )


async def _is_known(commands: Commands, promise: Promise) -> bool:
    name = promise.name
    match promise.kind:
        case Kind.DECISION:
            return bool(await commands.call("HEXISTS", transaction_key(name), "o:approve"))
        case Kind.REDEMPTION:
            return bool(await commands.call("HEXISTS", transaction_key(name), "o:redeem"))
        case Kind.ATTEMPT:
            return bool(await commands.call("EXISTS", attempt_key(_user(name), name)))
        case Kind.REPLAY:
            clock = SystemClock()
            operations = Operations(commands, clock=clock, deadline_ms=_LOOK_MS)
            return not await _use(RedisReplays(operations, clock), name, "look", clock.now_ms())


async def _use(replays: RedisReplays, name: str, operation: str, now: int) -> bool:
    return await replays.reserve(
        ReplayKind.CLIENT_ASSERTION, _OWNER, name, operation=operation, until=now + 300_000
    )


def _user(name: str) -> UserTag:
    return user_tag(name)
