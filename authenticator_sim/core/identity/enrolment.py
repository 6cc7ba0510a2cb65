"""Enrolment: prove possession of fresh keys, then take in the service's keys and secrets."""

from dataclasses import dataclass

import msgspec
from joserfc.jwk import ECKey

from authenticator_sim.core import jose
from authenticator_sim.core.decoding import MalformedJson, decode_json
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.otp import verify_totp_parameters
from authenticator_sim.core.identity.pin import SALT_BYTES, Pin, PinKey, wrap_pin_key
from authenticator_sim.errors import UntrustedService
from authenticator_sim.ports import RandomBytes
from ciba_service.sca.messages import (
    ENROLMENT_TYP,
    PIN_KEY_BYTES,
    SECRETS_TYP,
    EnrolmentAnswer,
    EnrolmentClaims,
    EnrolmentRequest,
    EnrolmentSecrets,
    ServiceKeys,
)

__all__ = ["PendingEnrolment", "complete_enrolment", "new_enrolment"]

_JTI_BYTES = 16


@dataclass(frozen=True, slots=True, repr=False)
class PendingEnrolment:
    """Keys made and request signed, not answered yet.

    ``body`` is sent again, to the byte, when its answer is lost.
    """

    issuer: str
    name: str
    signing_key: ECKey
    encryption_key: ECKey
    body: bytes

    def __repr__(self) -> str:
        return f"PendingEnrolment(issuer={self.issuer!r}, name={self.name!r}, ...)"


def new_enrolment(
    *,
    issuer: str,
    activation_code: str,
    second_secret: str | None,
    name: str,
    now_ms: int,
    random_bytes: RandomBytes,
) -> PendingEnrolment:
    """Make the phone's keys and sign the request with them."""
    signing_key, encryption_key = jose.new_private_key(), jose.new_private_key()
    claims = EnrolmentClaims(
        aud=issuer,
        jti=jose.base64url(random_bytes(_JTI_BYTES)),
        iat=now_ms // 1000,
        activation_code=activation_code,
        second_secret=second_secret,
        name=name,
        encryption_key=jose.public_jwk(encryption_key),
    )
    token = jose.sign_with_jwk(msgspec.json.encode(claims), key=signing_key, typ=ENROLMENT_TYP)
    return PendingEnrolment(
        issuer=issuer,
        name=name,
        signing_key=signing_key,
        encryption_key=encryption_key,
        body=msgspec.json.encode(EnrolmentRequest(enrolment=token)),
    )


def complete_enrolment(
    pending: PendingEnrolment, answer: EnrolmentAnswer, *, pin: Pin, random_bytes: RandomBytes
) -> DeviceIdentity:
    """Pin the service's keys and hide the PIN key behind the chosen PIN.

    Raises:
        UntrustedService: The answer names another issuer, or a key or secret is unusable.
    """
    if answer.issuer != pending.issuer:
        raise UntrustedService("The answer to the enrolment names another issuer.")
    try:
        _verify_device_id(answer.device_id)
        _verify_keys(answer.keys)
        plaintext = jose.decrypt(answer.secrets, key=pending.encryption_key, typ=SECRETS_TYP)
        secrets = decode_json(plaintext, EnrolmentSecrets)
        pin_key = PinKey(_pin_key_bytes(secrets.pin_key))
        totp = verify_totp_parameters(secrets.totp)
    except (jose.JoseRefused, MalformedJson) as error:
        raise UntrustedService(
            "The answer to the enrolment holds keys or secrets that cannot be used."
        ) from error
    return DeviceIdentity(
        device_id=answer.device_id,
        issuer=answer.issuer,
        subject=answer.subject,
        name=pending.name,
        websocket=answer.websocket,
        messages=answer.messages,
        signing_key=pending.signing_key,
        encryption_key=pending.encryption_key,
        service_keys=answer.keys,
        pin_key=wrap_pin_key(pin_key, pin, salt=random_bytes(SALT_BYTES)),
        totp=totp,
    )


def _verify_device_id(device_id: str) -> None:
    if not (device_id and device_id.isascii() and device_id.isprintable()):
        raise jose.JoseRefused("a device id that cannot be signed")


def _verify_keys(keys: ServiceKeys) -> None:
    if not keys.challenge:
        raise jose.JoseRefused("no challenge key")
    for jwk in (*keys.challenge, keys.encryption):
        jose.import_public_key(jwk)
        if not jwk.get("kid"):
            raise jose.JoseRefused("a key without a kid")


def _pin_key_bytes(text: str) -> bytes:
    key = jose.decode_base64url(text)
    if len(key) != PIN_KEY_BYTES:
        raise jose.JoseRefused("a PIN key of another length")
    return key
