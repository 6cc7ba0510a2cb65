"""The service's keys, and whoever signs with them."""

from typing import Protocol

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encryption import DecryptionKey
from ciba_service.protocol.jose.keys import KeySet

__all__ = [
    "KeyRing",
    "Signer",
    "SignerUnavailable",
]


class SignerUnavailable(Exception):
    """Nothing can be signed at present; what was asked for may be asked for again."""


class Signer(Protocol):
    """One private key, wherever it is: in a file, in a KMS, in an HSM."""

    @property
    def kid(self) -> str:
        """Its name in the published key set."""
        ...

    @property
    def alg(self) -> SignatureAlgorithm:
        """Its one algorithm."""
        ...

    async def signature(self, data: bytes) -> bytes:
        """The signature over ``data`` as a JWS carries it: for ES256 ``r`` and ``s``, no DER.

        Whoever asks over a network bounds the time it takes. A key at hand answers without
        suspending, so that awaiting it costs no turn of the loop.

        Raises:
            SignerUnavailable: when it cannot sign now.
        """
        ...


class KeyRing(Protocol):
    """The service's keys; those for tokens, challenges and factors are different.

    Keys change while the service runs: ask for one each time it is used.
    """

    def token_signer(self, alg: SignatureAlgorithm) -> Signer:
        """The active key for tokens of ``alg``."""
        ...

    @property
    def challenge_signer(self) -> Signer:
        """The active key for challenges."""
        ...

    @property
    def factors_key(self) -> DecryptionKey:
        """The key that phones encrypt factors to, and whatever opens what they did before."""
        ...

    def challenge_jwks(self) -> tuple[dict[str, str], ...]:
        """Public challenge keys, for phones to pin: the next, the active, the last retired one."""
        ...

    @property
    def pinned_keys_changed_at(self) -> int | None:
        """When what phones pin changed last, in milliseconds; None while the first ones serve."""
        ...

    def challenge_announcers(self) -> tuple[Signer, ...]:
        """Every challenge key that a phone may have pinned: active and retired ones."""
        ...

    @property
    def evidence_signer(self) -> Signer | None:
        """The key for checkpoints of evidence, where evidence is kept."""
        ...

    @property
    def wake_up_signer(self) -> Signer | None:
        """The key that says who pushes (RFC 8292), where there is one."""
        ...

    @property
    def wake_up_key(self) -> str | None:
        """Its public half, as phones subscribe with it: an uncompressed point in base64url."""
        ...

    @property
    def events_signer(self) -> Signer | None:
        """The active key for security event tokens, where they are pushed."""
        ...

    def events_jwks(self) -> list[dict[str, str]]:
        """Public keys for security event tokens, as published apart from those for tokens."""
        ...

    @property
    def sca_receipt_signer(self) -> Signer | None:
        """The active key for SCA receipts, where there is one."""
        ...

    def sca_receipt_jwks(self) -> list[dict[str, str]]:
        """Public keys for SCA receipts, as published apart from those for tokens."""
        ...

    @property
    def token_verification_keys(self) -> KeySet:
        """Whatever may have signed a token that still counts, retired keys among them."""
        ...

    def public_jwks(self) -> list[dict[str, str]]:
        """Public token keys, as published: next, active and retired ones."""
        ...
