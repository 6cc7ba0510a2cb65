"""The till of ``examples/till`` as a test sees it: what it displays, and how it ends."""

import asyncio
import json
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.node_program import NODE, SECONDS
from tests.services.running_service import RunningService

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "till"
APPROVE = "Approve on your phone: "
TYPE = "Type there: "
WAITS = "waits "
"""What an impatient program says beside that."""


@dataclass
class Till:
    """A till that is running."""

    process: Process

    async def line(self, beginning: str = "") -> str:
        """The rest of the next line that begins so."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            while text := (await self.process.stdout.readline()).decode():
                if text.strip().startswith(beginning):
                    return text.strip().removeprefix(beginning)
        raise AssertionError(f"it ended before it said {beginning}")

    async def end(self) -> tuple[int | None, str]:
        """How it ended, and what it said since."""
        async with asyncio.timeout(SECONDS):
            said, _ = await self.process.communicate()
        lines = [line for line in said.decode().splitlines() if not line.startswith(WAITS)]
        return self.process.returncode, "\n".join(lines).strip()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)


@asynccontextmanager
async def till_program(
    service: RunningService,
    directory: Path,
    *,
    customer: str = "alice@example.org",
    patient: bool = False,
    lie: str | None = None,
    **configuration: str,
) -> AsyncIterator[Till]:
    """Sell something for 12.50 EUR; with a ``lie`` the bank's answer is changed on its way."""
    assert NODE.exists(), "run scripts/ensure-node.sh"
    settings = json.loads((EXAMPLE / "till.json").read_text("utf-8"))
    settings |= {"issuer": service.issuer, "key": "till.jwk"}
    settings |= {"payments": f"{service.issuer}/resource/payments", **configuration}
    (directory / "till.json").write_text(json.dumps(settings), "utf-8")
    (directory / "till.jwk").write_text(json.dumps(service.till.key.as_dict(private=True)), "utf-8")
    preloads = {"impatient.mjs": not patient, "lying_bank.mjs": lie is not None}
    words = [f"--import={HERE / name}" for name, is_wanted in preloads.items() if is_wanted]
    process = await asyncio.create_subprocess_exec(
        *(NODE, *words, EXAMPLE / "till.mjs", directory / "till.json", customer, "12.50"),
        stdout=PIPE,
        env={**os.environ, "LIE": lie or ""},
    )
    try:
        yield Till(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
