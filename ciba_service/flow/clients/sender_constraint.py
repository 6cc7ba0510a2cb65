"""What tokens are bound to: the certificate or the DPoP key of the request for them.

Verified on every token request before anything else is told, pending polls included, so that no
token is ever issued unbound to a client that must be bound (FAPI 1.0 Part 2 5.2.2, RFC 9449 5).
"""

import msgspec

from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.clients.dpop_proofs import DpopProofs
from ciba_service.ports import Clock, SecurityEvents
from ciba_service.protocol.client.certificates.certificate import (
    InvalidCertificateError,
    PresentedChain,
    verify_dates,
)
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import (
    InvalidDpopProofError,
    InvalidRequestError,
    OAuth2Error,
    cause_of,
)
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import Constraint, SenderConstraintRefused
from ciba_service.protocol.tokens.dpop.binding import Binding, token_binding
from ciba_service.protocol.tokens.dpop.proof import VerifiedProof

__all__ = ["SenderConstraint", "VerifiedBinding"]


class VerifiedBinding(msgspec.Struct, frozen=True):
    """What a token will be bound to; a ``proof`` must still be found unused.

    ``client_id`` and ``peer`` are of whoever presented it.
    """

    binding: Binding
    proof: VerifiedProof | None = None
    client_id: str | None = None
    peer: str | None = None


class SenderConstraint:
    """Two halves like ``ClientAuthentication``: ``verify``, and ``consume`` for the proof."""

    def __init__(self, *, proofs: DpopProofs, clock: Clock, events: SecurityEvents) -> None:
        self._proofs = proofs
        self._events = events
        self._clock = clock

    def verify(self, request: ClientRequest, client: Client) -> VerifiedBinding:
        """Find what the tokens of this authenticated client are to be bound to.

        Raises:
            InvalidDpopProofError, UseDpopNonceError: when there is a proof and it is none, or it
                is demanded and missing.
            InvalidRequestError: when a certificate is demanded, and there is none that can be used.
        """
        try:
            return self._verified(request, client)
        except (InvalidDpopProofError, InvalidRequestError) as error:
            self._tell(error, client.client_id, request.peer)
            raise

    def _verified(self, request: ClientRequest, client: Client) -> VerifiedBinding:
        proof = self._proofs.verify(
            request.dpop, method="POST", algorithms=client.profile.algorithms
        )
        binding = token_binding(
            client.binding,
            certificate_thumbprint=_thumbprint(request, self._clock.now_ms() / 1000),
            proof=proof,
        )
        return VerifiedBinding(binding, proof, client.client_id, request.peer)

    async def consume(self, verified: VerifiedBinding, *, operation: str) -> None:
        """Spend the proof, if any; raises ``InvalidDpopProofError`` when it was spent before."""
        try:
            await self._proofs.spend(verified.proof, operation=operation)
        except InvalidDpopProofError as error:
            self._tell(error, verified.client_id, verified.peer)
            raise

    def _tell(self, error: OAuth2Error, client_id: str | None, peer: str | None) -> None:
        is_proof = isinstance(error, InvalidDpopProofError)
        self._events.security_event(
            SenderConstraintRefused(
                constraint=Constraint.DPOP if is_proof else Constraint.CERTIFICATE,
                cause=cause_of(error) or Cause.MALFORMED,
                client_id=client_id,
                peer=peer,
            )
        )


def _thumbprint(request: ClientRequest, now: float) -> str | None:
    if not request.certificates:
        return None
    try:
        leaf = PresentedChain.parse(request.certificates).leaf
        return verify_dates(leaf, now=now).thumbprint
    except InvalidCertificateError:
        return None  # Whoever needs one is told; to others it is nothing.
