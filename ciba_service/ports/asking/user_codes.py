"""Attempts to name a user's code."""

from typing import Protocol

from ciba_service.sca.phones.devices import UserTag

__all__ = ["UserCodeAttemptStore"]


class UserCodeAttemptStore(Protocol):
    """Attempts of one client at one user's code, which fade after ``ATTEMPT_WINDOW``."""

    async def reserve(self, tag: UserTag, client_id: str, *, operation: str, now: int) -> bool:
        """Count before evaluating; False when as many count as may. In one step."""
        ...

    async def take_back(self, tag: UserTag, client_id: str, *, operation: str) -> None:
        """Count this attempt no longer."""
        ...

    async def succeeded(self, tag: UserTag, client_id: str, *, now: int) -> None:
        """Forget what was reserved up to ``now``: the code was right."""
        ...
