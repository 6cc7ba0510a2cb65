"""A process that opens a data directory as `serve` or as a command would, until its input ends."""

import asyncio
import sys
from pathlib import Path

from ciba_service.stores.embedded.server import open_embedded


async def main(data_dir: str, role: str) -> None:
    """Say where the server is, and hold on to it."""
    async with await open_embedded(Path(data_dir), own=role == "serve") as server:
        sys.stdout.write(f"{server.socket_path}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
