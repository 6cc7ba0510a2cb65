"""The CIBA grant: poll, gate, mint, swap; only the winner answers (CIBA 10, 11)."""

import asyncio
from collections.abc import Mapping
from typing import Final, assert_never

from ciba_service.flow.access_index import AccessIndex
from ciba_service.flow.account_gate import AccountGate
from ciba_service.flow.held_polls import HeldPolls, Seat
from ciba_service.flow.issuance import Issuance, Reach
from ciba_service.flow.requested_transaction import requested_transaction
from ciba_service.flow.token_request import TokenRequest
from ciba_service.ports import (
    Clock,
    Decided,
    PollReply,
    PollStatus,
    StoredRequest,
    Swap,
    Telemetry,
    Transaction,
    TransactionStore,
)
from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.errors import (
    AccessDeniedError,
    AuthorizationPendingError,
    ExpiredTokenError,
    InvalidGrantError,
    OAuth2Error,
    Reason,
    SlowDownError,
    UnauthorizedClientError,
)
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.request.authorization_details import narrowed_details
from ciba_service.protocol.request.resource import narrowed_resources
from ciba_service.protocol.tokens.claims import TokenResponse
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.transaction.gate import Step
from ciba_service.protocol.transaction.state import Event, FailureReason, State
from ciba_service.sca.messages import challenge_hash

__all__ = ["Redemption"]

_REFUSALS: Final[Mapping[State, type[OAuth2Error]]] = {
    State.DENIED: AccessDeniedError,
    State.FAILED: AccessDeniedError,
    State.EXPIRED: ExpiredTokenError,
    State.CANCELLED: InvalidGrantError,
    State.REDEEMED: InvalidGrantError,
}


class Redemption:
    """A pending poll takes one round trip, a redemption three."""

    def __init__(
        self,
        *,
        transactions: TransactionStore,
        gate: AccountGate,
        issuance: Issuance,
        index: AccessIndex,
        held: HeldPolls,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._transactions = transactions
        self._gate = gate
        self._issuance = issuance
        self._index = index
        self._held = held
        self._clock = clock
        self._telemetry = telemetry

    async def answer(self, request: TokenRequest) -> TokenResponse:
        """Answer a token request of this grant.

        Raises:
            OAuth2Error: the answer, when it is not tokens.
            StoreUnavailable, SignerUnavailable: when they cannot be reached; nothing was lost.
        """
        name, wait = _requested_transaction(request), request.client.polling_wait
        with self._held.seat(name, request.operation, request.patience, registered=wait) as seat:
            reply = await self._poll(name, request)
            # Whoever was held for the same transaction is not the last who asked any more.
            self._held.look_again(name, besides=seat)
            transaction = await self._awaited(reply, seat)
            if transaction.state is not State.APPROVED:
                raise _REFUSALS[transaction.state] from Reason(f"it is {transaction.state}")
            return await self._issue(transaction, request)

    async def _awaited(self, reply: PollReply, seat: Seat | None) -> Transaction:
        if seat is None or reply.status is not PollStatus.PENDING:
            return _settled(reply)
        transaction = await self._held.settled(seat)
        if transaction is None:
            raise AuthorizationPendingError
        return transaction

    async def _poll(self, name: str, request: TokenRequest) -> PollReply:
        spent, reply = await asyncio.gather(
            request.credentials.spend(),
            self._transactions.poll(
                name,
                client_id=request.client.client_id,
                operation=request.operation,
                now=self._clock.now_ms(),
            ),
            return_exceptions=True,
        )
        if isinstance(spent, BaseException):
            # A request with a used assertion or proof is no poll.
            await self._transactions.forget_poll(name, operation=request.operation)
            raise spent
        if isinstance(reply, BaseException):
            raise reply
        return reply

    async def _issue(self, transaction: Transaction, request: TokenRequest) -> TokenResponse:
        asked, decided = transaction.request, transaction.decided
        if asked is None or decided is None:
            raise AssertionError("an approved transaction has a request and a decision")
        grant = _grant(transaction, asked, decided)
        reach = Reach(
            scope=grant.scope,
            resources=narrowed_resources(request.form.get("resource"), grant.resources),
            details=narrowed_details(request.form.get("authorization_details"), grant.details),
        )
        now = self._clock.now_ms()
        is_open, crowded = await asyncio.gather(
            self._gate.lets_use(Step.REDEEM, grant),
            self._index.reserve(grant, request.client, now=now),
        )
        if not is_open:
            await self._fail(transaction, request.operation)
            raise AccessDeniedError from Reason("the account gate is closed")
        # PSD2 RTS 5(1)(d): the code accepted is the one for this amount and payee.
        if not equal_secrets(challenge_hash(asked.challenge), decided.challenge_hash):
            await self._fail(transaction, request.operation)
            raise AccessDeniedError from Reason("the approval is about another challenge")
        if request.patience.has_gone:
            raise AuthorizationPendingError from Reason("the client has gone while it was held")
        minted = await self._issuance.mint(grant, request.client, request.binding, reach, now=now)
        result, _ = await asyncio.gather(
            self._transactions.swap(
                Swap(
                    transaction_id=transaction.transaction_id,
                    event=Event.REDEEM,
                    operation=request.operation,
                    now=now,
                    tokens=minted.record,
                )
            ),
            self._index.make_room(grant, crowded, now=now),
        )
        if not result.won:
            lost = result.state or State.REDEEMED
            raise _REFUSALS[lost] from Reason("another request was first")
        self._telemetry.event(
            "transaction_redeemed",
            transaction_id=transaction.transaction_id,
            client_id=request.client.client_id,
        )
        return minted.response

    async def _fail(self, transaction: Transaction, operation: str) -> None:
        await self._transactions.swap(
            Swap(
                transaction_id=transaction.transaction_id,
                event=Event.FAIL,
                operation=operation,
                now=self._clock.now_ms(),
                reason=FailureReason.GATE_REFUSED,
            )
        )


def _requested_transaction(request: TokenRequest) -> str:
    client = request.client
    if not client.may_use_ciba or client.delivery_mode is DeliveryMode.PUSH:
        raise UnauthorizedClientError from Reason("the client may not use the CIBA grant here")
    return requested_transaction(request.form)


def _settled(reply: PollReply) -> Transaction:
    match reply.status:
        case PollStatus.UNKNOWN:
            raise InvalidGrantError from Reason("unknown, or of another client")
        case PollStatus.PENDING:
            raise AuthorizationPendingError
        case PollStatus.SLOW_DOWN:
            raise SlowDownError
        case PollStatus.SETTLED:
            if reply.transaction is None:
                raise AssertionError("a settled poll carries its transaction")
            return reply.transaction
        case _:
            assert_never(reply.status)


def _grant(transaction: Transaction, request: StoredRequest, decided: Decided) -> Grant:
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
    )
