"""Announcements over sharded pub/sub: published through the common pipeline, heard by one task."""

from collections.abc import AsyncIterator

from ciba_service.sca.phones.devices import UserTag
from ciba_service.stores.driver.subscription import Message, Subscription
from ciba_service.stores.keys import hub_channel
from ciba_service.stores.operations import Operations

__all__ = ["RedisBroadcast"]


class RedisBroadcast:
    """``ports.Broadcast`` on Redis."""

    __slots__ = ("_operations", "_subscription")

    def __init__(self, operations: Operations, subscription: Subscription) -> None:
        self._operations = operations
        self._subscription = subscription

    async def publish(self, tag: UserTag, data: bytes) -> None:
        """Tell all processes that listen on the channel of this user."""
        await self._operations.call("SPUBLISH", hub_channel(tag), data)

    async def listen(self) -> AsyncIterator[bytes | None]:
        """Messages as they come; None after every (re)subscription."""
        async for event in self._subscription:
            yield event.data if isinstance(event, Message) else None
