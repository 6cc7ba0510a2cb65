"""A phone orders the activation code of the next one, so that nobody else need be involved."""

import hmac

from ciba_service.flow.phones.activation import Activations
from ciba_service.ports import Clock
from ciba_service.sca.factors.activation import ACTIVATION_LIFETIME_MS, new_activation_code
from ciba_service.sca.messages import OrderCarriedOut
from ciba_service.sca.phones.orders import SignedOrder

__all__ = ["Invitations"]


class Invitations:
    """Makes codes that are the same whenever the same order comes.

    A code enrols nothing by itself: the phone it is for waits for approval like any other.
    """

    def __init__(self, *, key: bytes, activations: Activations, clock: Clock) -> None:
        self._key = key
        self._activations = activations
        self._clock = clock

    async def make(self, order: SignedOrder, *, ordered_at: int) -> OrderCarriedOut:
        """The code of a proven order; ``ordered_at`` (milliseconds) is when it first came.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        digest = hmac.digest(self._key, order.operation.encode("ascii"), "sha256")
        code = new_activation_code(lambda count: digest[:count])
        until = ordered_at + ACTIVATION_LIFETIME_MS
        await self._activations.invite(order.device.subject, code=code, until=until)
        return OrderCarriedOut(
            order.claims.jti,
            order.claims.action,
            activation_code=code,
            expires_in=(until - self._clock.now_ms()) // 1000,
        )
