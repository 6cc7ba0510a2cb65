"""Thousands of comparisons, some at a time, so that a busy server answers each within its time."""

import asyncio
import itertools
from collections.abc import Coroutine, Iterable
from typing import Any

__all__ = ["in_turns"]

_AT_ONCE = 256


async def in_turns(comparisons: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all; the first that fails is raised."""
    rest = iter(comparisons)
    while some := list(itertools.islice(rest, _AT_ONCE)):
        await asyncio.gather(*some)
