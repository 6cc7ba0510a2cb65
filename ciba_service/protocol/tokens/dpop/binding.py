"""What an access token is bound to, and whether who presents it may use it (RFC 8705 3, RFC 9449).

Refresh tokens are bound to nothing here: they belong to a client, which proves itself at each
refresh, and the new access token is bound to what that request presents (RFC 9449 5).
"""

from dataclasses import dataclass

import msgspec

from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.errors import (
    InvalidDpopProofError,
    MissingBindingError,
    MissingCertificateError,
    Reason,
)
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.tokens.dpop.authorization import TokenScheme
from ciba_service.protocol.tokens.dpop.proof import VerifiedProof

__all__ = ["Binding", "BindingPolicy", "MisusedTokenError", "token_binding", "verify_use"]


class MisusedTokenError(ValueError):
    """A token is not bound to who presents it; at a resource 401 ``invalid_token``."""

    def __init__(self, text: str, cause: Cause) -> None:
        super().__init__(text)
        self.cause = cause


class Binding(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a token is bound to, written as its ``cnf`` claim: certificate, key, both or nothing.

    Both are SHA-256 hashes in base64url, of the DER certificate (RFC 8705 3.1) and of the key
    (RFC 9449 6.1).
    """

    certificate_thumbprint: str | None = msgspec.field(default=None, name="x5t#S256")
    jkt: str | None = None

    @property
    def is_bound(self) -> bool:
        """Whether the token is worth nothing to somebody who copies it."""
        return self.certificate_thumbprint is not None or self.jkt is not None

    @property
    def token_type(self) -> TokenScheme:
        """``token_type`` of the response, and the only scheme to present the token with."""
        return TokenScheme.BEARER if self.jkt is None else TokenScheme.DPOP


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingPolicy:
    """What a client's registration and profile demand of its access tokens."""

    demands_sender_constraint: bool
    certificate_bound: bool
    dpop_bound: bool


def token_binding(
    policy: BindingPolicy, *, certificate_thumbprint: str | None, proof: VerifiedProof | None
) -> Binding:
    """What the access token of this token request is to be bound to, decided on every poll.

    A proof always binds. A certificate binds where it was registered, and where the profile
    demands some binding and there is no other.

    Raises:
        MissingCertificateError, MissingBindingError: when a certificate, or one of the two, is
            demanded and missing.
        InvalidDpopProofError: when a proof is demanded and missing (RFC 9449 5.2).
    """
    if policy.dpop_bound and proof is None:
        raise InvalidDpopProofError from Reason("the DPoP proof is missing", Cause.MISSING)
    needs_some_binding = policy.demands_sender_constraint and proof is None
    if not (policy.certificate_bound or needs_some_binding):
        return Binding(jkt=None if proof is None else proof.jkt)
    if certificate_thumbprint is None:
        if policy.certificate_bound:
            raise MissingCertificateError from Reason(
                "the client certificate is missing or unusable", Cause.MISSING
            )
        raise MissingBindingError from Reason(
            "neither a DPoP proof nor a usable client certificate is there", Cause.MISSING
        )
    return Binding(
        certificate_thumbprint=certificate_thumbprint, jkt=None if proof is None else proof.jkt
    )


def verify_use(
    binding: Binding,
    *,
    scheme: TokenScheme,
    proof: VerifiedProof | None,
    certificate_thumbprint: str | None,
) -> None:
    """Hold that a presented token is bound to who presents it, and in no weaker way than issued.

    Raises:
        MisusedTokenError: when the scheme is another than the token's, or key or certificate are.
        InvalidDpopProofError: when the token is presented with DPoP but without a proof.
    """
    if scheme is not binding.token_type:
        # RFC 9449 7.2: a stolen bound token must not pass for a bearer token.
        raise MisusedTokenError(
            "the token is presented with another scheme than its own", Cause.SCHEME
        )
    if binding.jkt is not None:
        if proof is None:
            raise InvalidDpopProofError from Reason("the DPoP proof is missing", Cause.MISSING)
        if not equal_secrets(proof.jkt, binding.jkt):
            raise MisusedTokenError("the token is bound to another key", Cause.KEY)
    expected = binding.certificate_thumbprint
    if expected is not None and not equal_secrets(certificate_thumbprint or "", expected):
        raise MisusedTokenError("the token is bound to another certificate", Cause.CERTIFICATE)
