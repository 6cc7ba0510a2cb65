"""What a user granted to a client: the facts every token of one transaction states alike."""

import msgspec

from ciba_service.protocol.request.authorization_details import (
    PAYMENT_INITIATION,
    AuthorizationDetail,
)

__all__ = ["Grant"]


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The authorization behind tokens; ``auth_time`` is in seconds, ``txn`` the transaction id.

    ``device_id`` is the phone that approved: when it is lost the grant is.
    ``resources`` are where tokens may be used, if not at the default; ``id_token_claims`` are those
    the client wished to find in ID tokens. ``client_name`` is the one the user was shown, in a
    grant that may last; unless the user was told that access ``lasts`` there is no refresh token.
    ``pairwise_sub`` is what the client calls the user, where that is not the ``subject``.
    """

    txn: str
    client_id: str
    subject: str
    scope: tuple[str, ...]
    auth_time: int
    acr: str
    amr: tuple[str, ...]
    challenge_hash: str
    device_id: str
    details: tuple[AuthorizationDetail, ...] = ()
    resources: tuple[str, ...] = ()
    id_token_claims: tuple[str, ...] = ()
    client_name: str = ""
    lasts: bool = True
    pairwise_sub: str | None = None

    @property
    def sub(self) -> str:
        """What the client calls the user (OpenID Connect Core 8)."""
        return self.pairwise_sub or self.subject

    @property
    def has_payment(self) -> bool:
        """Whether a payment is linked to it, which is made once (PSD2 RTS art. 5)."""
        return any(detail.type == PAYMENT_INITIATION for detail in self.details)
