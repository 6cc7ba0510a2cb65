"""``make soak``: scenario by scenario, then all faults at once; 0 when nothing was violated."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import uvloop

from benchmarks.soak.running import run_scenario
from benchmarks.soak.scenarios import SCENARIOS
from benchmarks.soak.telling import say, tell

__all__ = ["main"]


def main() -> int:
    """0 when nothing was violated."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--only", action="append", choices=[*SCENARIOS], default=[])
    parser.add_argument("--flows", type=int, help="of each scenario, in place of its own number")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--directory", type=Path, help="where to leave logs, files and the history")
    arguments = parser.parse_args()
    clean = True
    for name in arguments.only or SCENARIOS:
        scenario = SCENARIOS[name]
        if arguments.flows is not None:
            scenario = replace(scenario, flows=arguments.flows)
        say(f"{name}: {scenario.flows} flows (--seed {arguments.seed})")
        with ExitStack() as stack:
            directory = _place(stack, name, arguments.directory)
            runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
            outcome = runner.run(
                run_scenario(
                    scenario,
                    directory,
                    seed=arguments.seed,
                    say=say,
                    keep=arguments.directory is not None,
                )
            )
        tell(outcome)
        clean = clean and not outcome.judged.violations
    return 0 if clean else 1


def _place(stack: ExitStack, name: str, kept: Path | None) -> Path:
    if kept is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ciba-soak-")))
    place = (kept / name).absolute()
    place.mkdir(parents=True)
    return place


if __name__ == "__main__":
    sys.exit(main())
