"""How a store fails, and whether it can be used."""

from typing import Protocol

__all__ = [
    "StoreHealth",
    "StoreUnavailable",
    "UnknownRecordFormat",
]


class StoreUnavailable(Exception):
    """The store was not reached in time, or refused; whether it did something a retry settles."""


class UnknownRecordFormat(StoreUnavailable):
    """A record was written in a format this version does not know; it is left untouched."""


class StoreHealth(Protocol):
    """Whether the store can be used."""

    async def server_time_ms(self) -> int:
        """The store's own clock; raises ``StoreUnavailable``."""
        ...

    async def confirm(self) -> None:
        """Return once replicas have what was written, where they are waited for.

        Raises ``StoreUnavailable``.
        """
        ...
