"""``make soak``: delivery at ten times the volume of the tests, and with processes that die."""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

from benchmarks.soak.killed_processes import KilledProcesses, kill_processes
from tests.redis_servers import embedded_server
from tests.resilience.delivery_at_volume import failing_street
from tests.running_service import running_service

__all__ = ["main"]

APPROVALS = 20_000
WAVE = 2_000


async def volume(directory: Path, seed: int) -> bool:
    """Approvals in waves, endpoints that fail three times in ten; fails by an assertion."""
    with embedded_server() as target:
        run_service = partial(running_service, target, directory / "keys")
        async with failing_street(run_service, directory, seed=str(seed)) as street:
            for wave in range(APPROVALS // WAVE):
                await street.approve(WAVE, seed=seed + wave)
                await street.until_all_ended()
                say(f"  {(wave + 1) * WAVE} approvals: {told(street.states())}")
            await street.hold()
            faults = Counter(map(str, street.endpoint.faults.elements()))
            say(f"  failed attempts: {told(faults)}; nothing was lost")
    return True


async def kills(directory: Path, seed: int) -> bool:
    """Two processes that are killed in turn; whether nothing was violated."""
    survived = await kill_processes(KilledProcesses(seed), directory)
    say(f"  {survived.approvals} approvals, {survived.kills} processes killed")
    say(f"  callbacks: {told(survived.states)}; taken twice, to the letter: {survived.repeated}")
    say(f"  failed attempts: {told(survived.faults)}")
    for violation, number in Counter(survived.violations).items():
        say(f"  VIOLATED {number} times: {violation}")
    return not survived.violations


def told(counted: Counter[str]) -> str:
    """Numbers in a sentence."""
    return ", ".join(f"{number} {name}" for name, number in sorted(counted.items()))


def say(text: str) -> None:
    """Print at once: it takes long."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


PARTS = {"volume": volume, "kills": kills}


def main() -> int:
    """0 when nothing was violated."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("which", nargs="*", choices=[[], *PARTS], help="default: all")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    arguments = parser.parse_args()
    held = []
    for name in arguments.which or list(PARTS):
        begun = time.monotonic()
        say(f"{name} (--seed {arguments.seed})")
        with tempfile.TemporaryDirectory(prefix="ciba-soak-") as directory:
            held.append(asyncio.run(PARTS[name](Path(directory), arguments.seed)))
        say(f"  {time.monotonic() - begun:.0f} s: {'held' if held[-1] else 'VIOLATED'}")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
