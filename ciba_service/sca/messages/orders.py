"""What a phone signs to have something done that needs the PIN, and the proofs inside."""

import hmac
from enum import StrEnum
from typing import Final

import msgspec

from ciba_service.sca.messages.passkeys import PasskeyAttestation
from ciba_service.sca.messages.wire import DeviceId, KeyThumbprint, base64url

__all__ = [
    "ORDER_FACTORS_TYP",
    "ORDER_TYP",
    "OrderAction",
    "OrderCarriedOut",
    "OrderClaims",
    "OrderProofs",
    "OrderRefusal",
    "OrderRefused",
    "order_pin_proof",
]


ORDER_TYP: Final = "ciba-order+jwt"
ORDER_FACTORS_TYP: Final = "ciba-order-factors+jwe"


class OrderAction(StrEnum):
    """What a phone may order with its PIN."""

    REVOKE_DEVICE = "revoke_device"
    CHANGE_PIN = "change_pin"
    APPROVE_DEVICE = "approve_device"
    INVITE_DEVICE = "invite_device"
    ADD_PASSKEY = "add_passkey"


class OrderRefusal(StrEnum):
    """Why an order was not carried out."""

    FACTORS = "factors"
    LOCKED = "locked"
    PAUSED = "paused"
    STALE = "stale"
    UNKNOWN_DEVICE = "unknown_device"
    INVALID_PASSKEY = "invalid_passkey"
    TOO_MANY_PASSKEYS = "too_many_passkeys"
    INVALID_ORDER = "invalid_order"
    UNAVAILABLE = "unavailable"


class OrderClaims(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the order JWS; ``nonce`` is that of a ``hello``, ``iat`` is recorded only.

    ``device_id`` is the phone to be revoked or approved, ``key`` the thumbprint of the one to be
    approved, as its user compared it.
    """

    iss: str
    aud: str
    jti: str
    iat: int
    nonce: str
    action: OrderAction
    factors: str
    device_id: DeviceId | None = None
    key: KeyThumbprint | None = None


class OrderProofs(msgspec.Struct, frozen=True, omit_defaults=True):
    """Plaintext of an order's factors JWE; ``pin_key`` is the new one (32 bytes, base64url).

    ``passkey`` is the one to be registered.
    """

    jti: str
    pin_proof: str
    pin_key: str | None = None
    passkey: PasskeyAttestation | None = None

    def __repr__(self) -> str:
        return "OrderProofs(...)"


class OrderCarriedOut(
    msgspec.Struct, frozen=True, tag="order_done", tag_field="type", omit_defaults=True
):
    """The order was carried out, now or before; ``order`` is its ``jti``.

    An invitation brings the activation code of the next phone; ``expires_in`` is in seconds.
    """

    order: str
    action: OrderAction
    activation_code: str | None = None
    expires_in: int | None = None

    def __repr__(self) -> str:
        return f"OrderCarriedOut(order={self.order!r}, action={self.action!r}, ...)"


class OrderRefused(
    msgspec.Struct, frozen=True, tag="order_refused", tag_field="type", omit_defaults=True
):
    """Nothing was done; ``attempts_left`` only where the PIN was evaluated.

    ``retry_after`` (seconds) is there while the last attempt is not to be had.
    """

    order: str
    reason: OrderRefusal
    attempts_left: int | None = None
    retry_after: int | None = None


def order_pin_proof(
    pin_key: bytes,
    *,
    device_id: str,
    nonce: str,
    action: OrderAction,
    target: str | None,
    jti: str,
) -> str:
    """Proof that the PIN was entered for exactly this order; never one for a decision."""
    message = f"ciba-pin-order.v1\0{device_id}\0{nonce}\0{action}\0{target or ''}\0{jti}"
    return base64url(hmac.digest(pin_key, message.encode("ascii"), "sha256"))
