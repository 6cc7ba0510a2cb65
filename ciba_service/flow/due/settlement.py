"""What follows once a prompt is not open any more: slots, counters, and the user's word.

It is due work, written by the script that decided: it may run twice, in any process.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from ciba_service.flow.granting.access_index import AccessIndex
from ciba_service.flow.together import together
from ciba_service.ports import (
    Announcement,
    AnnouncementKind,
    AttemptStore,
    Clock,
    DeviceHub,
    PromptStore,
    StandingStore,
    Swap,
    Telemetry,
    Transaction,
    TransactionStore,
)
from ciba_service.protocol.security_events.kinds import NotMeReported
from ciba_service.protocol.transaction.state import Event, FailureReason, State
from ciba_service.sca.messages import DenialReason, WithdrawnReason
from ciba_service.sca.phones.devices import UserTag
from ciba_service.sca.prompting import PromptLimits, blocked_until

__all__ = ["WITHDRAWN_REASONS", "Answered", "Ended", "Settlement"]

WITHDRAWN_REASONS: Final = {
    State.APPROVED: WithdrawnReason.DECIDED,
    State.REDEEMED: WithdrawnReason.DECIDED,
    State.DENIED: WithdrawnReason.DECIDED,
    State.EXPIRED: WithdrawnReason.EXPIRED,
    State.CANCELLED: WithdrawnReason.CANCELLED,
    State.FAILED: WithdrawnReason.FAILED,
}
"""What phones are told of a prompt that is over."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Prompts that were ended with this one, and whether ``all`` of them were.

    One that is being asked right now may not be stored yet: whoever settles comes back for it.
    """

    transaction_ids: tuple[str, ...] = ()
    all: bool = True


@dataclass(frozen=True, slots=True)
class Answered:
    """A prompt that is over: whose it was, of whom, how it ended, and by which decision if any."""

    transaction_id: str
    client_id: str
    user_tag: UserTag
    state: State
    decision: str = ""
    denial: DenialReason | None = None

    @classmethod
    def of(cls, transaction: Transaction) -> "Answered":
        """That of a stored transaction."""
        return cls(
            transaction_id=transaction.transaction_id,
            client_id=transaction.client_id,
            user_tag=transaction.user_tag,
            state=transaction.state,
            decision=transaction.decision,
            denial=transaction.denial,
        )


class Settlement:
    """Settles transactions that are no longer pending."""

    def __init__(
        self,
        *,
        transactions: TransactionStore,
        prompts: PromptStore,
        attempts: AttemptStore,
        standing: StandingStore,
        accesses: AccessIndex,
        hub: DeviceHub,
        limits: PromptLimits,
        callback_delay: int,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._transactions = transactions
        self._prompts = prompts
        self._attempts = attempts
        self._standing = standing
        self._accesses = accesses
        self._hub = hub
        self._limits = limits
        self._callback_delay = callback_delay
        self._clock = clock
        self._telemetry = telemetry

    async def settle(self, prompt: Answered) -> Ended:
        """Give back what the prompt held and heed what was decided.

        Raises:
            StoreUnavailable: when the store cannot be reached; whatever was done may be done again.
        """
        tag, name = prompt.user_tag, prompt.transaction_id
        ended = Ended()
        # First of all, since no other prompt of this client should open meanwhile.
        if prompt.denial is DenialReason.NOT_ME:
            ended = await self.block(prompt)
        await together(
            self._close(prompt),
            self._hub.announce(
                Announcement(AnnouncementKind.WITHDRAW, tag, name, WITHDRAWN_REASONS[prompt.state])
            ),
        )
        return ended

    async def _close(self, prompt: Answered) -> None:
        tag, client_id, name = prompt.user_tag, prompt.client_id, prompt.transaction_id
        if prompt.denial is not None:
            await together(
                self._prompts.release(tag, name),
                self._standing.denied(tag, client_id, name, now=self._clock.now_ms()),
            )
        elif prompt.decision:
            # Also when the approval was cancelled or failed meanwhile: its factors were right.
            await together(
                self._attempts.succeeded(tag, operation=prompt.decision),
                self._standing.approved(tag, client_id, name),
            )
        else:
            await self._prompts.release(tag, name)

    async def block(self, reported: Answered) -> Ended:
        """Keep the client from the user, end its other prompts and what access it has.

        Raises as ``settle``.
        """
        tag, client_id, now = reported.user_tag, reported.client_id, self._clock.now_ms()
        until = blocked_until(self._limits, now)
        if await self._standing.block(
            tag, client_id, reported.transaction_id, now=now, until=until
        ):
            self._telemetry.event(
                "not_me_reported",
                transaction_id=reported.transaction_id,
                client_id=client_id,
                user=tag,
                blocked_until=until or None,
            )
            self._telemetry.security_event(
                NotMeReported(
                    client_id=client_id,
                    user=tag,
                    transaction_id=reported.transaction_id,
                    blocked_until=until or None,
                )
            )
        names = [
            name
            for name in await self._prompts.open(tag, now=now)
            if name != reported.transaction_id
        ]
        found = await asyncio.gather(*(self._transactions.read(name, now=now) for name in names))
        results = await asyncio.gather(
            *(
                self._end(other, reported.transaction_id, now)
                for other in found
                if other is not None
                and other.client_id == client_id
                and other.state is State.PENDING
            )
        )
        await self._accesses.end_those_of(client_id, tag, now=now)
        return Ended(tuple(filter(None, results)), all=None not in found)

    async def _end(self, other: Transaction, because_of: str, now: int) -> str | None:
        result = await self._transactions.swap(
            Swap(
                transaction_id=other.transaction_id,
                event=Event.LOCK,
                operation=f"not-me:{because_of}",
                now=now,
                reason=FailureReason.CLIENT_BLOCKED,
                callback_delay=self._callback_delay,
            )
        )
        return other.transaction_id if result.won else None
