"""Who waits for a place: those of one key in the order they came, and the keys in turn.

Whoever sends most waits behind itself. When the queue is full the last of the longest line goes,
so that no key keeps another from waiting at all.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from typing import Final, Generic, TypeVar

__all__ = ["FairQueue"]

_T = TypeVar("_T")
_NOBODY: Final[Mapping[str, int]] = {}


class FairQueue(Generic[_T]):
    """A queue with a line for each key; a key that nobody waits for is forgotten."""

    __slots__ = ("_lines", "_size")

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[_T]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def has_room(
        self, key: str, room: int, *, coming: Mapping[str, int] = _NOBODY, beyond: int = 0
    ) -> bool:
        """Whether one more of this key may wait, if need be in place of one of a longer line.

        ``coming`` are about to, by key; ``beyond`` of them will not find a place otherwise.
        """
        if self._size + beyond < room:
            return True
        enough = len(self._lines.get(key, ())) + coming.get(key, 0) + 1
        return any(number > enough for number in coming.values()) or any(
            len(line) + coming.get(other, 0) > enough for other, line in self._lines.items()
        )

    def put(self, key: str, item: _T, room: int) -> _T | None:
        """Let it wait; returns who has to go for it, if the queue was full.

        Only where ``has_room`` says so.
        """
        gone = self._cut_longest() if self._size >= room else None
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = deque()
        line.append(item)
        self._size += 1
        return gone

    def take(self) -> _T | None:
        """The first of the key whose turn it is; None when nobody waits."""
        if not self._lines:
            return None
        key, line = self._lines.popitem(last=False)
        item = line.popleft()
        self._size -= 1
        if line:
            self._lines[key] = line
        return item

    def heads(self) -> Iterator[tuple[str, _T]]:
        """The first of each line, with its key."""
        return iter([(key, line[0]) for key, line in self._lines.items()])

    def discard(self, key: str, item: _T) -> None:
        """It waits no longer, if it did."""
        line = self._lines.get(key)
        if line is None or item not in line:
            return
        line.remove(item)
        self._size -= 1
        if not line:
            del self._lines[key]

    def _cut_longest(self) -> _T:
        key = max(self._lines, key=lambda each: len(self._lines[each]))
        self._size -= 1
        item = self._lines[key].pop()
        if not self._lines[key]:
            del self._lines[key]
        return item
