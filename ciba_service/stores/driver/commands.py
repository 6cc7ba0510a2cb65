"""Commands of one loop tick share a round trip; each caller gets its own reply or error."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any, Final

from hiredis import pack_command
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError

from ciba_service.stores.driver.cluster_pipeline import ClusterPipeline
from ciba_service.stores.driver.connection import disconnect
from ciba_service.stores.driver.faults import (
    DRIVER_ERRORS,
    StoreFault,
    StoreProgrammingError,
    store_error,
)
from ciba_service.stores.driver.link import Outcome
from ciba_service.stores.driver.observer import StoreObserver, Unobserved
from ciba_service.stores.driver.pipelines import (
    Argument,
    InTasks,
    Pipeline,
    Request,
    ServerPipeline,
)
from ciba_service.stores.driver.script import Script

__all__ = ["Argument", "Commands", "StoreFault", "StoreProgrammingError"]

_CLOSED: Final = "the connection to Redis is closed"
_KEY_OF_SCRIPT: Final = 2
"""EVALSHA and EVAL: after the script and the number of keys."""


class _Waiting(Request):
    """A request whose caller waits for ``reply``.

    ``present`` shows a reply as the driver does; ``script`` is what runs by its hash.
    """

    __slots__ = ("present", "reply", "script")

    def __init__(
        self,
        name: str,
        arguments: tuple[Argument, ...],
        reply: asyncio.Future[Any],
        *,
        key_at: int = 0,
        present: Callable[[Any], Any] | None = None,
        script: Script | None = None,
    ) -> None:
        # Packed here, so that a wrong argument fails its caller and nobody else.
        self.packed = pack_command((name, *arguments))  # type: ignore[arg-type] # of one type only, say its stubs
        self.name = name
        self.arguments = arguments
        self.key_at = key_at
        self.reply = reply
        self.present = present
        self.script = script

    def by_text(self, script: Script) -> "_Waiting":
        """The same with the text in place of the hash, which the server did not know."""
        arguments = (script.text, *self.arguments[1:])
        return _Waiting("EVAL", arguments, self.reply, key_at=_KEY_OF_SCRIPT)


class _Lane:
    """What waits to go to one server, and how many pipelines are under way there."""

    __slots__ = ("queue", "under_way")

    def __init__(self) -> None:
        self.queue: deque[_Waiting] = deque()
        self.under_way = 0


class Commands:
    """The way to Redis: gathers commands into pipelines and never sends one of them twice.

    Commands issued during one tick of the event loop go out together as soon as the tick ends, at
    most ``max_batch`` in one pipeline and ``max_flushes`` pipelines at a time; more of them wait.
    That is so for each node of a cluster by itself: one that is dead or slow holds up nobody whose
    keys are elsewhere. ``flushes`` counts the round trips made; ``observer`` is told of each. A
    command may be lost or run without its answer arriving: that is a ``StoreFault``, and ``run`` is
    the one place that repeats. An object belongs to one event loop.
    """

    def __init__(
        self,
        client: Redis | RedisCluster,
        *,
        max_batch: int = 512,
        max_flushes: int = 8,
        flush_seconds: float = 10.0,
        pipeline: Pipeline | None = None,
    ) -> None:
        """Send through ``client``, which must come from ``connect`` and is closed with this.

        ``flush_seconds`` bounds the making of a connection to one server, and a whole round trip
        to a cluster, whatever the timeouts of the sockets are. ``pipeline`` sends in place of the
        one that fits the client.
        """
        self.flushes = 0
        self.observer: StoreObserver = Unobserved()
        self._client = client
        self._is_cluster = isinstance(client, RedisCluster)
        self._pipeline: Pipeline = pipeline or (
            InTasks(ClusterPipeline(client), seconds=flush_seconds)
            if isinstance(client, RedisCluster)
            else ServerPipeline(client, connect_seconds=flush_seconds)
        )
        self._presented: dict[str | bytes, Any] = (
            {} if isinstance(client, RedisCluster) else dict(client.response_callbacks)
        )
        self._max_batch = max_batch
        self._max_flushes = max_flushes
        self._lanes: defaultdict[str, _Lane] = defaultdict(_Lane)
        self._scheduled = False
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calm: asyncio.Event | None = None

    async def call(self, name: str, *arguments: Argument) -> Any:  # noqa: ANN401
        """Run one command and return its reply, as redis-py presents it under RESP2.

        In a cluster the first argument must be the key; a command without arguments goes to any
        primary. Commands that block, subscribe or open a transaction have no place here.

        Raises:
            StoreFault: the command may or may not have run.
            StoreProgrammingError: Redis refused the command.
        """
        return await self.issue(name, *arguments)

    def issue(self, name: str, *arguments: Argument) -> asyncio.Future[Any]:
        """Likewise, without a coroutine: the reply is still to come."""
        waiting = _Waiting(name, arguments, self._reply(), present=self._presented.get(name))
        return self._submit(waiting)

    async def evaluate(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:  # noqa: ANN401
        """Run a script, by its hash, and by its text where the server does not know it yet.

        In a cluster all keys must be in one slot.

        Raises:
            StoreFault: the script may or may not have run.
            StoreProgrammingError: Redis refused the script, or it failed.
        """
        return await self.issue_script(script, keys, args)

    def issue_script(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument]
    ) -> asyncio.Future[Any]:
        """Likewise, without a coroutine: the reply is still to come."""
        arguments = (script.sha, len(keys), *keys, *args)
        return self._submit(
            _Waiting("EVALSHA", arguments, self._reply(), key_at=_KEY_OF_SCRIPT, script=script)
        )

    async def evaluate_each(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument]
    ) -> list[Any]:
        """Run a script that changes nothing and answers with a list, one value for each key.

        One server runs it once, over all keys; a cluster once a key, since the keys may be in any
        slots. Either way it is one round trip. What has no answer while others have is None: of a
        cluster a node may be gone.

        Raises:
            StoreFault: nothing has an answer.
            StoreProgrammingError: Redis refused the script, or it failed.
        """
        if not self._is_cluster:
            return list(await self.evaluate(script, keys, args))
        answers = await asyncio.gather(
            *(self.evaluate(script, [key], args) for key in keys), return_exceptions=True
        )
        failures = [each for each in answers if isinstance(each, BaseException)]
        serious = [each for each in failures if not isinstance(each, StoreFault)]
        if serious or 0 < len(failures) == len(keys):
            raise (serious or failures)[0]
        return [None if isinstance(each, BaseException) else each[0] for each in answers]

    async def aclose(self) -> None:
        """Let what is under way finish, then close every connection; later commands fail."""
        self._closed = True
        self._calm = asyncio.Event()
        self._flush()
        if not self._is_calm():
            await self._calm.wait()
        await self._pipeline.aclose()
        await disconnect(self._client)

    def _reply(self) -> asyncio.Future[Any]:
        if self._closed:
            raise StoreFault(_CLOSED)
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop.create_future()

    def _submit(self, waiting: _Waiting) -> asyncio.Future[Any]:
        self._lanes[self._pipeline.lane(waiting)].queue.append(waiting)
        if not self._scheduled:
            self._scheduled = True
            waiting.reply.get_loop().call_soon(self._flush)
        return waiting.reply

    def _flush(self) -> None:
        self._scheduled = False
        for lane in self._lanes.values():
            self._flush_lane(lane)

    def _flush_lane(self, lane: _Lane) -> None:
        while lane.queue and lane.under_way < self._max_flushes:
            batch = self._next_batch(lane.queue)
            if batch:
                lane.under_way += 1
                self.flushes += 1
                done = partial(self._answered, lane, batch, perf_counter())
                self._pipeline.send(batch, done)

    def _next_batch(self, queue: deque[_Waiting]) -> list[_Waiting]:
        """Take the next commands, without those whose callers have gone."""
        batch: list[_Waiting] = []
        while queue and len(batch) < self._max_batch:
            waiting = queue.popleft()
            if not waiting.reply.done():
                batch.append(waiting)
        return batch

    def _refused(self, lane: _Lane, waiting: _Waiting, error: Exception) -> None:
        if isinstance(error, NoScriptError) and waiting.script is not None:
            # NOSCRIPT says that nothing ran, so that this is no repetition.
            lane.queue.append(waiting.by_text(waiting.script))
        elif not waiting.reply.done():
            is_driver = isinstance(error, DRIVER_ERRORS)
            waiting.reply.set_exception(store_error(error) if is_driver else error)

    def _answered(
        self, lane: _Lane, batch: Sequence[_Waiting], began: float, outcome: Outcome
    ) -> None:
        lane.under_way -= 1
        failed = isinstance(outcome, Exception)
        self.observer.round_trip(len(batch), perf_counter() - began, failed=failed)
        answers = [outcome] * len(batch) if isinstance(outcome, Exception) else outcome
        for waiting, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                self._refused(lane, waiting, answer)
            elif not waiting.reply.done():  # Its caller may have been cancelled meanwhile.
                present = waiting.present
                waiting.reply.set_result(answer if present is None else present(answer))
        if lane.queue:
            self._flush_lane(lane)
        if self._calm is not None and self._is_calm():
            self._calm.set()

    def _is_calm(self) -> bool:
        return not any(lane.under_way for lane in self._lanes.values())
