"""Introspection endpoint (RFC 7662 2), which also answers with signed JWTs (RFC 9701 4)."""

from http import HTTPStatus
from typing import Final

from starlette.types import Scope, Send

from ciba_service.endpoints.answers import respond, respond_text
from ciba_service.endpoints.body import accepts
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.flow.tokens.introspection import Introspection
from ciba_service.ports import Telemetry
from ciba_service.protocol.names import INTROSPECTION_TYP

__all__ = ["IntrospectionEndpoint"]

_MEDIA_TYPE: Final = f"application/{INTROSPECTION_TYP}"


class IntrospectionEndpoint(ClientFormEndpoint):
    """``POST /introspect``."""

    def __init__(self, introspection: Introspection, telemetry: Telemetry) -> None:
        super().__init__(telemetry)
        self._introspection = introspection

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer what the token is good for; that it is good for nothing is no error."""
        introspected = await self._introspection.introspect(self.read(scope, body))
        if not accepts(scope, _MEDIA_TYPE):
            await respond(send, HTTPStatus.OK, introspected.description)
            return
        await respond_text(
            send, HTTPStatus.OK, _MEDIA_TYPE, await self._introspection.signed(introspected)
        )
