"""Backchannel authentication endpoint (CIBA 7)."""

from typing import Final

import msgspec
from starlette.types import Scope, Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.endpoints.oauth.nonce_header import Headers, NonceHeader
from ciba_service.flow.asking.initiation import Initiation
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import OAuth2Error

__all__ = ["BackchannelAuthenticationEndpoint"]

_OK: Final = 200


class _Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    auth_req_id: str
    expires_in: int
    interval: int | None = None
    verification_code: str | None = None

    def __repr__(self) -> str:
        return "_Answer(...)"


class BackchannelAuthenticationEndpoint(ClientFormEndpoint):
    """``POST /bc-authorize``; proofs of possession are for tokens that will be pushed (CIBA 5)."""

    def __init__(self, initiation: Initiation, *, nonce: NonceHeader, telemetry: Telemetry) -> None:
        super().__init__(telemetry)
        self._initiation = initiation
        self._nonce = nonce

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Start a transaction and acknowledge it (CIBA 7.3)."""
        acknowledged = await self._initiation.initiate(self.read(scope, body))
        answer = _Answer(
            auth_req_id=acknowledged.auth_req_id.value,
            expires_in=acknowledged.expires_in,
            interval=acknowledged.interval,
            verification_code=acknowledged.verification_code,
        )
        await respond(send, _OK, answer, self._nonce.told(scope))

    def challenge(self, scope: Scope, error: OAuth2Error) -> Headers:
        """What every error answer here carries."""
        return (*super().challenge(scope, error), *self._nonce.told(scope))
