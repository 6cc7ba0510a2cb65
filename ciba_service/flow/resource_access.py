"""Who presents an access token at a resource of this service, and may it? (RFC 6750, RFC 9449 7).

The token must be alive, be presented the way it is bound, by whoever it is bound to.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ciba_service.flow.found_token import find_token
from ciba_service.flow.live_tokens import LiveToken, LiveTokens
from ciba_service.ports import Clock, GrantStore, ReplayKind, ReplayStore
from ciba_service.protocol.errors import (
    InvalidDpopProofError,
    InvalidTokenError,
    MissingTokenError,
    Reason,
)
from ciba_service.protocol.tokens.dpop.authorization import PresentedToken, parse_authorization
from ciba_service.protocol.tokens.dpop.binding import Binding, MisusedTokenError, verify_use
from ciba_service.protocol.tokens.dpop.http_uri import HttpUri
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces
from ciba_service.protocol.tokens.dpop.proof import (
    PROOF_ALGORITHMS,
    ProvenRequest,
    VerifiedProof,
    verify_proof,
)
from ciba_service.protocol.transaction.gate import Step

__all__ = ["ResourceAccess", "ResourceRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRequest:
    """What a request brings to prove that it may be answered.

    ``authorization`` and ``dpop`` are the lines of these headers; ``certificate_thumbprint`` is
    that of the connection's client certificate, None when there is none.
    """

    method: str
    authorization: tuple[str, ...] = field(repr=False)
    dpop: tuple[str, ...] = field(default=(), repr=False)
    certificate_thumbprint: str | None = None


class ResourceAccess:
    """Admits requests to one resource; ``addresses`` are its own."""

    def __init__(
        self,
        *,
        grants: GrantStore,
        tokens: LiveTokens,
        replays: ReplayStore,
        addresses: frozenset[HttpUri],
        nonces: DpopNonces | None,
        new_operation: Callable[[], str],
        clock: Clock,
    ) -> None:
        self._grants = grants
        self._tokens = tokens
        self._replays = replays
        self._addresses = addresses
        self._nonces = nonces
        self._new_operation = new_operation
        self._clock = clock

    async def admit(self, step: Step, request: ResourceRequest) -> LiveToken:
        """The token with what was granted.

        Raises:
            MissingTokenError: when no token is presented.
            InvalidTokenError: when it is not alive or is presented by somebody else.
            InvalidRequestError, InvalidDpopProofError, UseDpopNonceError: when token or proof
                cannot be read or do not hold.
            StoreUnavailable: when the store cannot be reached.
        """
        presented = parse_authorization(request.authorization)
        if presented is None:
            raise MissingTokenError
        proof = self._proof(request, presented)
        found = await find_token(self._grants, presented.text)
        live = await self._tokens.alive(step, found)
        if live is None:
            raise InvalidTokenError from Reason("unknown, over or ended")
        try:
            verify_use(
                live.token.cnf or Binding(),
                scheme=presented.scheme,
                proof=proof,
                certificate_thumbprint=request.certificate_thumbprint,
            )
        except MisusedTokenError as error:
            raise InvalidTokenError from Reason(str(error))
        await self._consume(proof)
        return live

    def _proof(self, request: ResourceRequest, presented: PresentedToken) -> VerifiedProof | None:
        return verify_proof(
            request.dpop,
            request=ProvenRequest(request.method, self._addresses, presented.text),
            algorithms=PROOF_ALGORITHMS,
            nonces=self._nonces,
            now=self._clock.now_ms() / 1000,
        )

    async def _consume(self, proof: VerifiedProof | None) -> None:
        if proof is None:
            return
        fresh = await self._replays.reserve(
            ReplayKind.DPOP_PROOF,
            proof.jkt,
            proof.replay_id,
            operation=self._new_operation(),
            until=int(proof.keep_until * 1000),
        )
        if not fresh:
            raise InvalidDpopProofError from Reason("the DPoP proof was used before")
