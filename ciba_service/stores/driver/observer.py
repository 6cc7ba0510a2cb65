"""Who is told of every exchange with Redis: nobody, unless figures are kept."""

from typing import Protocol

__all__ = ["StoreObserver", "Unobserved"]


class StoreObserver(Protocol):
    """Takes note of what the driver does; nothing here waits or raises."""

    def round_trip(self, commands: int, seconds: float, *, failed: bool) -> None:
        """One exchange with Redis, of so many commands; ``failed``: without an answer."""
        ...

    def waited(self, seconds: float, *, enough: bool) -> None:
        """A batch took so long to have its replicas; without ``enough`` of them it has none."""
        ...

    def repeated(self) -> None:
        """An operation is tried again after a fault."""
        ...

    def gave_up(self) -> None:
        """An operation has reached its deadline."""
        ...


class Unobserved:
    """``StoreObserver`` that keeps nothing."""

    __slots__ = ()

    def round_trip(self, commands: int, seconds: float, *, failed: bool) -> None:
        """Nobody is told."""

    def waited(self, seconds: float, *, enough: bool) -> None:
        """Nobody is told."""

    def repeated(self) -> None:
        """Nobody is told."""

    def gave_up(self) -> None:
        """Nobody is told."""
