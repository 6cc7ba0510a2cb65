"""Backchannel authentication endpoint (CIBA 7)."""

from typing import Final

import msgspec
from starlette.types import Scope, Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.flow.initiation import Initiation
from ciba_service.ports import Telemetry

__all__ = ["BackchannelAuthenticationEndpoint"]

_OK: Final = 200


class _Answer(msgspec.Struct, frozen=True):
    auth_req_id: str
    expires_in: int
    interval: int


class BackchannelAuthenticationEndpoint(ClientFormEndpoint):
    """``POST /bc-authorize``."""

    def __init__(self, initiation: Initiation, telemetry: Telemetry) -> None:
        super().__init__(telemetry)
        self._initiation = initiation

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Start a transaction and acknowledge it (CIBA 7.3)."""
        acknowledged = await self._initiation.initiate(self.read(scope, body))
        answer = _Answer(
            auth_req_id=acknowledged.auth_req_id.value,
            expires_in=acknowledged.expires_in,
            interval=acknowledged.interval,
        )
        await respond(send, _OK, answer)
