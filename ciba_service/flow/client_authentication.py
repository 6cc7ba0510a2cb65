"""Who is asking? An assertion that verifies and was never used before (CIBA 7.2 (1))."""

from collections.abc import Mapping

from ciba_service.ports import ClientRegistry, Clock, ReplayKind, ReplayStore
from ciba_service.protocol.client.assertion import (
    Audiences,
    VerifiedAssertion,
    parse_assertion,
    verify_assertion,
)
from ciba_service.protocol.errors import InvalidClientError, Reason

__all__ = ["ClientAuthentication"]


class ClientAuthentication:
    """Two halves: ``verify`` needs nothing but keys, ``consume`` spends the assertion.

    They are apart so that the spending can share a round trip with what comes next. Whoever calls
    ``verify`` must await ``consume`` before anything is answered.
    """

    def __init__(
        self,
        *,
        clients: ClientRegistry,
        replays: ReplayStore,
        audiences: Audiences,
        clock: Clock,
    ) -> None:
        self._clients = clients
        self._replays = replays
        self._audiences = audiences
        self._clock = clock

    def verify(self, form: Mapping[str, str]) -> VerifiedAssertion:
        """Verify the assertion in ``form``; raises ``InvalidClientError``."""
        presented = parse_assertion(form)
        client = self._clients.find(presented.client_id)
        if client is None or not client.enabled:
            raise InvalidClientError from Reason("the client is unknown or disabled")
        return verify_assertion(
            presented,
            client=client,
            audiences=self._audiences,
            now=self._clock.now_ms() / 1000,
        )

    async def consume(self, assertion: VerifiedAssertion, *, operation: str) -> None:
        """Spend the assertion; raises ``InvalidClientError`` when it was spent before."""
        fresh = await self._replays.reserve(
            ReplayKind.CLIENT_ASSERTION,
            assertion.client.client_id,
            assertion.jti,
            operation=operation,
            until=int(assertion.expires_at * 1000),
        )
        if not fresh:
            raise InvalidClientError from Reason("the client assertion was used before")
