"""A software passkey: an authenticator of this phone's own, without attestation (WebAuthn 6).

It does nothing without a gesture of the user. A real one keeps its key in hardware and verifies its
user by fingerprint, face or code; this one takes the word of whoever runs the simulator.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from authenticator_sim.core import jose
from authenticator_sim.errors import MissingGesture, UntrustedService
from authenticator_sim.ports import RandomBytes
from ciba_service.sca.messages import (
    Challenge,
    CreationOptions,
    Factor,
    PasskeyAssertion,
    PasskeyAssertionResponse,
    PasskeyAttestation,
    PasskeyAttestationResponse,
)

__all__ = [
    "Gesture",
    "PasskeyUse",
    "SoftwarePasskey",
    "new_passkey",
    "takes_passkey",
    "takes_pin",
]

_ES256: Final = -7
_ID_BYTES: Final = 16
_NO_MODEL: Final = bytes(16)
_PRESENT: Final = 0x01
_VERIFIED: Final = 0x04
_BACKUP_ELIGIBLE: Final = 0x08
_BACKED_UP: Final = 0x10
_HAS_CREDENTIAL: Final = 0x40


class Gesture(StrEnum):
    """What the user does at the authenticator."""

    NONE = "none"
    PRESENT = "present"
    """A touch: somebody is there."""
    VERIFIED = "verified"
    """Fingerprint, face or code: the user is."""


@dataclass(frozen=True, slots=True, repr=False)
class SoftwarePasskey:
    """A passkey for one relying party; ``sign_count`` is how often it was used.

    Until the service has said that it is ``registered`` it is kept and not used.
    """

    passkey_id: str
    key: ECKey
    rp_id: str
    origin: str
    user_handle: str
    sign_count: int = 0
    synced: bool = False
    registered: bool = False

    def __repr__(self) -> str:
        return f"SoftwarePasskey(passkey_id={self.passkey_id!r}, ...)"


@dataclass(frozen=True, slots=True)
class PasskeyUse:
    """A passkey, counted up for this use, and the user's gesture."""

    passkey: SoftwarePasskey
    gesture: Gesture

    def confirm(self, challenge: str) -> PasskeyAssertion:
        """Sign a challenge (WebAuthn 6.3.3); raises ``MissingGesture``."""
        passkey = self.passkey
        client_data = _client_data("webauthn.get", challenge, passkey.origin)
        data = _authenticator_data(passkey, self.gesture)
        signature = _private_key(passkey.key).sign(
            data + hashlib.sha256(client_data).digest(), ECDSA(SHA256())
        )
        return PasskeyAssertion(
            id=passkey.passkey_id,
            raw_id=passkey.passkey_id,
            response=PasskeyAssertionResponse(
                client_data_json=jose.base64url(client_data),
                authenticator_data=jose.base64url(data),
                signature=jose.base64url(signature),
                user_handle=passkey.user_handle,
            ),
        )


def new_passkey(
    options: CreationOptions,
    *,
    origin: str,
    gesture: Gesture,
    synced: bool,
    random_bytes: RandomBytes,
) -> tuple[SoftwarePasskey, PasskeyAttestation]:
    """Make a passkey and what it says of itself (WebAuthn 6.3.2).

    Raises:
        MissingGesture: The user did nothing.
        UntrustedService: ES256 is not among what is asked for.
    """
    if all(each.alg != _ES256 for each in options.pub_key_cred_params):
        raise UntrustedService("The service asks for another kind of passkey.")
    passkey = SoftwarePasskey(
        passkey_id=jose.base64url(random_bytes(_ID_BYTES)),
        key=jose.new_private_key(),
        rp_id=options.rp.id,
        origin=origin,
        user_handle=options.user.id,
        synced=synced,
    )
    client_data = _client_data("webauthn.create", options.challenge, origin)
    data = _authenticator_data(passkey, gesture, credential=_credential(passkey))
    return passkey, PasskeyAttestation(
        id=passkey.passkey_id,
        raw_id=passkey.passkey_id,
        response=PasskeyAttestationResponse(
            client_data_json=jose.base64url(client_data),
            attestation_object=jose.base64url(_attestation_object(data)),
        ),
    )


def takes_passkey(challenge: Challenge, *, offered: bool) -> bool:
    """Whether an approval carries a passkey, if the user offers one."""
    return Factor.PASSKEY in challenge.factors or (offered and challenge.passkey_for_pin)


def takes_pin(challenge: Challenge, *, offered: bool) -> bool:
    """Whether an approval carries the PIN, if the user offers a passkey or does not."""
    return Factor.PIN in challenge.factors and not (offered and challenge.passkey_for_pin)


def _client_data(kind: str, challenge: str, origin: str) -> bytes:
    return msgspec.json.encode(
        {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
    )


def _authenticator_data(
    passkey: SoftwarePasskey, gesture: Gesture, *, credential: bytes = b""
) -> bytes:
    if gesture is Gesture.NONE:
        raise MissingGesture("The passkey does nothing without a gesture of its user.")
    flags = _PRESENT
    if gesture is Gesture.VERIFIED:
        flags |= _VERIFIED
    if passkey.synced:
        flags |= _BACKUP_ELIGIBLE | _BACKED_UP
    if credential:
        flags |= _HAS_CREDENTIAL
    return (
        hashlib.sha256(passkey.rp_id.encode()).digest()
        + bytes([flags])
        + passkey.sign_count.to_bytes(4, "big")
        + credential
    )


def _credential(passkey: SoftwarePasskey) -> bytes:
    name = jose.decode_base64url(passkey.passkey_id)
    return _NO_MODEL + len(name).to_bytes(2, "big") + name + _cose_key(passkey.key)


def _cose_key(key: ECKey) -> bytes:
    # CBOR of {1: 2, 3: -7, -1: 1, -2: x, -3: y} (RFC 9053 7.1.1).
    point = jose.public_jwk(key)
    x, y = (jose.decode_base64url(point[name]) for name in ("x", "y"))
    return b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y


def _attestation_object(data: bytes) -> bytes:
    # CBOR of {"fmt": "none", "attStmt": {}, "authData": data}.
    head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"
    return head + len(data).to_bytes(2, "big") + data


def _private_key(key: ECKey) -> EllipticCurvePrivateKey:
    private = key.private_key
    if private is None:
        raise AssertionError("a passkey was made or read with its private key")
    return private
