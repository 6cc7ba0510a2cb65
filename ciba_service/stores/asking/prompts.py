"""A user's open prompts in Redis: a sorted set by expiry, so that a forgotten one heals."""

import re
from typing import Final

from ciba_service.ports import PromptReservation
from ciba_service.sca.phones.devices import UserTag
from ciba_service.sca.prompting import PromptLimits
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import (
    attempts_key,
    blocks_key,
    client_tag,
    denials_key,
    devices_key,
    prompts_key,
    unanswered_key,
)
from ciba_service.stores.operations import Operations

__all__ = ["RedisPrompts", "unanswered_member"]

_RESERVE: Final = Script.load("reserve_prompt")
_TAKE_BACK: Final = Script.load("take_back_prompt")
_NAME: Final = re.compile(rb"[A-Za-z0-9_-]{22}")


class RedisPrompts:
    """``ports.PromptStore`` on Redis."""

    __slots__ = ("_limits", "_operations")

    def __init__(self, operations: Operations, *, limits: PromptLimits) -> None:
        self._operations = operations
        self._limits = limits

    async def reserve(
        self, tag: UserTag, client_id: str, transaction_id: str, *, now: int, until: int
    ) -> PromptReservation:
        """Take a slot under the transaction's id, once."""
        limits = self._limits
        reply = await self._operations.evaluate(
            _RESERVE,
            [
                prompts_key(tag),
                devices_key(tag),
                attempts_key(tag),
                unanswered_key(tag),
                denials_key(tag, client_id),
                blocks_key(tag),
            ],
            [
                transaction_id,
                now,
                until,
                limits.open_prompts,
                limits.failed_attempts,
                client_id,
                unanswered_member(client_id, transaction_id),
                unanswered_member(client_id, ""),
                limits.of_user,
                limits.of_client,
                limits.window,
                limits.denials,
                limits.denial_window,
                limits.pause,
                limits.longest_pause,
            ],
        )
        return PromptReservation(reply.decode())

    async def take_back(self, tag: UserTag, client_id: str, transaction_id: str) -> None:
        """As if it had never been reserved."""
        await self._operations.evaluate(
            _TAKE_BACK,
            [prompts_key(tag), unanswered_key(tag)],
            [transaction_id, unanswered_member(client_id, transaction_id)],
        )

    async def release(self, tag: UserTag, transaction_id: str) -> None:
        """Give the slot back."""
        await self._operations.call("ZREM", prompts_key(tag), transaction_id)

    async def open(self, tag: UserTag, *, now: int) -> list[str]:
        """Transactions whose prompt is open, oldest first; what cannot name one is left out."""
        members = await self._operations.call(
            "ZRANGE", prompts_key(tag), f"({now}", "+inf", "BYSCORE"
        )
        return [member.decode() for member in members if _NAME.fullmatch(member)]


def unanswered_member(client_id: str, transaction_id: str) -> str:
    """How a prompt is counted: what begins alike is of one client."""
    return f"{client_tag(client_id)}:{transaction_id}"
