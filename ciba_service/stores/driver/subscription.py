"""Listening to sharded channels of Redis without ever being silently deaf.

The driver resubscribes by itself, but not always, and it never says that messages were lost in
between. Here a subscription is one connection to each server concerned. A heartbeat is published
on one of its channels after the other and must come back; when it does not, when a connection
breaks, or when a channel moves to another node, what was on that server is torn down and built anew
from the present topology, and the listener is told. The channels of other servers are heard on.
"""

import asyncio
import itertools
import random
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, NamedTuple, Self

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import AbstractConnection

from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect, connect_node, disconnect
from ciba_service.stores.driver.faults import DRIVER_ERRORS, StoreFault
from ciba_service.stores.driver.hearing import EndOfHearing, Hearing
from ciba_service.stores.driver.target import Address, RedisTarget

__all__ = ["HEARTBEAT", "Message", "Resubscribed", "Subscription", "SubscriptionEvent"]

HEARTBEAT: Final = b"\0heartbeat"
"""The one content that is never delivered."""

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 5.0
_HEALTHY_SECONDS: Final = 30.0


class Message(NamedTuple):
    """What somebody published on a channel."""

    channel: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Resubscribed:
    """From here on messages arrive; any before may have been missed, so look for yourself."""


SubscriptionEvent = Message | Resubscribed

_Channels = tuple[str, ...]


class _ChannelMoved(EndOfHearing):
    """The server ended a subscription, since another node serves the channel now."""


class _Listener:
    """The channels of one server, over one connection."""

    def __init__(self, client: Redis, channels: Sequence[str], *, one_slot_a_command: bool) -> None:
        self.channels = channels
        self._client = client
        self._one_slot_a_command = one_slot_a_command
        self._hearing: Hearing | None = None
        self._deliver: Callable[[Message], None] | None = None
        self._missing = set(channels)
        self._confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._expected = ""
        self._heard = asyncio.Event()

    async def subscribe(self, *, within: float) -> None:
        """Subscribe; ``TimeoutError`` when the server does not confirm every channel in time."""
        connection: AbstractConnection = self._client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        await connection.connect()  # type: ignore[no-untyped-call]
        self._hearing = Hearing.over(connection, self._receive)
        size = 1 if self._one_slot_a_command else len(self.channels)
        self._hearing.send(
            ("SSUBSCRIBE", *self.channels[at : at + size])
            for at in range(0, len(self.channels), size)
        )
        done, _ = await asyncio.wait(
            {self._confirmed, self._hearing.ended},
            timeout=within,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not done:
            raise TimeoutError
        if self._hearing.ended.done():
            self._hearing.ended.result()

    async def listen(self, deliver: Callable[[Message], None]) -> None:
        """Hand over every message from now on; ends only by an exception."""
        if self._hearing is None:
            raise AssertionError("it is subscribed")
        self._deliver = deliver
        await self._hearing.ended

    async def beat(self, commands: Commands, *, every: float, within: float) -> None:
        """Publish to one channel after the other; ``TimeoutError`` when one does not come back."""
        for channel in itertools.cycle(self.channels):
            await asyncio.sleep(every)
            self._expected = channel
            self._heard.clear()
            async with asyncio.timeout(within):
                with suppress(StoreFault):
                    await commands.call("SPUBLISH", channel, HEARTBEAT)
                await self._heard.wait()

    async def aclose(self) -> None:
        """Close the connection."""
        if self._hearing is not None:
            self._hearing.leave()
        await disconnect(self._client)

    def _receive(self, said: object) -> None:
        match said:
            case [b"smessage", bytes(channel), bytes(content)]:
                self._take(Message(channel.decode(), content))
            case [b"ssubscribe", bytes(channel), _]:
                self._missing.discard(channel.decode())
                if not (self._missing or self._confirmed.done()):
                    self._confirmed.set_result(None)
            case _:  # The server ended a subscription, or says what nobody asked.
                raise _ChannelMoved

    def _take(self, message: Message) -> None:
        if message.data == HEARTBEAT:
            if message.channel == self._expected:
                self._heard.set()
        elif self._deliver is not None:  # Before that, nobody is promised anything.
            self._deliver(message)


class Subscription(AsyncIterator[SubscriptionEvent]):
    """Messages of a fixed set of sharded channels, as long as the ``async with`` lasts.

    Iterating gives ``Resubscribed`` first, and again whenever messages may have been missed: after
    each new start, and when the listener was slower than ``capacity`` messages, which are then
    dropped. ``ready`` is set while the channels of some server are subscribed: a cluster that lacks
    a node is listened to as far as it is there. What misses its heartbeat (sent every
    ``heartbeat_seconds`` through ``commands``) for ``silence_seconds`` is built anew. No fault of
    Redis ends the iteration.
    """

    def __init__(
        self,
        target: RedisTarget,
        commands: Commands,
        channels: Sequence[str],
        *,
        heartbeat_seconds: float = 5.0,
        silence_seconds: float = 5.0,
        capacity: int = 10_000,
    ) -> None:
        self.ready = asyncio.Event()
        self._target = target
        self._commands = commands
        self._channels = tuple(dict.fromkeys(channels))
        self._heartbeat_seconds = heartbeat_seconds
        self._silence_seconds = silence_seconds
        self._capacity = capacity
        self._heard: set[_Channels] = set()
        self._events: deque[SubscriptionEvent] = deque()
        self._arrived = asyncio.Event()
        self._is_over = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._maintain())
        self._task.add_done_callback(lambda _: self._arrived.set())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A group whose member fails just now forgets that it was cancelled (CPython gh-116720).
        self._is_over = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def __anext__(self) -> SubscriptionEvent:
        while not self._events:
            if self._task is None or self._is_over:
                raise StopAsyncIteration
            if self._task.done():
                self._task.result()
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()

    def _offer(self, event: SubscriptionEvent) -> None:
        if self._events and event == self._events[-1] == Resubscribed():
            return  # Whoever has not looked yet looks once.
        if len(self._events) >= self._capacity:
            self._events.clear()
            event = Resubscribed()
        self._events.append(event)
        self._arrived.set()

    async def _maintain(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_up(self._channels, group))

    async def _keep_up(self, channels: _Channels, group: asyncio.TaskGroup) -> None:
        """Listen to them for good; those that are on other servers by now are kept up apart."""
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while True:
            started = loop.time()
            try:
                (node, channels), *elsewhere = await self._places(channels)
                for _, others in elsewhere:
                    group.create_task(self._keep_up(others, group))
                await self._listen_until_broken(node, channels)
            except* (_ChannelMoved, *DRIVER_ERRORS):
                self._tell_heard(channels, heard=False)
            if self._is_over:
                return
            if loop.time() - started > _HEALTHY_SECONDS:
                pause = _FIRST_PAUSE
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311  (nothing secret)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _places(self, channels: _Channels) -> list[tuple[Address | None, _Channels]]:
        """The channels by the nodes that have them now; no node where there is no cluster."""
        client = connect(self._target)
        try:
            if isinstance(client, Redis):
                return [(None, channels)]
            return list((await _channels_by_node(client, channels)).items())
        finally:
            await disconnect(client)

    def _tell_heard(self, channels: _Channels, *, heard: bool) -> None:
        if heard:
            self._heard.add(channels)
            self.ready.set()
        else:
            self._heard.discard(channels)
            if not self._heard:
                self.ready.clear()

    async def _listen_until_broken(self, node: Address | None, channels: _Channels) -> None:
        async with AsyncExitStack() as stack:
            listener = self._listener(node, channels)
            stack.push_async_callback(listener.aclose)
            # Each step has a time of its own: how many sentinels are asked in vain before one
            # answers is not known.
            await listener.subscribe(within=self._target.command_timeout)
            self._offer(Resubscribed())
            self._tell_heard(channels, heard=True)
            async with asyncio.TaskGroup() as group:
                group.create_task(listener.listen(self._offer))
                group.create_task(
                    listener.beat(
                        self._commands,
                        every=self._heartbeat_seconds,
                        within=self._silence_seconds,
                    )
                )

    def _listener(self, node: Address | None, channels: _Channels) -> _Listener:
        if node is not None:
            client = connect_node(self._target, node)
            return _Listener(client, channels, one_slot_a_command=True)
        server = connect(self._target)
        if not isinstance(server, Redis):
            raise AssertionError("channels of a cluster are on some node")  # noqa: TRY004
        return _Listener(server, channels, one_slot_a_command=False)


async def _channels_by_node(client: RedisCluster, channels: _Channels) -> dict[Address, _Channels]:
    await client.initialize()
    owners: defaultdict[Address, list[str]] = defaultdict(list)
    for channel in channels:
        # Every slot is covered, or initialize() would have raised.
        node = client.nodes_manager.slots_cache[client.keyslot(channel)][0]
        owners[Address(node.host, int(node.port))].append(channel)
    return {node: tuple(there) for node, there in owners.items()}
