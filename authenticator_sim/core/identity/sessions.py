"""Session proofs: the phone signs the service's nonce, over HTTPS also the body."""

import msgspec

from authenticator_sim.core import jose
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.ports import RandomBytes
from ciba_service.sca.messages import SESSION_TYP, SessionClaims, body_hash

__all__ = ["new_session_proof"]

_JTI_BYTES = 16


def new_session_proof(
    identity: DeviceIdentity,
    *,
    nonce: str,
    now_ms: int,
    random_bytes: RandomBytes,
    body: bytes | None = None,
) -> str:
    """Sign a nonce for the issuer this phone was enrolled with, and nobody else."""
    claims = SessionClaims(
        iss=identity.device_id,
        aud=identity.issuer,
        nonce=nonce,
        jti=jose.base64url(random_bytes(_JTI_BYTES)),
        iat=now_ms // 1000,
        body_hash=None if body is None else body_hash(body),
    )
    return jose.sign(
        msgspec.json.encode(claims),
        key=identity.signing_key,
        typ=SESSION_TYP,
        kid=identity.device_id,
    )
