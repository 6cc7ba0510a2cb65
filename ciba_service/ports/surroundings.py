"""What a service takes from around it: time, chance and the log."""

from typing import Protocol

from ciba_service.ports.records.security_events import SecurityEvents

__all__ = [
    "Clock",
    "Randomness",
    "Telemetry",
]


class Clock(Protocol):
    """Time, as everything here takes it."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Randomness(Protocol):
    """A cryptographic random source."""

    def __call__(self, count: int, /) -> bytes:
        """``count`` random bytes."""
        ...


class Telemetry(SecurityEvents, Protocol):
    """Where events go: one name, flat fields, never a secret; those about safety are typed."""

    def event(self, name: str, **fields: object) -> None:
        """Something happened as it should, or was refused as it should."""
        ...

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """Something of ours went wrong."""
        ...
