"""An approved request becomes a grant with its first tokens, once (CIBA 10.1.1, 10.3.1).

The same two steps wherever the tokens go: ``mint`` what is not worth anything yet, and ``settle``,
which only one can win. Between them whoever mints may still find that nobody waits any more. Where
another mints they are ``verify`` and ``take``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ciba_service.flow.account_gate import AccountGate
from ciba_service.flow.granting.access_index import AccessIndex
from ciba_service.flow.granting.issuance import Issuance, MintedTokens, Reach
from ciba_service.flow.together import together
from ciba_service.ports import (
    Clock,
    Decided,
    Push,
    StandingStore,
    StoredRequest,
    Swap,
    Telemetry,
    TokenRecord,
    Transaction,
    TransactionStore,
)
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.errors import (
    AccessDeniedError,
    AuthorizationPendingError,
    ExpiredTokenError,
    InvalidGrantError,
    OAuth2Error,
    Reason,
)
from ciba_service.protocol.tokens.dpop.binding import Binding
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.tokens.refresh_token import may_have_refresh_token
from ciba_service.protocol.transaction.gate import Step
from ciba_service.protocol.transaction.state import Event, FailureReason, State
from ciba_service.sca.challenge import shown_client, shows_lasting_access
from ciba_service.sca.messages import challenge_hash
from ciba_service.sca.phones.devices import user_tag

__all__ = ["REFUSALS", "Approved", "Completion", "Minted", "Taker"]

REFUSALS: Final[Mapping[State, type[OAuth2Error]]] = {
    State.DENIED: AccessDeniedError,
    State.FAILED: AccessDeniedError,
    State.EXPIRED: ExpiredTokenError,
    State.CANCELLED: InvalidGrantError,
    State.REDEEMED: InvalidGrantError,
}
"""What is told of a transaction that yields no tokens (CIBA 11)."""


class Approved(msgspec.Struct, frozen=True):
    """An approved transaction, with all that its approval stands on."""

    grant: Grant
    request: StoredRequest
    decided: Decided

    @classmethod
    def of(cls, transaction: Transaction) -> "Approved":
        """What was asked and decided, as a grant; raises ``OAuth2Error`` in any other state."""
        if transaction.state is not State.APPROVED:
            raise REFUSALS[transaction.state] from Reason(f"it is {transaction.state}")
        asked, decided = transaction.request, transaction.decided
        if asked is None or decided is None:
            raise AssertionError("an approved transaction has a request and a decision")
        return cls(_grant(transaction, asked, decided), asked, decided)


@dataclass(frozen=True, slots=True)
class Taker:
    """Who gets the tokens, bound to what; ``pushed_as`` is the ``auth_req_id`` of a push."""

    client: Client
    binding: Binding
    operation: str
    pushed_as: str | None = field(default=None, repr=False)


class Minted(msgspec.Struct, frozen=True):
    """Tokens that nobody has and nothing knows yet; ``minted_at`` is in milliseconds."""

    tokens: MintedTokens
    minted_at: int
    crowded: tuple[str, ...]


class Completion:
    """Two round trips, one for each step, and a third where another access has to make room."""

    def __init__(
        self,
        *,
        transactions: TransactionStore,
        gate: AccountGate,
        issuance: Issuance,
        index: AccessIndex,
        standing: StandingStore,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._transactions = transactions
        self._gate = gate
        self._issuance = issuance
        self._index = index
        self._standing = standing
        self._clock = clock
        self._telemetry = telemetry

    async def mint(self, approved: Approved, taker: Taker, reach: Reach) -> Minted:
        """Make the tokens, if the account gate is open now and the approval is for this.

        Raises:
            AccessDeniedError: when it is not; the transaction has failed then.
            StoreUnavailable, SignerUnavailable: when they cannot be reached; nothing was lost.
        """
        grant, now = approved.grant, self._clock.now_ms()
        # Both: what is registered may have changed since the user was asked.
        lasts = grant.lasts and may_have_refresh_token(taker.client, has_payment=grant.has_payment)
        is_open, crowded, _ = await together(
            self.lets_redeem(grant),
            self._reserve(grant, lasts=lasts, now=now),
            self._transactions.confirm(grant.txn),
        )
        await self._verify(approved, taker.operation, is_open=is_open)
        if crowded is None:
            lasts, crowded = False, ()
        tokens = await self._issuance.mint(
            grant,
            taker.client,
            taker.binding,
            reach,
            lasts=lasts,
            now=now,
            pushed_as=taker.pushed_as,
        )
        return Minted(tokens, now, crowded)

    async def _reserve(self, grant: Grant, *, lasts: bool, now: int) -> tuple[str, ...] | None:
        """As ``AccessIndex.reserve`` if it ``lasts``; None since a "not me" of the client."""
        if not lasts:
            return ()
        crowded, blocks = await together(
            self._index.reserve(grant, now=now),
            self._standing.blocks(user_tag(grant.subject), now=now),
        )
        if all(block.client_id != grant.client_id for block in blocks):
            return crowded
        await self._index.give_up(grant, now=now)
        return None

    async def verify(self, approved: Approved, *, operation: str) -> None:
        """The same conditions where another mints; raises ``OAuth2Error`` or what it does."""
        is_open, _ = await together(
            self.lets_redeem(approved.grant), self._transactions.confirm(approved.grant.txn)
        )
        await self._verify(approved, operation, is_open=is_open)

    async def lets_redeem(self, grant: Grant) -> bool:
        """Whether the account gate is open for its tokens now."""
        return await self._gate.lets_use(Step.REDEEM, grant)

    async def settle(self, minted: Minted, taker: Taker, *, push: Push | None = None) -> None:
        """Let the tokens count, with the ``push`` that is to carry them if one is.

        Raises:
            OAuth2Error: when another was first; the tokens are worth nothing then.
            StoreUnavailable: when the store cannot be reached.
        """
        record = minted.tokens.record
        await self._swap(record, taker.operation, minted.minted_at, push)
        if minted.crowded:
            await self._index.make_room(record.grant, minted.crowded, now=minted.minted_at)
        self._tell(record.grant)

    async def take(self, grant: Grant, *, operation: str) -> None:
        """Let a grant count whose tokens are another's; raises as ``settle`` does."""
        await self.take_again(grant, operation=operation)
        self._tell(grant)

    async def take_again(self, grant: Grant, *, operation: str) -> None:
        """The same for the operation that has taken it before; refused to any other."""
        await self._swap(TokenRecord(grant), operation, self._clock.now_ms())

    async def _verify(self, approved: Approved, operation: str, *, is_open: bool) -> None:
        if not is_open:
            await self._fail(approved.grant, operation)
            raise AccessDeniedError from Reason("the account gate is closed")
        # PSD2 RTS 5(1)(d): the code accepted is the one for this amount and payee.
        if not equal_secrets(
            challenge_hash(approved.request.challenge), approved.decided.challenge_hash
        ):
            await self._fail(approved.grant, operation)
            raise AccessDeniedError from Reason("the approval is about another challenge")

    async def _swap(
        self, record: TokenRecord, operation: str, now: int, push: Push | None = None
    ) -> None:
        result = await self._transactions.swap(
            Swap(
                transaction_id=record.grant.txn,
                event=Event.REDEEM,
                operation=operation,
                now=now,
                tokens=record,
                push=push,
            )
        )
        if not result.won:
            lost = result.state or State.REDEEMED
            if lost is State.PENDING:  # A failover has undone the approval that was read.
                raise AuthorizationPendingError
            raise REFUSALS[lost] from Reason("another request was first")

    def _tell(self, grant: Grant) -> None:
        self._telemetry.event(
            "transaction_redeemed", transaction_id=grant.txn, client_id=grant.client_id
        )

    async def _fail(self, grant: Grant, operation: str) -> None:
        await self._transactions.swap(
            Swap(
                transaction_id=grant.txn,
                event=Event.FAIL,
                operation=operation,
                now=self._clock.now_ms(),
                reason=FailureReason.GATE_REFUSED,
            )
        )


def _grant(transaction: Transaction, request: StoredRequest, decided: Decided) -> Grant:
    lasts = shows_lasting_access(request.challenge)
    return Grant(
        txn=transaction.transaction_id,
        client_id=transaction.client_id,
        subject=request.subject,
        scope=request.scope,
        auth_time=decided.auth_time,
        acr=decided.acr,
        amr=decided.amr,
        challenge_hash=decided.challenge_hash,
        device_id=decided.device_id,
        details=request.details,
        resources=request.resources,
        id_token_claims=tuple(claim.name for claim in request.claims.id_token),
        client_name=shown_client(request.challenge) if lasts else "",
        lasts=lasts,
        pairwise_sub=request.pairwise_sub,
    )
