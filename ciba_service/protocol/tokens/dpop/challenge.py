"""The ``WWW-Authenticate`` header with which a resource asks for DPoP (RFC 9449 7.1, 9)."""

from ciba_service.protocol.errors import OAuth2Error
from ciba_service.protocol.tokens.bearer_challenge import error_parameters
from ciba_service.protocol.tokens.dpop.proof import PROOF_ALGORITHMS

__all__ = ["dpop_challenge"]


def dpop_challenge(error: OAuth2Error | None = None) -> str:
    """The challenge of a 401; without ``error`` when nothing was presented (RFC 6750 3.1)."""
    parameters = (*error_parameters(error), ("algs", " ".join(sorted(PROOF_ALGORITHMS))))
    return "DPoP " + ", ".join(f'{name}="{value}"' for name, value in parameters)
