"""Sharded channels: delivery, and being told whenever something may have been missed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect, connect_node, disconnect
from ciba_service.stores.driver.subscription import (
    HEARTBEAT,
    Message,
    Resubscribed,
    Subscription,
    _Listener,
)
from ciba_service.stores.driver.target import RedisMode, RedisTarget
from tests.redis.replicated import frozen
from tests.redis.topologies import CALM_MS, watched_by_three

CHANNELS = tuple(f"ciba:{{p{partition}}}:wake" for partition in range(256))


@pytest.fixture
async def subscription(
    redis_target: RedisTarget, commands: Commands
) -> AsyncIterator[Subscription]:
    """A subscription to all partitions that has just begun."""
    async with Subscription(
        redis_target, commands, CHANNELS, heartbeat_seconds=0.02, silence_seconds=5
    ) as subscription:
        assert await anext(subscription) == Resubscribed()
        yield subscription


async def cut_subscriptions(target: RedisTarget) -> None:
    """Break the connection of every subscriber, as the server would when it restarts."""
    client = connect(target)
    if target.mode is RedisMode.CLUSTER:
        await disconnect(client)
        client = connect_node(replace(target, mode=RedisMode.SINGLE), target.addresses[0])
    await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await disconnect(client)


async def publish(commands: Commands, channel: str, data: bytes) -> None:
    """Publish to exactly one subscriber."""
    assert await commands.call("SPUBLISH", channel, data) == 1


async def test_every_channel_is_delivered(subscription: Subscription, commands: Commands):
    """What is published on any of the 256 channels arrives, with its channel, to the byte."""
    assert subscription.ready.is_set()
    await asyncio.gather(
        *(publish(commands, channel, b"\xff" + channel.encode()) for channel in CHANNELS)
    )
    received = [await anext(subscription) for _ in CHANNELS]
    assert {Message(channel, b"\xff" + channel.encode()) for channel in CHANNELS} == set(received)


async def test_heartbeats_are_not_delivered(subscription: Subscription, commands: Commands):
    """Listeners never see what only proves that the connection lives."""
    await publish(commands, CHANNELS[0], HEARTBEAT)
    await publish(commands, CHANNELS[0], b"due")
    assert await anext(subscription) == Message(CHANNELS[0], b"due")


async def test_a_broken_connection_is_rebuilt_and_told(
    subscription: Subscription, commands: Commands, redis_target: RedisTarget
):
    """After a cut the listener hears that it may have missed something, then new messages."""
    for _ in range(2):
        await cut_subscriptions(redis_target)
        assert await anext(subscription) == Resubscribed()
        await publish(commands, CHANNELS[255], b"due")
        assert await anext(subscription) == Message(CHANNELS[255], b"due")


async def test_it_ends_though_the_server_goes_away_at_the_same_time(
    redis_target: RedisTarget, commands: Commands, monkeypatch: pytest.MonkeyPatch
):
    """A group of tasks that is failing forgets that it was cancelled; the process must end."""
    is_lost, is_failing = asyncio.Event(), asyncio.Event()

    async def listen(_: _Listener, __: object) -> None:
        await is_lost.wait()
        raise ConnectionError

    async def beat(_: _Listener, *__: object, **___: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_failing.set()
            for _ in range(10):  # ticks: it ends while the cancellation is on its way
                await asyncio.sleep(0)

    monkeypatch.setattr(_Listener, "listen", listen)
    monkeypatch.setattr(_Listener, "beat", beat)
    async with asyncio.timeout(10):
        async with Subscription(redis_target, commands, CHANNELS) as subscription:
            assert await anext(subscription) == Resubscribed()
            is_lost.set()
            await is_failing.wait()
    with pytest.raises(StopAsyncIteration):
        await anext(subscription)


async def test_a_silent_subscription_is_rebuilt(redis_target: RedisTarget):
    """When heartbeats do not come back although nothing broke, everything is built anew."""
    elsewhere = Commands(connect(RedisTarget(unix_socket="/nonexistent/redis.sock")))
    async with Subscription(
        redis_target, elsewhere, CHANNELS, heartbeat_seconds=0.01, silence_seconds=0.02
    ) as subscription:
        for _ in range(3):
            assert await anext(subscription) == Resubscribed()
    await elsewhere.aclose()


async def test_a_slow_listener_is_told_that_it_missed_something(
    redis_target: RedisTarget, commands: Commands
):
    """Beyond the capacity messages are dropped, and the listener is told to look for itself."""
    async with Subscription(redis_target, commands, CHANNELS[:1], capacity=3) as subscription:
        assert await anext(subscription) == Resubscribed()
        await asyncio.gather(*(publish(commands, CHANNELS[0], b"due") for _ in range(50)))
        for _ in range(50):
            if await anext(subscription) == Resubscribed():
                break
        else:
            pytest.fail("all fifty were delivered")


async def test_a_subscription_waits_for_a_server_that_is_not_there_yet():
    """A fault at the start does not end the iteration; leaving it does."""
    missing = RedisTarget(unix_socket="/nonexistent/redis.sock")
    commands = Commands(connect(missing))
    async with Subscription(missing, commands, CHANNELS) as subscription:
        waiting = asyncio.ensure_future(anext(subscription))
        await asyncio.wait({waiting}, timeout=0.2)
        assert not waiting.done()
        assert not subscription.ready.is_set()
    with pytest.raises(StopAsyncIteration):
        await waiting
    await commands.aclose()


async def test_a_subscription_is_made_though_most_sentinels_are_silent():
    """However long each of them is waited for: the last one knows the master."""
    with watched_by_three(CALM_MS) as watched, ExitStack() as silent:
        target = replace(watched.target, connect_timeout=0.5, command_timeout=1.0)
        for address in target.addresses[:2]:
            silent.enter_context(frozen(RedisTarget(addresses=(address,))))
        commands = Commands(connect(target))
        async with asyncio.timeout(15), Subscription(target, commands, CHANNELS) as subscription:
            assert await anext(subscription) == Resubscribed()
        await commands.aclose()
