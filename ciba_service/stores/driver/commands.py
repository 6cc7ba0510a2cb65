"""Commands of one loop tick share a round trip; each caller gets its own reply or error."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError

from ciba_service.stores.driver.connection import disconnect
from ciba_service.stores.driver.faults import (
    DRIVER_ERRORS,
    StoreFault,
    StoreProgrammingError,
    store_error,
)
from ciba_service.stores.driver.observer import StoreObserver, Unobserved
from ciba_service.stores.driver.pipelines import ClusterPipeline, Pipeline, Request, ServerPipeline
from ciba_service.stores.driver.script import Script

__all__ = ["Argument", "Commands", "StoreFault", "StoreProgrammingError"]

Argument = str | bytes | int

_CLOSED: Final = "the connection to Redis is closed"


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    request: Request
    reply: asyncio.Future[Any]
    script: Script | None = None
    """What the request runs by its hash, which the server may not know yet."""

    def by_text(self, script: Script) -> Request:
        """The same with the text in place of the hash."""
        arguments = (script.text.encode(), *self.request.arguments[1:])
        return Request("EVAL", arguments, self.request.key)


def _encoded(argument: Argument) -> bytes:
    """Encode for the wire here, so that a wrong argument fails its caller and nobody else."""
    if isinstance(argument, str):
        return argument.encode("utf-8")
    if isinstance(argument, bytes):
        return argument
    if isinstance(argument, int) and not isinstance(argument, bool):
        return b"%d" % argument
    raise TypeError(f"a command takes text, bytes and integers, not {type(argument).__name__}")


def _settle(waiting: _Waiting, answer: object) -> None:
    if waiting.reply.done():
        return  # Its caller was cancelled meanwhile.
    if isinstance(answer, Exception):
        waiting.reply.set_exception(store_error(answer))
    else:
        waiting.reply.set_result(answer)


class Commands:
    """The way to Redis: gathers commands into pipelines and never sends one of them twice.

    Commands issued during one tick of the event loop go out together as soon as the tick ends, at
    most ``max_batch`` in one pipeline and ``max_flushes`` pipelines at a time; more of them wait.
    ``flushes`` counts the round trips made; ``observer`` is told of each. A command may be lost or
    run without its answer arriving: that is a ``StoreFault``, and ``run`` is the one place that
    repeats. An object belongs to one event loop.
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

        ``max_flushes`` must not exceed the client's connection pool; ``flush_seconds`` bounds a
        whole round trip, whatever the timeouts of the sockets are. ``pipeline`` sends in place of
        the one that fits the client.
        """
        self.flushes = 0
        self.observer: StoreObserver = Unobserved()
        self._client = client
        self._is_cluster = isinstance(client, RedisCluster)
        self._pipeline: Pipeline = pipeline or (
            ClusterPipeline(client) if isinstance(client, RedisCluster) else ServerPipeline(client)
        )
        self._max_batch = max_batch
        self._max_flushes = max_flushes
        self._flush_seconds = flush_seconds
        self._queue: deque[_Waiting] = deque()
        self._flushing: set[asyncio.Task[None]] = set()
        self._scheduled = False
        self._closed = False

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
        encoded = tuple(_encoded(argument) for argument in arguments)
        request = Request(name, encoded, key=encoded[0] if encoded else None)
        return self._submit(request)

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
        encoded = [_encoded(argument) for argument in (*keys, *args)]
        key = encoded[0] if keys else None
        return self._submit(
            Request("EVALSHA", (script.sha.encode(), b"%d" % len(keys), *encoded), key), script
        )

    async def evaluate_each(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument]
    ) -> list[Any]:
        """Run a script that changes nothing and answers with a list, one value for each key.

        One server runs it once, over all keys; a cluster once a key, since the keys may be in any
        slots. Either way it is one round trip, and a fault of one is a fault of all.

        Raises:
            StoreFault: some or all have no answer.
            StoreProgrammingError: Redis refused the script, or it failed.
        """
        if not self._is_cluster:
            return list(await self.evaluate(script, keys, args))
        answers = await asyncio.gather(*(self.evaluate(script, [key], args) for key in keys))
        return [value for (value,) in answers]

    async def aclose(self) -> None:
        """Let what is under way finish, then close every connection; later commands fail."""
        self._closed = True
        while self._flushing or self._queue:
            self._flush()
            if self._flushing:
                await asyncio.wait(self._flushing)
        await self._pipeline.aclose()
        await disconnect(self._client)

    def _submit(self, request: Request, script: Script | None = None) -> asyncio.Future[Any]:
        if self._closed:
            raise StoreFault(_CLOSED)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, loop.create_future(), script)
        self._queue.append(waiting)
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._flush)
        return waiting.reply

    def _flush(self) -> None:
        self._scheduled = False
        while self._queue and len(self._flushing) < self._max_flushes:
            batch = self._next_batch()
            if batch:
                task = asyncio.create_task(self._send(batch))
                self._flushing.add(task)
                task.add_done_callback(partial(self._sent, batch))

    def _next_batch(self) -> list[_Waiting]:
        """Take the next commands, without those whose callers have gone."""
        batch: list[_Waiting] = []
        while self._queue and len(batch) < self._max_batch:
            waiting = self._queue.popleft()
            if not waiting.reply.done():
                batch.append(waiting)
        return batch

    async def _send(self, batch: Sequence[_Waiting]) -> None:
        answers = await self._exchange([waiting.request for waiting in batch])
        unknown: list[tuple[_Waiting, Request]] = []
        for waiting, answer in zip(batch, answers, strict=True):
            if isinstance(answer, NoScriptError) and waiting.script is not None:
                unknown.append((waiting, waiting.by_text(waiting.script)))
            else:
                _settle(waiting, answer)
        if unknown:
            # NOSCRIPT says that nothing ran, so that this is no repetition.
            answers = await self._exchange([request for _, request in unknown])
            for (waiting, _), answer in zip(unknown, answers, strict=True):
                _settle(waiting, answer)

    async def _exchange(self, requests: Sequence[Request]) -> Sequence[Any]:
        self.flushes += 1
        began, failed = perf_counter(), True
        try:
            async with asyncio.timeout(self._flush_seconds):
                answers = await self._pipeline.send(requests)
            failed = False
        except DRIVER_ERRORS as error:
            return [error] * len(requests)
        finally:
            self.observer.round_trip(len(requests), perf_counter() - began, failed=failed)
        return answers

    def _sent(self, batch: Sequence[_Waiting], task: asyncio.Task[None]) -> None:
        """Leave no caller waiting, whatever became of the flush."""
        self._flushing.discard(task)
        unexpected = StoreFault(_CLOSED) if task.cancelled() else task.exception()
        for waiting in batch:
            if unexpected is not None and not waiting.reply.done():
                waiting.reply.set_exception(unexpected)
        self._flush()
