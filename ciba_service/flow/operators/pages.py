"""Pages of what operators look through: bounded, each with a cursor to the next."""

from typing import Generic, TypeVar

import msgspec

__all__ = ["Page"]

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some items; ``next`` is the cursor of what follows, None when nothing does.

    A page may be shorter than was asked for, and even empty, although there is more.
    """

    items: tuple[T, ...]
    next: str | None = None
