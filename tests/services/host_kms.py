"""A host's keys where no file is, made of public names alone."""

import asyncio
import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from ciba_service.embedding import (
    Clock,
    DecryptionKey,
    KeySet,
    Ring,
    SignatureAlgorithm,
    Telemetry,
)


class KmsKey:
    """``Signer`` over a key that never leaves."""

    alg = SignatureAlgorithm.ES256

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self._key = ec.generate_private_key(ec.SECP256R1())

    async def signature(self, data: bytes) -> bytes:
        """As a JWS carries it."""
        pair = decode_dss_signature(self._key.sign(data, ec.ECDSA(SHA256())))
        return b"".join(part.to_bytes(32, "big") for part in pair)

    @property
    def public_jwk(self) -> dict[str, str]:
        """The public half."""
        jwk = ECKey.import_key(self._key.public_key()).as_dict(private=False)
        members = {name: str(jwk[name]) for name in ("kty", "crv", "x", "y")}
        return {**members, "kid": self.kid, "alg": "ES256", "use": "sig"}


class Kms:
    """``ServiceKeys`` with one key for each purpose, none of which ever changes."""

    pinned_keys_changed_at = None
    wake_up_signer = None
    wake_up_key = None

    def __init__(self) -> None:
        self._token = KmsKey("token")
        self.challenge_signer = KmsKey("challenge")
        self.evidence_signer = KmsKey("evidence")
        self.events_signer = KmsKey("events")
        self.sca_receipt_signer = KmsKey("receipt")
        self.factors_key = DecryptionKey("factors", ECKey.generate_key("P-256"))
        self.ring = Ring.of(secrets.token_bytes(32))
        self.token_algorithms = frozenset({SignatureAlgorithm.ES256})
        self.token_verification_keys = KeySet.parse({"keys": self.public_jwks()})

    def token_signer(self, alg: SignatureAlgorithm) -> KmsKey:
        """There is one."""
        assert alg is SignatureAlgorithm.ES256
        return self._token

    def public_jwks(self) -> list[dict[str, str]]:
        """For ``/jwks``."""
        return [self._token.public_jwk]

    def challenge_jwks(self) -> tuple[dict[str, str], ...]:
        """For phones to pin."""
        return (self.challenge_signer.public_jwk,)

    def challenge_announcers(self) -> tuple[KmsKey, ...]:
        """Whoever is pinned."""
        return (self.challenge_signer,)

    def events_jwks(self) -> list[dict[str, str]]:
        """For ``/security-events/jwks``."""
        return [self.events_signer.public_jwk]

    def sca_receipt_jwks(self) -> list[dict[str, str]]:
        """For ``/sca-receipts/jwks``."""
        return [self.sca_receipt_signer.public_jwk]

    async def follow(self, _clock: Clock, _telemetry: Telemetry) -> None:
        """Nothing changes."""
        await asyncio.Event().wait()
