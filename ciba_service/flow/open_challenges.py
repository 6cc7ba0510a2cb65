"""What a phone is to show: the open challenges of its user."""

import asyncio

from ciba_service.flow.account_gate import AccountGate, Parties
from ciba_service.ports import Clock, PromptStore, Telemetry, TransactionStore, UnknownRecordFormat
from ciba_service.protocol.transaction.gate import DeviceState, Step
from ciba_service.protocol.transaction.state import State
from ciba_service.sca.devices import UserTag
from ciba_service.sca.messages import ChallengeOffered, Fetched, ServiceMessage

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

    async def fetch(self, tag: UserTag) -> list[ServiceMessage]:
        """Every open challenge, then the list of what is open."""
        names = await self._prompts.open(tag, now=self._clock.now_ms())
        offers = await asyncio.gather(*(self.find(tag, name) for name in names))
        found = [(name, offer) for name, offer in zip(names, offers, strict=True) if offer]
        return [
            *(offer for _, offer in found),
            Fetched(open=tuple(name for name, _ in found)),
        ]
