"""Orders: what the user wants done to phones or PIN, signed, with the PIN's proof inside."""

from dataclasses import dataclass

import msgspec

from authenticator_sim.core import jose
from authenticator_sim.core.identity.identity import DeviceIdentity, PendingPin
from authenticator_sim.core.identity.pin import SALT_BYTES, Pin, PinKey, wrap_pin_key
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
    "Wish",
    "approval_of",
    "invitation",
    "new_order",
    "new_pin_change",
    "registration_of",
    "revocation",
]

_JTI_BYTES = 16


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """One signed order; ``message`` is what goes out, and out again, to the byte."""

    jti: str
    message: GiveOrder


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants done that needs the PIN."""

    action: OrderAction
    device_id: str | None = None
    key: str | None = None
    passkey: PasskeyAttestation | None = None
    new_key: PinKey | None = None


def revocation(device_id: str) -> Wish:
    """That another phone of this user be revoked."""
    return Wish(OrderAction.REVOKE_DEVICE, device_id=device_id)


def approval_of(newcomer: DeviceWaiting) -> Wish:
    """That a phone that waits, with the key that was compared, be this user's."""
    return Wish(OrderAction.APPROVE_DEVICE, device_id=newcomer.device_id, key=newcomer.key)


def invitation() -> Wish:
    """An activation code for the next phone."""
    return Wish(OrderAction.INVITE_DEVICE)


def registration_of(passkey: PasskeyAttestation) -> Wish:
    """That a passkey be registered, with the challenge that it was made with as nonce."""
    return Wish(OrderAction.ADD_PASSKEY, passkey=passkey)


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
    order = new_order(
        Wish(OrderAction.CHANGE_PIN, new_key=new_key),
        identity=identity,
        pin_key=pin_key,
        nonce=nonce,
        now_ms=now_ms,
        random_bytes=random_bytes,
    )
    wrapped = wrap_pin_key(new_key, new_pin, salt=random_bytes(SALT_BYTES))
    return PendingPin(pin_key=wrapped, jti=order.jti, order=order.message.order)


def new_order(
    wish: Wish,
    *,
    identity: DeviceIdentity,
    pin_key: PinKey,
    nonce: str,
    now_ms: int,
    random_bytes: RandomBytes,
) -> SignedOrder:
    """Sign it; ``nonce`` is that of a fresh ``hello``, or the challenge of a passkey."""
    jti = jose.base64url(random_bytes(_JTI_BYTES))
    proof = order_pin_proof(
        pin_key.key,
        device_id=identity.device_id,
        nonce=nonce,
        action=wish.action,
        target=wish.device_id,
        jti=jti,
    )
    new_key = None if wish.new_key is None else jose.base64url(wish.new_key.key)
    proofs = OrderProofs(jti=jti, pin_proof=proof, pin_key=new_key, passkey=wish.passkey)
    claims = OrderClaims(
        iss=identity.device_id,
        aud=identity.issuer,
        jti=jti,
        iat=now_ms // 1000,
        nonce=nonce,
        action=wish.action,
        factors=jose.encrypt(
            msgspec.json.encode(proofs),
            to=identity.service_keys.encryption,
            typ=ORDER_FACTORS_TYP,
        ),
        device_id=wish.device_id,
        key=wish.key,
    )
    order = jose.sign(
        msgspec.json.encode(claims),
        key=identity.signing_key,
        typ=ORDER_TYP,
        kid=identity.device_id,
    )
    return SignedOrder(jti=jti, message=GiveOrder(order))
