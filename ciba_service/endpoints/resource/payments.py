"""``POST /resource/payments``."""

from http import HTTPStatus
from typing import ClassVar, Final

from starlette.types import Receive, Scope

from ciba_service.endpoints.body import BodyPolicy, has_body, read_body
from ciba_service.endpoints.protected import Answer, ProtectedEndpoint, ProtectedSurroundings
from ciba_service.flow.tokens.payment_execution import PaymentExecution
from ciba_service.flow.tokens.resource_access import ResourceRequest

__all__ = ["PaymentsEndpoint"]

_PAYMENT: Final = BodyPolicy("application/json", limit=8192, seconds=10.0)


class PaymentsEndpoint(ProtectedEndpoint):
    """A body is optional: the token says which payment it is."""

    methods: ClassVar = ("POST",)

    def __init__(self, execution: PaymentExecution, surroundings: ProtectedSurroundings) -> None:
        super().__init__(surroundings)
        self._execution = execution

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """The payment in JSON, or nothing."""
        return await read_body(scope, receive, _PAYMENT) if has_body(scope) else b""

    async def answer(self, request: ResourceRequest, body: bytes) -> Answer:
        """Execute the payment."""
        return Answer(HTTPStatus.CREATED, await self._execution.execute(request, body))
