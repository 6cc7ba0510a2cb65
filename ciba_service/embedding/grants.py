"""The CIBA grant for a host with a token endpoint of its own, without a way over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ciba_service.flow.granting.grant_answers import (
    GrantAnswers,
    GrantQuestion,
    GrantStatus,
    NoGrant,
)
from ciba_service.flow.granting.held_polls import Patience
from ciba_service.protocol.token_endpoints import TokenEndpointParty
from ciba_service.protocol.tokens.grant import Grant

__all__ = ["Grants"]

_HOST: Final = TokenEndpointParty("host", ())


async def _stays() -> None:
    """Nobody tells whether the client has gone."""
    await asyncio.Event().wait()


class Grants:
    """What the host asks for clients that it has authenticated itself."""

    def __init__(self, answers: GrantAnswers, new_operation: Callable[[], str]) -> None:
        self._answers = answers
        self._new_operation = new_operation

    async def redeem(
        self,
        client_id: str,
        auth_req_id: str,
        *,
        wait: int | None = None,
        until_gone: Callable[[], Awaitable[None]] = _stays,
    ) -> Grant | NoGrant:
        """The grant, once, or what to tell the client (CIBA 11).

        With ``wait``, in seconds, a pending request is waited for, 25 at most; when ``until_gone``
        returns before, nothing is redeemed.

        Raises:
            StoreUnavailable: when the store cannot be reached; the client may poll again.
        """
        question = GrantQuestion(_HOST, client_id, auth_req_id, self._new_operation())
        return await self._answers.redeem(question, Patience(wait, until_gone))

    async def cancel(self, client_id: str, auth_req_id: str) -> GrantStatus | NoGrant:
        """Cancel what is pending or approved; raises ``StoreUnavailable``."""
        return await self._answers.cancel(GrantQuestion(_HOST, client_id, auth_req_id, ""))
