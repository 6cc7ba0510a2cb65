"""How clients stand with a user: what the user approved, declined, and did not ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ciba_service.sca.phones.devices import UserTag

__all__ = ["Block", "StandingStore"]


@dataclass(frozen=True, slots=True)
class Block:
    """A client that may not ask a user; ``until`` None: until it is lifted."""

    client_id: str
    until: int | None


class StandingStore(Protocol):
    """What a user said to prompts. Each is told once; telling it again changes nothing."""

    async def approved(self, tag: UserTag, client_id: str, transaction_id: str) -> None:
        """Close the prompt; forget those up to it, and the denials of this client before it."""
        ...

    async def denied(self, tag: UserTag, client_id: str, transaction_id: str, *, now: int) -> None:
        """Count a denial."""
        ...

    async def block(
        self, tag: UserTag, client_id: str, transaction_id: str, *, now: int, until: int
    ) -> bool:
        """Block the client, ``until`` 0 without an end; False when another denial did before."""
        ...

    async def unblock(self, tag: UserTag, client_id: str) -> None:
        """Lift its block and forget its denials: the operator's act."""
        ...

    async def blocks(self, tag: UserTag, *, now: int) -> Sequence[Block]:
        """Who is blocked."""
        ...
