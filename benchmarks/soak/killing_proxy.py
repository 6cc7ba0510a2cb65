"""Fault points: a proxy between a process and Redis that kills the process at a script.

Either before the script reaches Redis, or after it has run and before its reply is seen. Nothing
in the service knows of it. While no fault is armed, bytes go through as they come.
"""

import asyncio
import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

import ciba_service.stores
from ciba_service.protocol.transaction.state import Event as StateEvent
from ciba_service.stores.driver.script import Script
from tests.redis.reply_dropping_proxy import _whole_commands

__all__ = ["KillingProxy", "When", "scripts_by_hash"]

_EVALSHA: Final = b"EVALSHA\r\n$40\r\n"
_HASH_LENGTH: Final = 40
_DONE: Final = b"$12\r\nproxy-marker\r\n"
_MARK: Final = b"*2\r\n$4\r\nECHO\r\n" + _DONE


class When(StrEnum):
    """At which end of a script."""

    BEFORE = "before"
    AFTER = "after"


def scripts_by_hash() -> dict[bytes, str]:
    """The name of each script of the service, by the hash that commands name."""
    found: dict[bytes, str] = {}
    for module in pkgutil.walk_packages(ciba_service.stores.__path__, "ciba_service.stores."):
        if not module.ispkg:
            members = vars(importlib.import_module(module.name)).values()
            found |= {each.sha.encode(): each.name for each in members if isinstance(each, Script)}
    return found


class KillingProxy:
    """``kill`` ends the process; ``done`` counts at which points that was."""

    def __init__(self, port: int, kill: Callable[[], bool]) -> None:
        self.port = 0
        self.done: Counter[tuple[str, When]] = Counter()
        self._upstream = port
        self._kill = kill
        self._names = scripts_by_hash()
        self._armed: When | None = None
        self._seen: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    def arm(self, when: When) -> None:
        """Kill at the next script, one that was a fault point less often than others first."""
        self._armed = when

    @property
    def is_armed(self) -> bool:
        """Whether a kill is still to come."""
        return self._armed is not None

    def disarm(self) -> None:
        """Let everything pass."""
        self._armed = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._passing:
            task.cancel()
        if self._passing:
            await asyncio.wait(self._passing)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._upstream, limit=1 << 20)
        except OSError:
            writer.close()
            return
        returning = asyncio.create_task(_pump(back, writer))
        try:
            await self._forward(reader, back, forth, returning)
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError, RuntimeError):
            pass  # The last is what uvloop raises where the other end has gone.
        finally:
            returning.cancel()
            forth.close()
            writer.close()

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        back: asyncio.StreamReader,
        forth: asyncio.StreamWriter,
        returning: asyncio.Task[None],
    ) -> None:
        while received := await reader.read(1 << 20):
            script = self._at_fault_point(received)
            if script is not None and self._armed is not None:
                when, self._armed = self._armed, None
                if when is When.AFTER:
                    returning.cancel()
                    await asyncio.wait({returning})
                    forth.write(received + _MARK)
                    await back.readuntil(_DONE)
                if self._kill():
                    self.done[script, when] += 1
                return
            forth.write(received)
            await forth.drain()

    def _name(self, part: bytes) -> str:
        """That of the script at the start, and of a swap its event as well."""
        name = self._names.get(part[:_HASH_LENGTH], "")
        if name != "swap":
            return name
        events = (each for each in StateEvent if b"\r\n%b\r\n" % each.encode() in part)
        return f"swap {next(events, '')}"

    def _at_fault_point(self, received: bytes) -> str | None:
        """The script to kill at, if this is a batch of whole commands that has one."""
        if self._armed is None or _EVALSHA not in received:
            return None
        size, _ = _whole_commands(received)
        if size != len(received):
            return None
        names = {self._name(part) for part in received.split(_EVALSHA)[1:]} - {""}
        if not names:
            return None
        rarest = min(names, key=lambda name: self.done[name, self._armed or When.BEFORE])
        self._seen[rarest] += 1
        # What was a fault point already is passed over a while: others are rarer.
        if self._seen[rarest] <= 20 * self.done[rarest, self._armed]:
            return None
        self._seen[rarest] = 0
        return rarest


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while received := await reader.read(1 << 20):
            writer.write(received)
            await writer.drain()
    if reader.at_eof():
        writer.close()
