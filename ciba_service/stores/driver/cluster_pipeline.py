"""Sending one batch of commands to the nodes of a cluster."""

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.cluster import PRIMARY, get_node_name
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    RedisClusterException,
    SlotNotCoveredError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ciba_service.stores.driver.faults import DRIVER_ERRORS
from ciba_service.stores.driver.pipelines import Argument, Request

__all__ = ["ClusterPipeline"]

_TOPOLOGY_ERRORS: Final = (
    OSError,
    RedisConnectionError,
    RedisTimeoutError,
    ClusterDownError,
    MovedError,
    RedisClusterException,
)
_REDIRECTIONS: Final = 3
"""To the owner, to where a slot is on its way, and once more where it arrived meanwhile."""

_LOOK_PAUSE: Final = 0.25
"""Seconds between two looks at the topology: each goes through all slots, and the driver connects
anew to every node after it."""

_Places = Mapping[int, tuple[ClusterNode, bool]]
"""Where the requests at these positions of a batch go, and whether they ask there first."""


class ClusterPipeline:
    """The nodes of a cluster.

    With its own retries off the driver never looks at the topology again, so that a fault of the
    transport makes us do it: beside the callers, one look at a time, and not at every fault. What
    another node answers for is sent on to it, or without ``follows_redirections`` refused. ASKING
    holds for the next command of its connection only; the driver would send the two over two
    connections, and leave the first to let something else read a slot that is not there yet.
    """

    def __init__(self, client: RedisCluster, *, follows_redirections: bool = True) -> None:
        self._client = client
        self._configured = dict(client.nodes_manager.startup_nodes)
        self._newcomers: dict[str, ClusterNode] = {}
        self._redirections = _REDIRECTIONS if follows_redirections else 0
        self._refreshing: asyncio.Task[None] | None = None

    def lane(self, request: Request) -> str:
        """The primary of its key; '' while none is known, and where any will do."""
        if request.key is None:
            return ""
        try:
            return str(self.node(request.key).name)
        except SlotNotCoveredError:
            return ""

    async def send(self, batch: Sequence[Request]) -> list[Any]:
        """Send each request to the node of its key, all nodes at once."""
        await self._client.initialize()
        replies: list[Any] = [None] * len(batch)
        places: dict[int, tuple[ClusterNode, bool]] = {}
        for position, request in enumerate(batch):
            try:
                places[position] = self.node(request.key), False
            except SlotNotCoveredError as error:
                replies[position] = error
        is_covered = len(places) == len(batch)
        await self._exchange(batch, places, replies)
        for _ in range(self._redirections):
            redirected = await self._redirected(replies)
            if not redirected:
                break
            places.update(redirected)
            await self._exchange(batch, redirected, replies)
        suspects = {
            node for at, (node, _) in places.items() if isinstance(replies[at], _TOPOLOGY_ERRORS)
        }
        if suspects or not is_covered:
            self._refresh(suspects)
        return replies

    async def aclose(self) -> None:
        """End a look at the topology that is under way, and the connections only this made."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait({self._refreshing})
        for node in self._newcomers.values():
            await node.disconnect()

    def node(self, key: Argument | None) -> ClusterNode:
        """The primary of a key, or whichever; ``SlotNotCoveredError`` while none is known."""
        if key is not None:
            owners = self._client.nodes_manager.slots_cache.get(self._client.keyslot(key))
        else:
            owners = self._client.get_primaries()
            random.shuffle(owners)  # Of one that is dead nobody asks again and again.
        if not owners:
            raise SlotNotCoveredError("no node is known for the key")
        return owners[0]

    async def _exchange(
        self, batch: Sequence[Request], places: _Places, replies: list[Any]
    ) -> None:
        """Send what has a place, over one connection to each node, and put down its replies."""
        pipeline = self._client.pipeline()
        for position, (node, asks) in places.items():
            # Named here, since a command the driver cannot route fails the whole batch.
            if asks:
                pipeline.execute_command("ASKING", target_nodes=node)
            request = batch[position]
            pipeline.execute_command(request.name, *request.arguments, target_nodes=node)
        try:
            answers = iter(await pipeline.execute(raise_on_error=False, allow_redirections=False))
        except _TOPOLOGY_ERRORS:
            self._refresh({node for node, _ in places.values()})
            raise
        for position, (_, asks) in places.items():
            if asks:
                next(answers)
            replies[position] = next(answers)

    async def _redirected(self, replies: Sequence[Any]) -> _Places:
        """Where what was redirected goes now; nothing of it has run."""
        found: dict[int, tuple[ClusterNode, bool]] = {}
        for position, reply in enumerate(replies):
            if isinstance(reply, AskError):
                node = await self._told(reply)
                if node is not None:
                    found[position] = node, not isinstance(reply, MovedError)
        return found

    async def _told(self, error: AskError) -> ClusterNode | None:
        """The node that a redirection names, which after MOVED is the owner from now on."""
        if not error.host:
            return None
        manager = self._client.nodes_manager
        if isinstance(error, MovedError) and error.slot_id in manager.slots_cache:
            await manager.move_slot(error)
        node: ClusterNode | None = self._client.get_node(error.host, error.port)
        if node is None:
            # A node that has no slot yet is in no topology: the first one is on its way there. The
            # driver forgets it at the next look, whether or not its connections are closed.
            name = get_node_name(error.host, error.port)
            node = self._newcomers.get(name) or ClusterNode(
                error.host, error.port, PRIMARY, **manager.connection_kwargs
            )
            self._newcomers[name] = node
            manager.set_nodes(manager.nodes_cache, {name: node})
        return node

    def _refresh(self, suspects: Iterable[ClusterNode]) -> None:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._look_again(tuple(suspects)))

    async def _look_again(self, suspects: Sequence[ClusterNode]) -> None:
        for node in suspects:
            # Not ``disconnect_free_connections``: it closes what somebody takes meanwhile. Those
            # that are marked go when they are next taken or released.
            for connection in node._connections:  # noqa: SLF001 - the driver marks only some
                connection.mark_for_reconnect()  # type: ignore[no-untyped-call]
        manager = self._client.nodes_manager
        try:
            await manager.initialize()
        except DRIVER_ERRORS:
            # The next fault looks again, also where the configuration says: the driver knows the
            # addresses only that the nodes had, and all may have new ones by now.
            manager.startup_nodes = self._configured | manager.startup_nodes
        await asyncio.sleep(_LOOK_PAUSE)
