"""The refresh grant: a further access token for what was granted before (RFC 6749 6)."""

from ciba_service.flow.account_gate import AccountGate
from ciba_service.flow.granting.access_index import AccessIndex
from ciba_service.flow.granting.issuance import Issuance, Reach
from ciba_service.flow.granting.token_request import TokenRequest
from ciba_service.flow.together import together
from ciba_service.flow.tokens.found_token import FoundToken, find_token, spend_and_find
from ciba_service.ports import Clock, GrantStore, RefreshTokenRecord, StandingStore, Telemetry
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.errors import (
    InvalidRefreshTokenError,
    MissingParameterError,
    Reason,
    UnauthorizedClientError,
)
from ciba_service.protocol.request.authorization_details import narrowed_details
from ciba_service.protocol.request.resource import narrowed_resources
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import Credential, TokenMisused
from ciba_service.protocol.tokens.claims import TokenResponse
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.tokens.refresh_token import RefreshLifetime, narrowed_scope
from ciba_service.protocol.tokens.token_text import token_hash
from ciba_service.protocol.transaction.gate import Step
from ciba_service.sca.phones.devices import user_tag

__all__ = ["Refresh"]


class Refresh:
    """Three round trips: find, look at the accounts, store."""

    def __init__(
        self,
        *,
        grants: GrantStore,
        gate: AccountGate,
        issuance: Issuance,
        index: AccessIndex,
        standing: StandingStore,
        lifetime: RefreshLifetime,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._grants = grants
        self._gate = gate
        self._issuance = issuance
        self._index = index
        self._standing = standing
        self._lifetime = lifetime
        self._clock = clock
        self._telemetry = telemetry

    async def answer(self, request: TokenRequest) -> TokenResponse:
        """Answer a token request of this grant; the refresh token stays good and the same.

        Raises:
            OAuth2Error: the answer, when it is not tokens.
            StoreUnavailable, SignerUnavailable: when they cannot be reached; nothing was lost.
        """
        presented = _presented_token(request)
        found = await spend_and_find(
            request.credentials.spend(), find_token(self._grants, presented)
        )
        now = self._clock.now_ms()
        self._tell_misused(found, request)
        grant = _grant(found, request.client, now)
        token = RefreshTokenRecord(
            token_hash(presented), good_until=self._lifetime.good_until(grant, now)
        )
        if now >= token.good_until:
            raise InvalidRefreshTokenError from Reason("the approval was too long ago")
        reach = Reach(
            scope=narrowed_scope(request.form.get("scope"), grant.scope),
            resources=narrowed_resources(request.form.get("resource"), grant.resources),
            details=narrowed_details(request.form.get("authorization_details"), grant.details),
        )
        is_open, blocks, _ = await together(
            self._gate.lets_use(Step.REFRESH, grant),
            self._standing.blocks(user_tag(grant.subject), now=now),
            self._index.put_off(grant, now=now),
        )
        if not is_open:
            raise InvalidRefreshTokenError from Reason("the account gate is closed")
        if any(block.client_id == grant.client_id for block in blocks):
            # Whoever said "not me" ended all there was; this one had no place, or was just made.
            await self._grants.end(grant.txn)
            raise InvalidRefreshTokenError from Reason("the user does not know the client")
        refreshed = await self._issuance.refresh(
            grant, request.client, request.binding, reach, now=now
        )
        if not await self._grants.refresh(grant.txn, token, refreshed.record, now=now):
            raise InvalidRefreshTokenError from Reason("the grant has ended meanwhile")
        self._telemetry.event(
            "grant_refreshed", transaction_id=grant.txn, client_id=request.client.client_id
        )
        return refreshed.response

    def _tell_misused(self, found: FoundToken | None, request: TokenRequest) -> None:
        """Whoever has another client's refresh token has stolen it, or was given it."""
        client = request.client
        if found is None or found.stored.grant.client_id == client.client_id:
            return
        self._telemetry.security_event(
            TokenMisused(
                credential=Credential.REFRESH_TOKEN,
                cause=Cause.FOREIGN,
                client_id=client.client_id,
                transaction_id=found.transaction_id,
                peer=request.peer,
            )
        )


def _presented_token(request: TokenRequest) -> str:
    if not request.client.may_refresh:
        raise UnauthorizedClientError from Reason("the client did not register the refresh grant")
    presented = request.form.get("refresh_token")
    if presented is None:
        raise MissingParameterError("refresh_token") from Reason("refresh_token is missing")
    return presented


def _grant(found: FoundToken | None, client: Client, now: int) -> Grant:
    """The grant of a good refresh token that was issued to this client (RFC 6749 6)."""
    token = None if found is None else found.stored.refresh_token
    if found is None or token is None or not equal_secrets(found.hash, token.hash):
        raise InvalidRefreshTokenError from Reason("the refresh token is none of a living grant")
    if found.stored.grant.client_id != client.client_id:
        raise InvalidRefreshTokenError from Reason("the refresh token is another client's")
    if now >= token.good_until:
        raise InvalidRefreshTokenError from Reason("the refresh token was not used for too long")
    return found.stored.grant
