"""What a phone is to show: the open challenges of its user; and what it need not show any more."""

import asyncio
from collections.abc import Iterable

from ciba_service.flow.account_gate import AccountGate, Parties
from ciba_service.flow.due.settlement import WITHDRAWN_REASONS
from ciba_service.ports import (
    Clock,
    PromptStore,
    Telemetry,
    Transaction,
    TransactionStore,
    UnknownRecordFormat,
)
from ciba_service.protocol.transaction.gate import DeviceState, Step
from ciba_service.protocol.transaction.state import State
from ciba_service.sca.messages import ChallengeOffered, Fetched, ServiceMessage, Withdrawn
from ciba_service.sca.phones.devices import UserTag

__all__ = ["OpenChallenges"]


class OpenChallenges:
    """Reads challenges for phones."""

    def __init__(
        self,
        *,
        prompts: PromptStore,
        transactions: TransactionStore,
        gate: AccountGate,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._prompts = prompts
        self._transactions = transactions
        self._gate = gate
        self._clock = clock
        self._telemetry = telemetry

    async def find(self, tag: UserTag, transaction_id: str) -> ChallengeOffered | None:
        """One challenge of this user, if it is open."""
        try:
            transaction = await self._transactions.read(transaction_id, now=self._clock.now_ms())
        except UnknownRecordFormat as error:
            # One record that cannot be read must not hide the others from the phone.
            self._telemetry.failure("challenge_unreadable", error, transaction_id=transaction_id)
            return None
        if transaction is None or transaction.user_tag != tag or transaction.request is None:
            return None
        if transaction.state is not State.PENDING:
            return None
        parties = Parties(transaction.request.subject, transaction.client_id)
        # Whoever fetches is an enrolled phone; whether its answer will count is told then.
        if not await self._gate.lets_ask(
            Step.NOTIFY, parties, device=DeviceState.ACTIVE, is_locked=False
        ):
            return None
        return ChallengeOffered(transaction.request.challenge)

    async def ended(self, tag: UserTag, names: Iterable[str]) -> list[Withdrawn]:
        """Those of these challenges that are over, and why."""
        found = await asyncio.gather(*(self._outline(name) for name in names))
        return [
            Withdrawn(each.transaction_id, WITHDRAWN_REASONS[each.state])
            for each in found
            if each is not None and each.user_tag == tag and each.state is not State.PENDING
        ]

    async def _outline(self, transaction_id: str) -> Transaction | None:
        try:
            return await self._transactions.outline(transaction_id, now=self._clock.now_ms())
        except UnknownRecordFormat as error:
            self._telemetry.failure("challenge_unreadable", error, transaction_id=transaction_id)
            return None

    async def fetch(self, tag: UserTag) -> list[ServiceMessage]:
        """Every open challenge, then the list of what is open."""
        names = await self._prompts.open(tag, now=self._clock.now_ms())
        offers = await asyncio.gather(*(self.find(tag, name) for name in names))
        found = [(name, offer) for name, offer in zip(names, offers, strict=True) if offer]
        return [
            *(offer for _, offer in found),
            Fetched(open=tuple(name for name, _ in found)),
        ]
