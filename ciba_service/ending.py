"""Ending tasks for certain.

A cancellation can get lost: a group of tasks, and up to a point ``gather``, forgets it when one of
its members fails in that moment (CPython gh-116720, mended in 3.13). What goes on after failures
then goes on for ever, and whoever waits for its end waits as long. The task itself cannot tell:
before 3.13 ``cancelling`` counts what groups cancel, too.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

__all__ = ["end"]

_PATIENCE_SECONDS: Final = 3.0


async def end(tasks: Iterable[asyncio.Task[Any]], *, patience: float = _PATIENCE_SECONDS) -> None:
    """Cancel tasks and wait until all have ended; what they end with is their affair.

    What has not ended after ``patience`` seconds is cancelled once more, as often as it takes.
    """
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=patience)
