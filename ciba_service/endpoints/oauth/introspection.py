"""Introspection endpoint (RFC 7662 2)."""

from http import HTTPStatus

from starlette.types import Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.flow.client_request import ClientRequest
from ciba_service.flow.introspection import Introspection
from ciba_service.ports import Telemetry

__all__ = ["IntrospectionEndpoint"]


class IntrospectionEndpoint(ClientFormEndpoint):
    """``POST /introspect``."""

    def __init__(self, introspection: Introspection, telemetry: Telemetry) -> None:
        super().__init__(telemetry)
        self._introspection = introspection

    async def answer_request(self, request: ClientRequest, send: Send) -> None:
        """Answer what the token is good for; that it is good for nothing is no error."""
        await respond(send, HTTPStatus.OK, await self._introspection.introspect(request))
