"""Signing through the port, so that a key may be where this process cannot see it."""

from ciba_service.ports import Signer
from ciba_service.protocol.jose.signing import compact_jws, jws_signing_input

__all__ = ["signed"]


async def signed(signer: Signer, *, typ: str, claims: object) -> str:
    """Compact JWS over ``claims`` as JSON; raises ``SignerUnavailable``."""
    data = jws_signing_input(kid=signer.kid, alg=signer.alg, typ=typ, claims=claims)
    return compact_jws(data, await signer.signature(data))
