"""``make conformance``: our own service under the conformance runner, in each profile and mode.

The service, the phone with its automation port and the runner are processes of their own, as with
any other provider. The reports go to docs/conformance; the exit status says whether all passed.
"""

import argparse
import asyncio
import sys
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Final

from conformance_place import ACTIVATION_CODE, RUNS, Tested, prepare
from demo_place import BIN, Place, free_port, run_program
from demo_stage import Timeline, service

REPORTS: Final = Path(__file__).resolve().parent.parent / "docs" / "conformance"
PORT: Final = 8480


async def main(names: list[str], reports: Path) -> int:
    """Run those that are named, or all; returns the exit status."""
    chosen = [run for run in RUNS if not names or run.name in names]
    statuses = [
        await _of_profile(list(runs), reports)
        for _, runs in groupby(chosen, lambda run: run.profile)
    ]
    return max(statuses, default=0)


async def _of_profile(runs: list[Tested], reports: Path) -> int:
    """A service for each profile: one that has push for some may not be called FAPI."""
    with tempfile.TemporaryDirectory(prefix="ciba-conformance-") as directory:
        port, callback_port, automation_port = free_port(PORT), free_port(0), free_port(0)
        issuer = f"http://127.0.0.1:{port}"
        place = Place(Path(directory), issuer, port, 0, 0, callback_port, code="")
        await prepare(place, runs, automation_port)
        async with service(place, Timeline()), _phone(place, automation_port):
            statuses = [await _tested(place, run, reports) for run in runs]
    return max(statuses, default=0)


@asynccontextmanager
async def _phone(place: Place, port: int) -> AsyncIterator[None]:
    """Alice's phone, which decides when it is told over HTTP."""
    state = ["--state", str(place.directory / "phone"), "--pin-file", str(place.directory / "pin")]
    await run_program(
        "authenticator-sim", "enrol", *state, "--issuer", place.issuer,
        "--activation-code", ACTIVATION_CODE, "--name", "Alice's phone",
    )  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        BIN / "authenticator-sim", "run", *state, "--automation-port", str(port), stdout=DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def _tested(place: Place, run: Tested, reports: Path) -> int:
    files = [
        flag
        for kind, end in (("html", "html"), ("json", "json"), ("markdown", "md"))
        for flag in (f"--{kind}", str(reports / f"{run.name}.{end}"))
    ]
    process = await asyncio.create_subprocess_exec(
        *(BIN / "ciba-client", "conformance", "--config", place.directory / f"{run.name}.toml"),
        *("--quiet", *files),
    )
    return await process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", help=f"of {', '.join(run.name for run in RUNS)}")
    parser.add_argument("--reports", type=Path, default=REPORTS, help="where reports go")
    given = parser.parse_args()
    sys.exit(asyncio.run(main(given.runs, given.reports)))
