"""Commands and scripts, each retried until its deadline: what the stores are written on."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Sequence
from functools import lru_cache, partial
from typing import Any, Final

from ciba_service.ports import Clock, StoreUnavailable
from ciba_service.stores.driver.commands import Argument, Commands, StoreFault
from ciba_service.stores.driver.deadlines import Deadlines
from ciba_service.stores.driver.run import run
from ciba_service.stores.driver.script import Script

__all__ = ["OPERATION_MEMORY_MS", "Operations", "operation_mark"]

# How long the outcome of an operation is remembered for its retries: longer than any transaction
# lives in the store, since its due work may be done again until the end.
OPERATION_MEMORY_MS: Final = 1_800_000
_MARK_BYTES: Final = 8


class Operations:
    """Runs commands with retries; every script that changes something carries an operation id.

    Durable scripts and commands go by ``durable`` where there is one, which waits for replicas.
    What they answer, also to a retry, is then known to them; without it they are like the others.
    """

    __slots__ = ("_clock", "_commands", "_deadline_ms", "_deadlines", "_durable")

    def __init__(
        self,
        commands: Commands,
        *,
        clock: Clock,
        deadline_ms: int,
        durable: Commands | None = None,
    ) -> None:
        self._commands = commands
        self._durable = durable or commands
        self._clock = clock
        self._deadline_ms = deadline_ms
        self._deadlines = Deadlines(deadline_ms / 1000)

    def evaluate(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument]
    ) -> Coroutine[Any, Any, Any]:
        """Run a script; raises ``StoreUnavailable``."""
        commands = self._durable if script.durable else self._commands
        return self._answered(commands.issue_script, script, keys, args)

    async def evaluate_each(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument]
    ) -> list[Any]:
        """Ask for one value of each key, in one round trip; raises ``StoreUnavailable``.

        What cannot be had while others can is None.
        """
        return await run(
            lambda: self._commands.evaluate_each(script, keys, args),
            deadline_ms=self._deadline_ms,
            clock=self._clock,
            observer=self._commands.observer,
        )

    def call(self, name: str, *arguments: Argument) -> Coroutine[Any, Any, Any]:
        """Run one command; raises ``StoreUnavailable``."""
        return self._answered(self._commands.issue, name, *arguments)

    async def confirm(self, key: str) -> None:
        """Wait for whatever was written where a key is; raises ``StoreUnavailable``."""
        if self._durable is not self._commands:
            await self.call_durably("EXISTS", key)

    def call_durably(self, name: str, *arguments: Argument) -> Coroutine[Any, Any, Any]:
        """Run one command, after which nothing of its key is lost; raises ``StoreUnavailable``."""
        return self._answered(self._durable.issue, name, *arguments)

    async def _answered(self, send: Callable[..., asyncio.Future[Any]], *what: object) -> Any:  # noqa: ANN401 - a Redis reply
        """The reply to the first attempt, which costs next to nothing; ``run`` does the others."""
        try:
            reply = send(*what)
        except StoreFault as fault:  # What is still asked when the service has ended.
            raise StoreUnavailable("the connection to Redis is closed") from fault
        end = self._deadlines.watch(reply)
        try:
            return await reply
        except StoreFault as fault:
            observer = self._commands.observer
            left_ms = int((end - asyncio.get_running_loop().time()) * 1000)
            if left_ms <= 0:
                observer.gave_up()
                raise StoreUnavailable("Redis did not answer in time") from fault
        observer.repeated()
        again = partial(send, *what)
        return await run(again, deadline_ms=left_ms, clock=self._clock, observer=observer)


@lru_cache(maxsize=64)
def operation_mark(operation: str) -> bytes:
    """What is kept of an operation's id where there are many: enough to know it again."""
    return hashlib.sha256(operation.encode()).digest()[:_MARK_BYTES]
