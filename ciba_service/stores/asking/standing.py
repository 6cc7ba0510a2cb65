"""How clients stand with users, in Redis: denials of each client, and who is blocked."""

from collections.abc import Sequence
from typing import Final

from ciba_service.ports import Block
from ciba_service.sca.phones.devices import UserTag
from ciba_service.sca.prompting import PromptLimits
from ciba_service.stores.asking.prompts import unanswered_member
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import blocks_key, denials_key, prompts_key, unanswered_key
from ciba_service.stores.operations import Operations

__all__ = ["RedisStanding"]

_APPROVED: Final = Script.load("prompt_approved")
_DENIED: Final = Script.load("count_in_window")
_BLOCK: Final = Script.load("block_client", durable=True)
_UNBLOCK: Final = Script.load("unblock_client", durable=True)

# Beyond any sensible limit of denials: more of them change nothing, and are not kept.
_MOST_DENIALS: Final = 1000


class RedisStanding:
    """``ports.StandingStore`` on Redis."""

    __slots__ = ("_limits", "_operations")

    def __init__(self, operations: Operations, *, limits: PromptLimits) -> None:
        self._operations = operations
        self._limits = limits

    async def approved(self, tag: UserTag, client_id: str, transaction_id: str) -> None:
        """Close it; forget the prompts up to it, and the denials of this client before it."""
        await self._operations.evaluate(
            _APPROVED,
            [unanswered_key(tag), denials_key(tag, client_id), prompts_key(tag)],
            [unanswered_member(client_id, transaction_id), transaction_id],
        )

    async def denied(self, tag: UserTag, client_id: str, transaction_id: str, *, now: int) -> None:
        """Count a denial, at the time it was first told of."""
        await self._operations.evaluate(
            _DENIED,
            [denials_key(tag, client_id)],
            [transaction_id, _MOST_DENIALS, self._limits.denial_window, now],
        )

    async def block(
        self, tag: UserTag, client_id: str, transaction_id: str, *, now: int, until: int
    ) -> bool:
        """Block the client; what blocks it already is not made longer."""
        blocked = await self._operations.evaluate(
            _BLOCK, [blocks_key(tag)], [client_id, transaction_id, now, until]
        )
        return bool(blocked)

    async def unblock(self, tag: UserTag, client_id: str) -> None:
        """Lift its block and forget its denials."""
        await self._operations.evaluate(
            _UNBLOCK, [blocks_key(tag), denials_key(tag, client_id)], [client_id]
        )

    async def blocks(self, tag: UserTag, *, now: int) -> Sequence[Block]:
        """Who is blocked, by name."""
        stored = await self._operations.call("HGETALL", blocks_key(tag))
        ends = {name.decode(): int(value.split(b" ")[0]) for name, value in stored.items()}
        return [
            Block(client_id, until or None)
            for client_id, until in sorted(ends.items())
            if until == 0 or until > now
        ]
