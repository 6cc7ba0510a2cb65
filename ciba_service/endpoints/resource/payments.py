"""``POST /resource/payments``."""

from http import HTTPStatus
from typing import ClassVar, Final

from starlette.types import Receive, Scope

from ciba_service.endpoints.body import BodyPolicy, header, read_body
from ciba_service.endpoints.protected import Answer, ProtectedEndpoint, ProtectedSurroundings
from ciba_service.flow.payment_execution import PaymentExecution
from ciba_service.flow.resource_access import ResourceRequest

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
        return await read_body(scope, receive, _PAYMENT) if _has_body(scope) else b""

    async def answer(self, request: ResourceRequest, body: bytes) -> Answer:
        """Execute the payment."""
        return Answer(HTTPStatus.CREATED, await self._execution.execute(request, body))


def _has_body(scope: Scope) -> bool:
    # RFC 9112 6.3: a request has one if it says how long it is, or that it comes in chunks.
    length = header(scope, b"content-length") or b"0"
    return length.strip(b"0") != b"" or header(scope, b"transfer-encoding") is not None
