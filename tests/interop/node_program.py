"""A Node program as a test sees it: one JSON object a line, each within its time."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NODE = HERE / "node_modules" / ".bin" / "node"
SECONDS = 30
"""Bound of every wait; nothing takes nearly as long unless it hangs."""


@dataclass
class NodeProgram:
    """A running program of ``tests/interop``."""

    process: Process

    async def next(self, event: str) -> dict[str, Any]:
        """The next line, which must tell of ``event``."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            line = await self.process.stdout.readline()
        assert line, "the program ended"
        told = dict(json.loads(line))
        assert told.pop("event") == event, told
        return told


@asynccontextmanager
async def node_program(
    script: str, options: Mapping[str, Any], *, authorities: Path | None = None
) -> AsyncIterator[NodeProgram]:
    """Run a script until the end of the block; it trusts ``authorities`` (PEM), too."""
    assert NODE.exists(), "run scripts/ensure-node.sh"
    trust = {} if authorities is None else {"NODE_EXTRA_CA_CERTS": str(authorities)}
    process = await asyncio.create_subprocess_exec(
        NODE, HERE / script, stdin=PIPE, stdout=PIPE, env={**os.environ, **trust}
    )
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(options).encode() + b"\n")
        await process.stdin.drain()
        yield NodeProgram(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
