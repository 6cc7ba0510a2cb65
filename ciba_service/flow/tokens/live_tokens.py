"""Access tokens that may be used now: issued, not run out, not ended, past the account gate."""

from dataclasses import dataclass

from ciba_service.flow.account_gate import AccountGate
from ciba_service.flow.tokens.found_token import FoundToken
from ciba_service.ports import Clock
from ciba_service.ports.request_notes import note_transaction
from ciba_service.protocol.request.authorization_details import AuthorizationDetail
from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.transaction.gate import Step

__all__ = ["LiveToken", "LiveTokens"]


@dataclass(frozen=True, slots=True)
class LiveToken:
    """An access token that may be used, with what was granted; ``hash`` is that of its text."""

    grant: Grant
    token: AccessToken
    hash: str

    @property
    def details(self) -> tuple[AuthorizationDetail, ...]:
        """What of the details of its grant it is good for (RFC 9396 6)."""
        return self.token.details(self.grant)


class LiveTokens:
    """Says which of the tokens that were found are alive."""

    def __init__(self, *, gate: AccountGate, clock: Clock) -> None:
        self._gate = gate
        self._clock = clock

    async def alive(self, step: Step, found: FoundToken | None) -> LiveToken | None:
        """The token if ``step`` may use it now, in one round trip more."""
        if found is None or found.stored.access_token is None:
            return None
        grant, token = found.stored.grant, found.stored.access_token
        if not token.is_live(self._clock.now_ms() // 1000):
            return None
        if not await self._gate.lets_use(step, grant):
            return None
        note_transaction(grant.txn)
        return LiveToken(grant, token, found.hash)
