"""A phone's order: what its user wants done to phones or PIN, signed and proven by the PIN.

Whatever is wrong with its shape or signature, nothing was evaluated and no attempt is counted.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.protocol.jose.encryption import DecryptionKey
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.jose.verification import (
    CompactJws,
    InvalidJwsError,
    parse_jws,
    verify_jws,
)
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.sca.messages import (
    ORDER_FACTORS_TYP,
    ORDER_TYP,
    PIN_KEY_BYTES,
    OrderAction,
    OrderClaims,
    OrderProofs,
    PasskeyAttestation,
    order_pin_proof,
)
from ciba_service.sca.phones.devices import Device
from ciba_service.sca.signed_members import read_members

__all__ = [
    "InvalidOrderError",
    "PresentedOrder",
    "SignedOrder",
    "parse_order",
    "proves_pin",
    "verify_order",
]

_NAME: Final = re.compile(r"[ -~]{1,128}", re.ASCII)
_ES256: Final = frozenset({SignatureAlgorithm.ES256})
_ABOUT_A_PHONE: Final = frozenset({OrderAction.REVOKE_DEVICE, OrderAction.APPROVE_DEVICE})


class InvalidOrderError(ValueError):
    """The order proves nothing; the text is for the log only."""

    def __init__(self, text: str, cause: Cause = Cause.MALFORMED) -> None:
        super().__init__(text)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class PresentedOrder:
    """An order as it came, not yet verified; ``operation`` is the hash of the exact bytes."""

    claims: OrderClaims
    operation: str
    jws: CompactJws = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """Proof that ``device`` signed this order; whether its PIN is right is still open.

    ``pin_key`` is the new one of a change, and empty for any other order; ``passkey`` is the one to
    be registered, and None likewise.
    """

    device: Device
    claims: OrderClaims
    operation: str
    pin_proof: str = field(repr=False)
    pin_key: bytes = field(repr=False)
    passkey: PasskeyAttestation | None = field(repr=False)


def parse_order(text: str) -> PresentedOrder:
    """Take an order JWS apart; raises ``InvalidOrderError``."""
    try:
        jws = parse_jws(text)
        claims = read_members(jws.payload, OrderClaims)
    except (ValueError, RecursionError) as error:  # of JWS, JSON or UTF-8
        raise InvalidOrderError(f"malformed: {error}") from error
    if not (_NAME.fullmatch(claims.jti) and _NAME.fullmatch(claims.nonce)):
        raise InvalidOrderError("jti and nonce are 1 to 128 printable ASCII characters")
    operation = base64url(hashlib.sha256(text.encode("ascii")).digest())
    return PresentedOrder(claims=claims, operation=operation, jws=jws)


def verify_order(
    presented: PresentedOrder, *, device: Device, issuer: str, encryption_key: DecryptionKey
) -> SignedOrder:
    """Verify that ``device`` signed this order, and open its factors.

    Raises:
        InvalidOrderError: when signature, type, audience, members or encryption is wrong.
    """
    if presented.jws.header.typ != ORDER_TYP:
        raise InvalidOrderError("typ is that of another object", Cause.CLAIMS)
    try:
        verify_jws(presented.jws, keys=KeySet([device.key]), algorithms=_ES256)
    except InvalidJwsError as error:
        raise InvalidOrderError(str(error), error.cause) from error
    claims = presented.claims
    if claims.iss != device.device_id or claims.aud != issuer:
        raise InvalidOrderError("iss or aud is wrong", Cause.AUDIENCE)
    if (claims.device_id is None) is (claims.action in _ABOUT_A_PHONE):
        raise InvalidOrderError("device_id belongs to orders about another phone, and no others")
    if (claims.key is None) is (claims.action is OrderAction.APPROVE_DEVICE):
        raise InvalidOrderError("key belongs to approvals and to nothing else")
    proofs = _proofs(claims, encryption_key)
    if (proofs.passkey is None) is (claims.action is OrderAction.ADD_PASSKEY):
        raise InvalidOrderError("a passkey belongs to its registration and to nothing else")
    return SignedOrder(
        device=device,
        claims=claims,
        operation=presented.operation,
        pin_proof=proofs.pin_proof,
        pin_key=_new_pin_key(claims, proofs),
        passkey=proofs.passkey,
    )


def proves_pin(order: SignedOrder) -> bool:
    """Whether the PIN was entered for exactly this order."""
    claims = order.claims
    expected = order_pin_proof(
        order.device.pin_key,
        device_id=order.device.device_id,
        nonce=claims.nonce,
        action=claims.action,
        target=claims.device_id,
        jti=claims.jti,
    )
    return equal_secrets(order.pin_proof, expected)


def _proofs(claims: OrderClaims, encryption_key: DecryptionKey) -> OrderProofs:
    try:
        plaintext = encryption_key.open(claims.factors, ORDER_FACTORS_TYP)
        proofs = read_members(plaintext, OrderProofs)
    except (ValueError, RecursionError) as error:  # of JWE, JSON or UTF-8
        raise InvalidOrderError(f"factors: {error}", Cause.ENCRYPTION) from error
    if proofs.jti != claims.jti:
        raise InvalidOrderError("the factors belong to another order", Cause.CLAIMS)
    return proofs


def _new_pin_key(claims: OrderClaims, proofs: OrderProofs) -> bytes:
    if (proofs.pin_key is None) is (claims.action is OrderAction.CHANGE_PIN):
        raise InvalidOrderError("a new PIN key belongs to a change of the PIN and to nothing else")
    if proofs.pin_key is None:
        return b""
    try:
        key = parse_base64url(proofs.pin_key)
    except ValueError as error:
        raise InvalidOrderError("the new PIN key is no base64url") from error
    if len(key) != PIN_KEY_BYTES:
        raise InvalidOrderError("the new PIN key has another length")
    return key
