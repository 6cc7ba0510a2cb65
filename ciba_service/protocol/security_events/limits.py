"""How many events of a kind and a source are told one by one: the rest are counted.

Nobody fills the disk, or hides one event behind many, by doing the same thing over and over.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from ciba_service.protocol.security_events.kinds import (
    EventsSuppressed,
    SecurityEvent,
    kind_of,
)

__all__ = [
    "MAXIMUM_SOURCES",
    "MAXIMUM_SUMMARIES",
    "OF_KIND",
    "OF_SOURCE",
    "WINDOW_MS",
    "EventLimits",
]

WINDOW_MS: Final = 60_000
OF_SOURCE: Final = 20
"""Events of one kind and one source in a window."""
OF_KIND: Final = 300
"""Events of one kind in a window, whoever caused them."""
MAXIMUM_SOURCES: Final = 1_024
"""Sources that are told apart at a time, of each kind: many of one kind hide none of another."""
MAXIMUM_SUMMARIES: Final = 50
"""Sources whose suppressed events are told apart at a time."""
_SOURCES: Final = ("client_id", "user", "device_id", "peer")

_Source = tuple[str | None, ...]


@dataclass(slots=True)
class _Window:
    begins: int
    told: int = 0
    suppressed: int = 0


class EventLimits:
    """Counts in windows of a minute; bounded, whatever comes."""

    def __init__(self) -> None:
        self._sources: dict[str, dict[_Source, _Window]] = {}
        self._kinds: dict[str, _Window] = {}

    def admits(self, event: SecurityEvent, *, now: int) -> bool:
        """Whether this one is told; if not, it was counted."""
        if not event.is_limited:
            return True
        kind = kind_of(event)
        of_kind = self._kinds.setdefault(kind, _Window(now))
        if now >= of_kind.begins + WINDOW_MS:
            of_kind.begins, of_kind.told = now, 0
        window = self._window(kind, _source(event), now)
        if window.told >= OF_SOURCE or of_kind.told >= OF_KIND:
            window.suppressed += 1
            return False
        window.told += 1
        of_kind.told += 1
        return True

    def ended(self, *, now: int) -> list[EventsSuppressed]:
        """What was suppressed in windows that are over, which are forgotten: the noisiest sources.

        What many others caused is told as one, by its kind.
        """
        over = [
            (kind, source)
            for kind, windows in self._sources.items()
            for source, window in windows.items()
            if now >= window.begins + WINDOW_MS
        ]
        counts = Counter(
            {(kind, source): self._sources[kind].pop(source).suppressed for kind, source in over}
        )
        ranked = [(key, count) for key, count in counts.most_common() if count]
        others = Counter[str]()
        for (kind, _), count in ranked[MAXIMUM_SUMMARIES:]:
            others[kind] += count
        return [
            *(_summary(key, count) for key, count in ranked[:MAXIMUM_SUMMARIES]),
            *(EventsSuppressed(of=kind, count=count) for kind, count in others.items()),
        ]

    def _window(self, kind: str, source: _Source, now: int) -> _Window:
        windows = self._sources.setdefault(kind, {})
        if source not in windows and len(windows) >= MAXIMUM_SOURCES:
            # From here on, until a window ends, the others of this kind are one source.
            source = (None,) * len(_SOURCES)
        return windows.setdefault(source, _Window(now))


def _source(event: SecurityEvent) -> _Source:
    return tuple(getattr(event, name, None) for name in _SOURCES)


def _summary(key: tuple[str, _Source], count: int) -> EventsSuppressed:
    kind, source = key
    known = {name: value for name, value in zip(_SOURCES, source, strict=True) if value is not None}
    return EventsSuppressed(of=kind, count=count, **known)
