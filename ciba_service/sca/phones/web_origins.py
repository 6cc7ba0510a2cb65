"""Which web pages may act as phones: those of the origins that are configured, to the letter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

__all__ = ["ForeignOrigin", "WebOrigins"]

_WEB: Final = ("https://", "http://")


class ForeignOrigin(Exception):
    """A page of another origin, of none that can be told (``null``), or of several."""


@dataclass(frozen=True, slots=True)
class WebOrigins:
    """Origins in the one spelling that browsers send (RFC 6454 6.2)."""

    allowed: frozenset[str]

    @classmethod
    def of(cls, origins: Iterable[str]) -> Self:
        """Those of web pages; native apps have other origins, which no browser sends."""
        return cls(frozenset(origin for origin in origins if origin.startswith(_WEB)))

    def page(self, lines: Sequence[str]) -> str | None:
        """The origin of the page that asks; None is a native phone, which names none.

        ``lines`` are all ``Origin`` headers of a request. A browser sends one with whatever a
        page could do harm with: every POST and every WebSocket (Fetch 3.2, RFC 6455 4.1).

        Raises:
            ForeignOrigin: when it is not one of ours.
        """
        match lines:
            case []:
                return None
            case [origin] if origin in self.allowed:
                return origin
            case _:
                raise ForeignOrigin
