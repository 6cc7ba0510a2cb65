"""Which accesses of a user last: what the user can look at, and end."""

from typing import Protocol

from ciba_service.sca.phones.devices import UserTag

__all__ = ["AccessStore"]


class AccessStore(Protocol):
    """Names of grants with a refresh token, by user; a name may outlive or precede its grant."""

    async def reserve(
        self, tag: UserTag, transaction_id: str, *, now: int, until: int
    ) -> tuple[str, ...]:
        """Keep a place until then, or for longer if it is kept for longer.

        In one step; what comes back has no place any more, since there are too many, and is to be
        ended: those that would end first.
        """
        ...

    async def names(self, tag: UserTag, *, now: int) -> list[str]:
        """Whatever has a place, the last to end first; as many as there may be."""
        ...

    async def has(self, tag: UserTag, transaction_id: str, *, now: int) -> bool:
        """Whether it has a place."""
        ...

    async def fade(self, tag: UserTag, transaction_id: str, *, now: int) -> None:
        """Keep the place for as long only as somebody may repeat that it is to be ended."""
        ...

    async def remove(self, tag: UserTag, transaction_id: str, *, now: int) -> None:
        """Give the place up."""
        ...
