"""What a user granted to a client: the facts every token of one transaction states alike."""

import msgspec

from ciba_service.protocol.request.authorization_details import PaymentInitiation

__all__ = ["Grant"]


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The authorization behind tokens; ``auth_time`` is in seconds, ``txn`` the transaction id.

    ``device_id`` is the phone that approved: when it is lost the grant is.
    ``resources`` are where tokens may be used, if not at the default; ``id_token_claims`` are those
    the client wished to find in ID tokens.
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
    payments: tuple[PaymentInitiation, ...] = ()
    resources: tuple[str, ...] = ()
    id_token_claims: tuple[str, ...] = ()
