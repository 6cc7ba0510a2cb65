"""DPoP proofs of requests for one address: verified, and each spent once (RFC 9449 4.3, 11.1)."""

from collections.abc import Sequence

from ciba_service.ports import Clock, ReplayKind, ReplayStore
from ciba_service.protocol.errors import InvalidDpopProofError, Reason
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.tokens.dpop.http_uri import HttpUri
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces
from ciba_service.protocol.tokens.dpop.proof import ProvenRequest, VerifiedProof, verify_proof

__all__ = ["DpopProofs"]


class DpopProofs:
    """Two halves like ``ClientAuthentication``: ``verify``, and ``spend``.

    ``addresses`` are those of the endpoint; with ``nonces`` a fresh one is demanded (RFC 9449 8).
    """

    def __init__(
        self,
        *,
        replays: ReplayStore,
        addresses: frozenset[HttpUri],
        nonces: DpopNonces | None,
        clock: Clock,
    ) -> None:
        self._replays = replays
        self._addresses = addresses
        self._nonces = nonces
        self._clock = clock

    def verify(
        self,
        lines: Sequence[str],
        *,
        method: str,
        algorithms: frozenset[SignatureAlgorithm],
        access_token: str | None = None,
    ) -> VerifiedProof | None:
        """Verify the ``DPoP`` header lines of a request; None when there are none.

        Raises:
            InvalidDpopProofError, UseDpopNonceError: when there is a proof and it does not hold.
        """
        return verify_proof(
            lines,
            request=ProvenRequest(method, self._addresses, access_token),
            algorithms=algorithms,
            nonces=self._nonces,
            now=self._clock.now_ms() / 1000,
        )

    async def spend(self, proof: VerifiedProof | None, *, operation: str) -> None:
        """Spend the proof, if any; raises ``InvalidDpopProofError`` when it was spent before."""
        if proof is None:
            return
        fresh = await self._replays.reserve(
            ReplayKind.DPOP_PROOF,
            proof.jkt,
            proof.replay_id,
            operation=operation,
            until=int(proof.keep_until * 1000),
        )
        if not fresh:
            raise InvalidDpopProofError from Reason(
                "the DPoP proof was used before", Cause.REPLAYED
            )
