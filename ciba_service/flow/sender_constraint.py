"""What tokens are bound to: the certificate or the DPoP key of the request for them.

Verified on every token request before anything else is told, pending polls included, so that no
token is ever issued unbound to a client that must be bound (FAPI 1.0 Part 2 5.2.2, RFC 9449 5).
"""

from dataclasses import dataclass

from ciba_service.flow.client_request import ClientRequest
from ciba_service.flow.dpop_proofs import DpopProofs
from ciba_service.ports import Clock
from ciba_service.protocol.client.certificates.certificate import (
    InvalidCertificateError,
    PresentedChain,
    verify_dates,
)
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.tokens.dpop.binding import Binding, token_binding
from ciba_service.protocol.tokens.dpop.proof import VerifiedProof

__all__ = ["SenderConstraint", "VerifiedBinding"]


@dataclass(frozen=True, slots=True)
class VerifiedBinding:
    """What a token will be bound to; a ``proof`` must still be found unused."""

    binding: Binding
    proof: VerifiedProof | None = None


class SenderConstraint:
    """Two halves like ``ClientAuthentication``: ``verify``, and ``consume`` for the proof."""

    def __init__(self, *, proofs: DpopProofs, clock: Clock) -> None:
        self._proofs = proofs
        self._clock = clock

    def verify(self, request: ClientRequest, client: Client) -> VerifiedBinding:
        """Find what the tokens of this authenticated client are to be bound to.

        Raises:
            InvalidDpopProofError, UseDpopNonceError: when there is a proof and it is none, or it
                is demanded and missing.
            InvalidRequestError: when a certificate is demanded, and there is none that can be used.
        """
        proof = self._proofs.verify(
            request.dpop, method="POST", algorithms=client.profile.algorithms
        )
        binding = token_binding(
            client.binding,
            certificate_thumbprint=_thumbprint(request, self._clock.now_ms() / 1000),
            proof=proof,
        )
        return VerifiedBinding(binding, proof)

    async def consume(self, verified: VerifiedBinding, *, operation: str) -> None:
        """Spend the proof, if any; raises ``InvalidDpopProofError`` when it was spent before."""
        await self._proofs.spend(verified.proof, operation=operation)


def _thumbprint(request: ClientRequest, now: float) -> str | None:
    if not request.certificates:
        return None
    try:
        leaf = PresentedChain.parse(request.certificates).leaf
        return verify_dates(leaf, now=now).thumbprint
    except InvalidCertificateError:
        return None  # Whoever needs one is told; to others it is nothing.
