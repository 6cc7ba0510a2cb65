"""A worker as its parent has it: a process, and the channel that joins the two."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Self

from ciba_service.commands.serving.bound_addresses import BoundAddresses
from ciba_service.commands.workers.channel import READY, framed

__all__ = ["WORKER", "WorkerProcess"]

WORKER: Final = (sys.executable, "-P", "-m", "ciba_service.commands.workers.worker")
"""A program of its own, not a copy of this process: it inherits no loop, thread or pipe."""


class WorkerProcess:
    """One that was started; it lives in a session of its own, so that no terminal signals it."""

    def __init__(
        self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(
        cls,
        program: Sequence[str],
        number: int,
        addresses: BoundAddresses,
        documents: Sequence[str],
    ) -> Self:
        """Start it with the sockets that it serves, and tell it these configurations.

        Raises:
            OSError: the system starts no process.
        """
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        with theirs:
            passed = (theirs.fileno(), *(each.fileno() for each in addresses.sockets))
            words = (str(number), str(theirs.fileno()), addresses.words)
            try:
                process = await asyncio.create_subprocess_exec(
                    *program, *words, stdin=DEVNULL, pass_fds=passed, start_new_session=True
                )
            except OSError:
                writer.close()
                raise
        worker = cls(process, reader, writer)
        for document in documents:
            worker.tell(document)
        return worker

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def tell(self, document: str) -> None:
        """Send a configuration that was accepted; nothing happens when it has ended."""
        if not self._writer.is_closing():
            self._writer.write(framed(document))

    async def is_ready(self) -> bool:
        """Wait until it serves; False when it ends before."""
        try:
            return await self._reader.read(1) == READY
        except OSError:
            return False

    async def ended(self) -> int:
        """Wait until it has ended; returns its status, or minus the signal that ended it."""
        status = await self._process.wait()
        self._writer.close()
        return status

    def told_to_end(self) -> None:
        """As a person would: once it drains, twice it goes at once."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """It does not end otherwise."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)
