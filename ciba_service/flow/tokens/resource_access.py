"""Who presents an access token at a resource of this service, and may it? (RFC 6750, RFC 9449 7).

The token must be for this resource, alive, and presented the way it is bound, by whoever it is
bound to. It is looked up by its hash: one that was not issued here to the letter is none, whatever
it states (RFC 9068 4).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ciba_service.flow.clients.dpop_proofs import DpopProofs
from ciba_service.flow.tokens.found_token import FoundToken, find_token, spend_and_find
from ciba_service.flow.tokens.live_tokens import LiveToken, LiveTokens
from ciba_service.ports import ClientRegistry, GrantStore, SecurityEvents
from ciba_service.ports.request_notes import note_client
from ciba_service.protocol.errors import (
    InvalidDpopProofError,
    InvalidTokenError,
    MissingTokenError,
    Reason,
    cause_of,
)
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import (
    Constraint,
    Credential,
    SenderConstraintRefused,
    TokenMisused,
)
from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.dpop.authorization import parse_authorization
from ciba_service.protocol.tokens.dpop.binding import Binding, MisusedTokenError, verify_use
from ciba_service.protocol.tokens.dpop.proof import PROOF_ALGORITHMS
from ciba_service.protocol.transaction.gate import Step

__all__ = ["ResourceAccess", "ResourcePolicy", "ResourceRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRequest:
    """What a request brings to prove that it may be answered.

    ``authorization`` and ``dpop`` are the lines of these headers; ``certificate_thumbprint`` is
    that of the connection's client certificate, None when there is none; ``peer`` its address.
    """

    method: str
    authorization: tuple[str, ...] = field(repr=False)
    dpop: tuple[str, ...] = field(default=(), repr=False)
    certificate_thumbprint: str | None = None
    peer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePolicy:
    """Which tokens a resource takes: those for one of the names in ``audience``.

    With ``takes_unbound`` also such as are bound to nothing, unless the client's profile demands
    that its tokens are (FAPI 1.0 Part 2 8.2).
    """

    step: Step
    audience: frozenset[str]
    takes_unbound: bool


class ResourceAccess:
    """Admits requests to one resource."""

    def __init__(
        self,
        *,
        policy: ResourcePolicy,
        grants: GrantStore,
        clients: ClientRegistry,
        tokens: LiveTokens,
        proofs: DpopProofs,
        new_operation: Callable[[], str],
        events: SecurityEvents,
    ) -> None:
        self._policy = policy
        self._grants = grants
        self._clients = clients
        self._tokens = tokens
        self._proofs = proofs
        self._new_operation = new_operation
        self._events = events

    async def admit(self, request: ResourceRequest) -> LiveToken:
        """The token with what was granted, in two round trips.

        Raises:
            MissingTokenError: when no token is presented.
            InvalidTokenError: when it is not alive, for another resource, or presented by somebody
                else.
            InvalidRequestError, InvalidDpopProofError, UseDpopNonceError: when token or proof
                cannot be read or do not hold.
            StoreUnavailable: when the store cannot be reached.
        """
        try:
            return await self._admit(request)
        except InvalidDpopProofError as error:
            self._events.security_event(
                SenderConstraintRefused(
                    constraint=Constraint.DPOP,
                    cause=cause_of(error) or Cause.MALFORMED,
                    peer=request.peer,
                )
            )
            raise

    async def _admit(self, request: ResourceRequest) -> LiveToken:
        presented = parse_authorization(request.authorization)
        if presented is None:
            raise MissingTokenError
        proof = self._proofs.verify(
            request.dpop,
            method=request.method,
            algorithms=PROOF_ALGORITHMS,
            access_token=presented.text,
        )
        found = await find_token(self._grants, presented.text)
        token = await self._acceptable(found)
        try:
            verify_use(
                token.cnf or Binding(),
                scheme=presented.scheme,
                proof=proof,
                certificate_thumbprint=request.certificate_thumbprint,
            )
        except MisusedTokenError as error:
            self._events.security_event(
                TokenMisused(
                    credential=Credential.ACCESS_TOKEN,
                    cause=error.cause,
                    client_id=found.stored.grant.client_id if found else None,
                    transaction_id=found.transaction_id if found else None,
                    peer=request.peer,
                )
            )
            raise InvalidTokenError from Reason(str(error))
        live = await spend_and_find(
            self._proofs.spend(proof, operation=self._new_operation()),
            self._tokens.alive(self._policy.step, found),
        )
        if live is None:
            raise InvalidTokenError from Reason("over or ended")
        note_client(live.grant.client_id)
        return live

    async def _acceptable(self, found: FoundToken | None) -> AccessToken:
        """The token, if this resource takes such tokens."""
        if found is None or found.stored.access_token is None:
            raise InvalidTokenError from Reason("unknown or ended")
        token = found.stored.access_token
        if token.audience.isdisjoint(self._policy.audience):
            raise InvalidTokenError from Reason("the token is for another resource")
        if token.cnf is None and not await self._takes_unbound(found.stored.grant.client_id):
            raise InvalidTokenError from Reason("the token is bound to nothing")
        return token

    async def _takes_unbound(self, client_id: str) -> bool:
        if not self._policy.takes_unbound:
            return False
        client = await self._clients.find(client_id)
        return client is not None and not client.profile.demands_sender_constraint
