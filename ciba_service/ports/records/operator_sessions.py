"""Sessions of operators in browsers."""

from typing import Protocol

__all__ = ["OperatorSessionStore"]


class OperatorSessionStore(Protocol):
    """Sessions by the fingerprint of the token they stand for; all raise ``StoreUnavailable``."""

    async def open(self, fingerprint: str, session: str, *, now: int, until: int) -> None:
        """Keep one, in one step with the end of the oldest where there are too many.

        Done twice, it is done once.
        """
        ...

    async def until(self, fingerprint: str, session: str, *, now: int) -> int | None:
        """When it ends, or None when it is not, or not any more."""
        ...

    async def close(self, fingerprint: str, session: str) -> None:
        """End it, now or before."""
        ...
