"""Commands whose answers come once replicas have what they wrote.

Redis replicates after it has answered: what the master alone has is lost with it. Here each batch
ends with a write and a WAIT for it, on the connection that carried the batch, since WAIT counts the
writes of its own connection only. Nobody else shares that connection, so that nobody else waits.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final

from hiredis import pack_command
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import AskError, MovedError

from ciba_service.stores.driver.cluster_pipeline import ClusterPipeline
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.faults import StoreFault, is_no_master
from ciba_service.stores.driver.link import Outcome
from ciba_service.stores.driver.pipelines import (
    Argument,
    InTasks,
    Request,
    ServerPipeline,
)
from ciba_service.stores.driver.target import ReplicaWait
from ciba_service.stores.keys import fence_key

__all__ = ["DurableCommands"]

_CONNECTIONS: Final = 8
_FLUSH_SECONDS: Final = 10.0
_FENCE_MS: Final = 1000
_TOO_FEW: Final = "too few replicas have acknowledged it"

_Tell = Callable[[float, bool], None]
_Answers = Sequence[Any]


class _Wait(Request):
    """WAIT names no key: it goes to where ``fence`` is."""

    __slots__ = ("fence",)

    def __init__(
        self, name: str, arguments: tuple[Argument, ...], packed: bytes, *, fence: str
    ) -> None:
        super().__init__(name, arguments, packed)
        self.fence = fence

    @property
    def key(self) -> str:
        """See ``Request``."""
        return self.fence


class DurableCommands(Commands):
    """``Commands`` over a few connections of their own, each of which one batch at a time waits on.

    A command that too few replicas have acknowledged counts as one whose answer was lost: it ran,
    and is repeated under its operation id. While replicas are missing nothing more is run: each
    batch asks first whether they are back.
    """

    def __init__(self, client: Redis | RedisCluster, wait: ReplicaWait) -> None:
        """Send through ``client``, which nobody else uses and whose timeouts allow for the wait."""
        inner = (
            _ClusterWaits(client, wait, self._tell)
            if isinstance(client, RedisCluster)
            else _ServerWaits(client, wait, self._tell)
        )
        pipeline = InTasks(inner, seconds=_FLUSH_SECONDS)
        super().__init__(client, max_flushes=_CONNECTIONS, pipeline=pipeline)

    def _tell(self, seconds: float, enough: bool) -> None:  # noqa: FBT001 - see ``_Tell``
        self.observer.waited(seconds, enough=enough)


class _ServerWaits:
    """One server that waits for its replicas."""

    def __init__(self, client: Redis, wait: ReplicaWait, tell: _Tell) -> None:
        self._all = [
            ServerPipeline(client, connect_seconds=_FLUSH_SECONDS) for _ in range(_CONNECTIONS)
        ]
        self._idle = list(self._all)
        self._wait = wait
        self._tell = tell
        self._are_missing = False

    def lane(self, request: Request) -> str:
        """There is only one."""
        del request
        return ""

    async def send(self, batch: Sequence[Request]) -> _Answers:
        """Send the batch, with the wait in the same round trip."""
        if self._are_missing:
            await self._exchanged([], batch[0].key)
            if self._are_missing:
                return [StoreFault(_TOO_FEW)] * len(batch)
        return await self._exchanged(batch, batch[0].key)

    async def aclose(self) -> None:
        """Let the connections go."""
        for each in self._all:
            await each.aclose()

    async def _exchanged(self, batch: Sequence[Request], key: Argument | None) -> _Answers:
        began = perf_counter()
        replies = await self._replies([*batch, *_after(key, self._wait)])
        *answers, fence, reply = replies
        enough = _is_met(self._wait, fence, reply)
        self._are_missing = not enough
        self._tell(perf_counter() - began, enough)
        return answers if enough else _unconfirmed(answers)

    async def _replies(self, requests: Sequence[Request]) -> _Answers:
        """Over a connection that nobody waits on; there is one, since so few are under way."""
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        connection = self._idle.pop()
        try:
            connection.send(requests, lambda outcome: _settle(answered, outcome))
            outcome = await answered
        finally:
            self._idle.append(connection)
        if isinstance(outcome, Exception):
            await self._drop_idle()
            raise outcome
        if any(map(is_no_master, outcome)):
            await self._drop_idle()
        return outcome

    async def _drop_idle(self) -> None:
        """One that is dead, or leads to what is no master, speaks for all that lie idle."""
        for each in tuple(self._idle):
            await each.aclose()


class _ClusterWaits:
    """``Pipeline`` to the nodes of a cluster, each of which waits for its own replicas."""

    def __init__(self, client: RedisCluster, wait: ReplicaWait, tell: _Tell) -> None:
        # What is sent on to another node is sent over another connection, where nobody waits.
        self._pipeline = ClusterPipeline(client, follows_redirections=False)
        self._client = client
        self._wait = wait
        self._tell = tell
        self._missing: set[str] = set()

    def lane(self, request: Request) -> str:
        """Each node is waited for by itself."""
        return self._pipeline.lane(request)

    async def send(self, batch: Sequence[Request]) -> _Answers:
        """Send each request to the node of its key; what waits follows on each."""
        await self._client.initialize()
        if self._missing:
            suspects = [each for each in batch if self._pipeline.lane(each) in self._missing]
            await self._exchanged([], suspects)
        blocked = [self._pipeline.lane(each) in self._missing for each in batch]
        sent = [each for each, is_blocked in zip(batch, blocked, strict=True) if not is_blocked]
        answers = iter(await self._exchanged(sent, sent))
        return [StoreFault(_TOO_FEW) if is_blocked else next(answers) for is_blocked in blocked]

    async def aclose(self) -> None:
        """End what runs in the background."""
        await self._pipeline.aclose()

    async def _exchanged(self, batch: Sequence[Request], at: Iterable[Request]) -> _Answers:
        """Send ``batch``, and wait at each node that has one of ``at``."""
        await self._client.initialize()
        # From here to the sending nothing is awaited: each request goes where it is said to go.
        keys: defaultdict[str, dict[str, Argument | None]] = defaultdict(dict)
        for each in at:
            keys[self.lane(each)][_fence_of(each.key)] = each.key
        if not keys:
            return []
        began, places = perf_counter(), [self.lane(each) for each in batch]
        answers, said = await self._sent(batch, _one_of_each(keys))
        # A slot on the move takes no new key; the replicas of its node are asked by another one.
        while again := _one_of_each({node: keys[node] for node in _moving(said)}):
            _, more = await self._sent([], again)
            said |= more
        moving = set(_moving(said))
        short = {node for node, pair in said.items() if not _is_met(self._wait, *pair)}
        missing = short - moving
        self._missing = (self._missing - (set(said) - moving)) | missing
        self._tell(perf_counter() - began, not missing)
        return [
            _unconfirmed([answer])[0] if node in short else answer
            for node, answer in zip(places, answers, strict=True)
        ]

    async def _sent(
        self, batch: Sequence[Request], keys: Mapping[str, Argument | None]
    ) -> tuple[_Answers, dict[str, tuple[object, object]]]:
        """The answers to the batch, and what each node says to the write and to the wait for it.

        A key that has left its node meanwhile says nothing about it.
        """
        nodes = {}
        waits: list[Request] = []
        for node, key in keys.items():
            fence, wait = _after(key, self._wait)
            if self.lane(fence) == node:
                nodes[node] = len(batch) + len(waits)
                waits += (fence, wait)
        replies = await self._pipeline.send([*batch, *waits])
        said = {
            node: (replies[position], replies[position + 1]) for node, position in nodes.items()
        }
        return replies[: len(batch)], said


def _one_of_each(keys: Mapping[str, dict[str, Argument | None]]) -> dict[str, Argument | None]:
    """Take a key of each node that has some left."""
    return {node: left.popitem()[1] for node, left in keys.items() if left}


def _moving(said: Mapping[str, tuple[object, object]]) -> list[str]:
    """The nodes whose write met a slot on the move, which says nothing about their replicas."""
    return [
        node
        for node, (fence, _) in said.items()
        if isinstance(fence, AskError) and not isinstance(fence, MovedError)
    ]


def _after(key: Argument | None, wait: ReplicaWait) -> tuple[Request, Request]:
    """What follows the last command of a batch, on the server that has ``key``.

    First a write: a repeated script writes nothing, and of a connection that has written nothing
    WAIT has nothing to wait for, though what the script found may be on the way still.
    """
    name = _fence_of(key)
    fence, waits = (name, "1", "PX", _FENCE_MS), (wait.replicas, wait.milliseconds)
    return (
        Request("SET", fence, _packed("SET", *fence)),
        _Wait("WAIT", waits, _packed("WAIT", *waits), fence=name),
    )


def _fence_of(key: Argument | None) -> str:
    return fence_key(key.decode() if isinstance(key, bytes) else str(key))


def _packed(*command: Argument) -> bytes:
    packed: bytes = pack_command(command)  # type: ignore[arg-type] # of one type only, say its stubs
    return packed


def _settle(answered: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not answered.done():
        answered.set_result(outcome)


def _is_met(wait: ReplicaWait, fence: object, reply: object) -> bool:
    """Whether the replies to both say that enough have everything up to there."""
    refused = isinstance(fence, Exception)
    return not refused and isinstance(reply, int) and reply >= wait.replicas


def _unconfirmed(answers: _Answers) -> _Answers:
    """What ran counts as unanswered; what was refused stays refused."""
    return [each if isinstance(each, Exception) else StoreFault(_TOO_FEW) for each in answers]
