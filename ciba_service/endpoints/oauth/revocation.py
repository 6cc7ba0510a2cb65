"""Revocation endpoint (RFC 7009 2)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.types import Scope, Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.flow.tokens.revocation import Revocation
from ciba_service.ports import Telemetry

__all__ = ["RevocationEndpoint"]

# Clients ignore the body (RFC 7009 2.2); it is JSON all the same, as everywhere.
_NOTHING: Final[Mapping[str, str]] = {}


class RevocationEndpoint(ClientFormEndpoint):
    """``POST /revoke``."""

    def __init__(self, revocation: Revocation, telemetry: Telemetry) -> None:
        super().__init__(telemetry)
        self._revocation = revocation

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer 200, whether the token was good, unknown or another client's."""
        await self._revocation.revoke(self.read(scope, body))
        await respond(send, HTTPStatus.OK, _NOTHING)
