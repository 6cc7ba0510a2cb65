"""Orders: what the user wants done to phones or PIN, signed, with the PIN's proof inside."""

from dataclasses import dataclass

import msgspec

from authenticator_sim.core import jose
from authenticator_sim.core.identity import DeviceIdentity, PendingPin
from authenticator_sim.core.pin import SALT_BYTES, Pin, PinKey, wrap_pin_key
from authenticator_sim.ports import RandomBytes
from ciba_service.sca.messages import (
    ORDER_FACTORS_TYP,
    ORDER_TYP,
    PIN_KEY_BYTES,
    DeviceWaiting,
    GiveOrder,
    OrderAction,
    OrderClaims,
    OrderProofs,
    PasskeyAttestation,
    order_pin_proof,
)

__all__ = [
    "SignedOrder",
    "new_approval_of",
    "new_invitation",
    "new_passkey_order",
    "new_pin_change",
    "new_revocation",
]

_JTI_BYTES = 16


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """One signed order; ``message`` is what goes out, and out again, to the byte."""

    jti: str
    message: GiveOrder


def new_revocation(
    device_id: str,
    *,
    identity: DeviceIdentity,
    pin_key: PinKey,
    nonce: str,
    now_ms: int,
    random_bytes: RandomBytes,
) -> SignedOrder:
    """Order that another phone of this user be revoked."""
    return _signed(
        OrderAction.REVOKE_DEVICE,
        identity=identity,
        pin_key=pin_key,
        nonce=nonce,
        device_id=device_id,
        now_ms=now_ms,
        random_bytes=random_bytes,
    )


def new_approval_of(
    newcomer: DeviceWaiting,
    *,
    identity: DeviceIdentity,
    pin_key: PinKey,
    nonce: str,
    now_ms: int,
    random_bytes: RandomBytes,
) -> SignedOrder:
    """Order that a phone that waits, with the key that was compared, be this user's."""
    return _signed(
        OrderAction.APPROVE_DEVICE,
        identity=identity,
        pin_key=pin_key,
        nonce=nonce,
        device_id=newcomer.device_id,
        key=newcomer.key,
        now_ms=now_ms,
        random_bytes=random_bytes,
    )


def new_invitation(
    *,
    identity: DeviceIdentity,
    pin_key: PinKey,
    nonce: str,
    now_ms: int,
    random_bytes: RandomBytes,
) -> SignedOrder:
    """Order an activation code for the next phone."""
    return _signed(
        OrderAction.INVITE_DEVICE,
        identity=identity,
        pin_key=pin_key,
        nonce=nonce,
        now_ms=now_ms,
        random_bytes=random_bytes,
    )


def new_passkey_order(
    passkey: PasskeyAttestation,
    *,
    identity: DeviceIdentity,
    pin_key: PinKey,
    nonce: str,
    now_ms: int,
    random_bytes: RandomBytes,
) -> SignedOrder:
    """Order that a passkey be registered; ``nonce`` is the challenge that it was made with."""
    return _signed(
        OrderAction.ADD_PASSKEY,
        identity=identity,
        pin_key=pin_key,
        nonce=nonce,
        passkey=passkey,
        now_ms=now_ms,
        random_bytes=random_bytes,
    )


def new_pin_change(
    new_pin: Pin,
    *,
    identity: DeviceIdentity,
    pin_key: PinKey,
    nonce: str,
    now_ms: int,
    random_bytes: RandomBytes,
) -> PendingPin:
    """Order another PIN; its key is kept beside the old one until the service has answered."""
    new_key = PinKey(random_bytes(PIN_KEY_BYTES))
    order = _signed(
        OrderAction.CHANGE_PIN,
        identity=identity,
        pin_key=pin_key,
        nonce=nonce,
        new_key=jose.base64url(new_key.key),
        now_ms=now_ms,
        random_bytes=random_bytes,
    )
    wrapped = wrap_pin_key(new_key, new_pin, salt=random_bytes(SALT_BYTES))
    return PendingPin(pin_key=wrapped, jti=order.jti, order=order.message.order)


def _signed(
    action: OrderAction,
    *,
    identity: DeviceIdentity,
    pin_key: PinKey,
    nonce: str,
    now_ms: int,
    random_bytes: RandomBytes,
    device_id: str | None = None,
    key: str | None = None,
    new_key: str | None = None,
    passkey: PasskeyAttestation | None = None,
) -> SignedOrder:
    jti = jose.base64url(random_bytes(_JTI_BYTES))
    proof = order_pin_proof(
        pin_key.key,
        device_id=identity.device_id,
        nonce=nonce,
        action=action,
        target=device_id,
        jti=jti,
    )
    proofs = OrderProofs(jti=jti, pin_proof=proof, pin_key=new_key, passkey=passkey)
    claims = OrderClaims(
        iss=identity.device_id,
        aud=identity.issuer,
        jti=jti,
        iat=now_ms // 1000,
        nonce=nonce,
        action=action,
        factors=jose.encrypt(
            msgspec.json.encode(proofs),
            to=identity.service_keys.encryption,
            typ=ORDER_FACTORS_TYP,
        ),
        device_id=device_id,
        key=key,
    )
    order = jose.sign(
        msgspec.json.encode(claims),
        key=identity.signing_key,
        typ=ORDER_TYP,
        kid=identity.device_id,
    )
    return SignedOrder(jti=jti, message=GiveOrder(order))
