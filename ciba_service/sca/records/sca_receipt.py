"""The SCA receipt: what one approval stands on, for the client that asked and for the operator.

Its claims are made when the user approves and never change; they are signed whenever somebody asks.
No factor, no proof and no secret is in it.
"""

import hashlib
from typing import Final

import msgspec

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.verification import parse_jws
from ciba_service.sca.messages import OUTCOME_WINDOW, Payment, challenge_hash

__all__ = [
    "SCA_RECEIPT_KEYS_PATH",
    "SCA_RECEIPT_TYP",
    "ScaReceipt",
    "ShownApproval",
    "receipt_device",
    "sca_receipt",
]

SCA_RECEIPT_TYP: Final = "ciba-sca-receipt+jwt"
SCA_RECEIPT_KEYS_PATH: Final = "/sca-receipts/jwks"


class ScaReceipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Payload of a receipt; instants are in seconds, and ``iat`` is when the user approved.

    ``display_hash`` is the SHA-256 of the member ``display`` of the challenge, to the letter;
    ``decision_hash`` that of the phone's decision JWS, ``challenge_hash`` that of the challenge
    JWS, all in base64url. ``payments`` and ``authorization_details`` are what the phone showed;
    the receipt can be had until ``available_until``.
    """

    iss: str
    aud: str
    sub: str
    iat: int
    jti: str
    txn: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    challenge_hash: str
    decision_hash: str
    display_hash: str
    locale: str
    device: str
    scope: str
    available_until: int
    binding_message: str | None = None
    payments: tuple[Payment, ...] = ()
    authorization_details: tuple[msgspec.Raw, ...] = ()

    def __repr__(self) -> str:
        return f"ScaReceipt({self.jti!r})"


class ShownApproval(msgspec.Struct, frozen=True, kw_only=True):
    """Who approved what, by what; ``auth_time`` is in seconds, ``challenge`` the exact JWS."""

    client_id: str
    subject: str
    device_id: str
    challenge: str
    decision_hash: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int


class _BindingMessage(msgspec.Struct):
    binding_message: str | None = None


class _Challenge(msgspec.Struct):
    iss: str
    transaction_id: str
    exp: int
    locale: str
    display: msgspec.Raw
    scope: tuple[str, ...] = ()
    payments: tuple[Payment, ...] = ()
    authorization_details: tuple[msgspec.Raw, ...] = ()


def sca_receipt(approval: ShownApproval) -> ScaReceipt:
    """The claims of an approval's receipt, from the challenge that the service signed itself."""
    challenge = msgspec.json.decode(parse_jws(approval.challenge).payload, type=_Challenge)
    return ScaReceipt(
        iss=challenge.iss,
        aud=approval.client_id,
        sub=approval.subject,
        iat=approval.auth_time,
        jti=f"sca-{challenge.transaction_id}",
        txn=challenge.transaction_id,
        acr=approval.acr,
        amr=approval.amr,
        auth_time=approval.auth_time,
        challenge_hash=challenge_hash(approval.challenge),
        decision_hash=approval.decision_hash,
        display_hash=base64url(hashlib.sha256(challenge.display).digest()),
        locale=challenge.locale,
        device=receipt_device(approval.client_id, approval.device_id),
        scope=" ".join(challenge.scope),
        available_until=challenge.exp + OUTCOME_WINDOW,
        binding_message=msgspec.json.decode(
            challenge.display, type=_BindingMessage
        ).binding_message,
        payments=challenge.payments,
        authorization_details=challenge.authorization_details,
    )


def receipt_device(client_id: str, device_id: str) -> str:
    """A phone's name for one client, which tells it again but neither its id nor other clients'."""
    message = f"ciba-receipt-device.v1\0{client_id}\0{device_id}"
    return base64url(hashlib.sha256(message.encode()).digest()[:16])
