"""A client has the payment executed that its token stands for: once, and never before it asks.

Approval and token issue move no money (FAPI 1.0 Part 2 8.8); the token does, and is worth one
payment. Which of several requests is the one, a single script decides.
"""

from collections.abc import Callable
from typing import Final

from ciba_service.flow.tokens.live_tokens import LiveToken
from ciba_service.flow.tokens.resource_access import ResourceAccess, ResourceRequest
from ciba_service.ports import Clock, PaymentOutcome, PaymentStore, Telemetry
from ciba_service.protocol.errors import InvalidTokenError, PaymentExecutedError, Reason
from ciba_service.protocol.resource.authentication import AuthenticationDemand
from ciba_service.protocol.resource.payments import PaymentReceipt, granted_payment
from ciba_service.sca.factors.policy import PSD2_SCA

__all__ = ["PaymentExecution"]

_DEMAND: Final = AuthenticationDemand(acr_values=(PSD2_SCA,))


class PaymentExecution:
    """Three round trips: find, look at the accounts, execute."""

    def __init__(
        self,
        *,
        access: ResourceAccess,
        payments: PaymentStore,
        new_operation: Callable[[], str],
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._access = access
        self._payments = payments
        self._new_operation = new_operation
        self._clock = clock
        self._telemetry = telemetry

    async def execute(self, request: ResourceRequest, body: bytes) -> PaymentReceipt:
        """Execute the granted payment; ``body`` is empty or states it.

        Raises:
            InsufficientUserAuthenticationError: when the user did not approve strongly.
            InsufficientScopeError: when no payment was granted, or another.
            PaymentExecutedError: when it was executed before.
            OAuth2Error, StoreUnavailable: as ``ResourceAccess.admit`` does.
        """
        live = await self._access.admit(request)
        now = self._clock.now_ms() // 1000
        _DEMAND.verify(live.grant, now=now)
        payment = granted_payment(live.details, body)
        await self._execute(live)
        self._telemetry.event(
            "payment_executed",
            transaction_id=live.grant.txn,
            client_id=live.grant.client_id,
        )
        return PaymentReceipt(
            payment_id=live.grant.txn, status="executed", executed_at=now, payment=payment.stated
        )

    async def _execute(self, live: LiveToken) -> None:
        outcome = await self._payments.execute(
            live.grant.txn,
            live.hash,
            operation=self._new_operation(),
            until=live.token.exp * 1000,
        )
        if outcome is PaymentOutcome.EXECUTED_BEFORE:
            raise PaymentExecutedError from Reason("its txn was used before")
        if outcome is PaymentOutcome.GRANT_ENDED:
            raise InvalidTokenError from Reason("ended meanwhile")
