"""A POST endpoint as a plain ASGI callable: everything around the one step it calls.

Starlette's own request and routing cost more than the steps themselves on these paths.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Final

from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond_error
from ciba_service.endpoints.body import BodyPolicy, UnreadableBody, read_body
from ciba_service.listening.admission.layer import refuse
from ciba_service.listening.admission.place import place_of
from ciba_service.ports import SignerUnavailable, StoreUnavailable, Telemetry
from ciba_service.protocol.errors import (
    InvalidRequestError,
    OAuth2Error,
    Reason,
    TemporarilyUnavailableError,
)

__all__ = ["PostEndpoint"]

_METHOD_NOT_ALLOWED: Final = 405
_ALLOW: Final = ((b"allow", b"POST"),)
# RFC 9110 15.5.9: whatever of the body is still to come is not waited for.
_CLOSE: Final = ((b"connection", b"close"),)


class PostEndpoint(ABC):
    """Size, method and content type first; then ``answer``; errors become answers."""

    body: ClassVar[BodyPolicy]

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    @abstractmethod
    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Call the step and answer; raises ``OAuth2Error``, or that something is unavailable."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        if scope["method"] != "POST":
            error = InvalidRequestError()
            error.__cause__ = Reason("the method is not POST")
            await self._refuse(send, error, _METHOD_NOT_ALLOWED, _ALLOW)
            return
        try:
            body = await read_body(scope, receive, self.body)
        except UnreadableBody as unreadable:
            await self._refuse(send, unreadable.error, unreadable.status, _CLOSE)
            return
        if not await place_of(scope).begin():
            await refuse(send)
            return
        try:
            await self.answer(scope, body, send)
        except OAuth2Error as error:
            await respond_error(send, error, self._telemetry, headers=self.challenge(scope, error))
        except StoreUnavailable as fault:
            self._telemetry.failure("store_unavailable", fault)
            await respond_error(send, TemporarilyUnavailableError(), self._telemetry)
        except SignerUnavailable as fault:
            self._telemetry.failure("signer_unavailable", fault)
            await respond_error(send, TemporarilyUnavailableError(), self._telemetry)

    def challenge(self, scope: Scope, error: OAuth2Error) -> tuple[tuple[bytes, bytes], ...]:  # noqa: ARG002 - for subclasses
        """Headers that an error of this endpoint carries."""
        return ()

    async def _refuse(
        self, send: Send, error: OAuth2Error, status: int, headers: tuple[tuple[bytes, bytes], ...]
    ) -> None:
        await respond_error(send, error, self._telemetry, status=status, headers=headers)
