"""Commands whose answers come once replicas have what they wrote.

Redis replicates after it has answered: what the master alone has is lost with it. Here each batch
ends with a write and a WAIT for it, on the connection that carried the batch, since WAIT counts the
writes of its own connection only. Nobody else shares that connection, so that nobody else waits.
"""

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import SlotNotCoveredError

from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.faults import StoreFault
from ciba_service.stores.driver.pipelines import (
    ClusterPipeline,
    Pipeline,
    Request,
    ServerPipeline,
)
from ciba_service.stores.driver.target import ReplicaWait
from ciba_service.stores.keys import fence_key

__all__ = ["DurableCommands"]

_FENCE_MS: Final = b"1000"
_TOO_FEW: Final = "too few replicas have acknowledged it"

_Tell = Callable[[float, bool], None]
_Answers = Sequence[Any]


class DurableCommands(Commands):
    """``Commands`` on connections of their own, with at most ``max_flushes`` batches under way.

    A command that too few replicas have acknowledged counts as one whose answer was lost: it ran,
    and is repeated under its operation id. While replicas are missing nothing more is run: each
    batch asks first whether they are back.
    """

    def __init__(
        self, client: Redis | RedisCluster, wait: ReplicaWait, *, max_flushes: int = 8
    ) -> None:
        """Send through ``client``, which nobody else uses and whose timeouts allow for the wait."""
        pipeline: Pipeline = (
            _ClusterWaits(client, wait, self._tell)
            if isinstance(client, RedisCluster)
            else _ServerWaits(client, wait, self._tell)
        )
        super().__init__(client, max_flushes=max_flushes, pipeline=pipeline)

    def _tell(self, seconds: float, enough: bool) -> None:  # noqa: FBT001 - see ``_Tell``
        self.observer.waited(seconds, enough=enough)


class _ServerWaits:
    """``Pipeline`` to one server that waits for its replicas."""

    def __init__(self, client: Redis, wait: ReplicaWait, tell: _Tell) -> None:
        self._pipeline = ServerPipeline(client)
        self._wait = wait
        self._tell = tell
        self._are_missing = False

    async def send(self, batch: Sequence[Request]) -> list[Any]:
        """Send the batch, with the wait in the same round trip."""
        if self._are_missing:
            await self._exchanged([], batch[0].key)
            if self._are_missing:
                return [StoreFault(_TOO_FEW)] * len(batch)
        return await self._exchanged(batch, batch[0].key)

    async def aclose(self) -> None:
        """Let the connections go."""
        await self._pipeline.aclose()

    async def _exchanged(self, batch: Sequence[Request], key: bytes | None) -> list[Any]:
        began = perf_counter()
        sent = [*batch, *_after(key, self._wait)]
        *answers, fence, reply = await self._pipeline.send(sent)
        enough = _is_met(self._wait, fence, reply)
        self._are_missing = not enough
        self._tell(perf_counter() - began, enough)
        return answers if enough else _unconfirmed(answers)


class _ClusterWaits:
    """``Pipeline`` to the nodes of a cluster, each of which waits for its own replicas."""

    def __init__(self, client: RedisCluster, wait: ReplicaWait, tell: _Tell) -> None:
        # What is sent on to another node is sent over another connection, where nobody waits.
        self._pipeline = ClusterPipeline(client, follows_redirections=False)
        self._client = client
        self._wait = wait
        self._tell = tell
        self._missing: set[str] = set()

    async def send(self, batch: Sequence[Request]) -> list[Any]:
        """Send each request to the node of its key; what waits follows on each."""
        await self._client.initialize()
        if self._missing:
            suspects = [each for each in batch if self._node(each) in self._missing]
            await self._exchanged([], suspects)
        blocked = [self._node(each) in self._missing for each in batch]
        sent = [each for each, is_blocked in zip(batch, blocked, strict=True) if not is_blocked]
        answers = iter(await self._exchanged(sent, sent))
        return [StoreFault(_TOO_FEW) if is_blocked else next(answers) for is_blocked in blocked]

    async def aclose(self) -> None:
        """End what runs in the background."""
        await self._pipeline.aclose()

    async def _exchanged(self, batch: Sequence[Request], at: Iterable[Request]) -> list[Any]:
        """Send ``batch``, and wait at each node that has one of ``at``."""
        await self._client.initialize()
        # From here to the sending nothing is awaited: each request goes where it is said to go.
        nodes = {self._node(each): each.key for each in at}
        waits = [each for key in nodes.values() for each in _after(key, self._wait)]
        if not waits:
            return []
        began, places = perf_counter(), [self._node(each) for each in batch]
        replies = await self._pipeline.send([*batch, *waits])
        said = replies[len(batch) :]
        pairs = zip(said[::2], said[1::2], strict=True)
        short = {
            node for node, pair in zip(nodes, pairs, strict=True) if not _is_met(self._wait, *pair)
        }
        self._missing = (self._missing - set(nodes)) | short
        self._tell(perf_counter() - began, not short)
        return [
            _unconfirmed([answer])[0] if node in short else answer
            for node, answer in zip(places, replies[: len(batch)], strict=True)
        ]

    def _node(self, request: Request) -> str:
        try:
            return self._pipeline.node(request.key).name
        except SlotNotCoveredError:
            return ""  # It is sent nowhere, and its reply says why.


def _after(key: bytes | None, wait: ReplicaWait) -> tuple[Request, Request]:
    """What follows the last command of a batch, on the server that has ``key``.

    First a write: a repeated script writes nothing, and of a connection that has written nothing
    WAIT has nothing to wait for, though what the script found may be on the way still.
    """
    fence = fence_key(key or b"")
    replicas, milliseconds = b"%d" % wait.replicas, b"%d" % wait.milliseconds
    written = Request("SET", (fence, b"1", b"PX", _FENCE_MS), fence)
    return written, Request("WAIT", (replicas, milliseconds), fence)


def _is_met(wait: ReplicaWait, fence: object, reply: object) -> bool:
    """Whether the replies to both say that enough have everything up to there."""
    refused = isinstance(fence, Exception)
    return not refused and isinstance(reply, int) and reply >= wait.replicas


def _unconfirmed(answers: _Answers) -> list[Any]:
    """What ran counts as unanswered; what was refused stays refused."""
    return [each if isinstance(each, Exception) else StoreFault(_TOO_FEW) for each in answers]
