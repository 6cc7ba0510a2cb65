"""Token endpoint, CIBA grant (CIBA 10.1, 11)."""

from collections.abc import Mapping
from typing import Final

from starlette.types import Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.flow.redemption import Redemption
from ciba_service.ports import Telemetry

__all__ = ["TokenEndpoint"]

_OK: Final = 200


class TokenEndpoint(ClientFormEndpoint):
    """``POST /token``."""

    def __init__(self, redemption: Redemption, telemetry: Telemetry) -> None:
        super().__init__(telemetry)
        self._redemption = redemption

    async def answer_form(self, form: Mapping[str, str], send: Send) -> None:
        """Answer with tokens, or with the error that says why not."""
        await respond(send, _OK, await self._redemption.redeem(form))
