"""A phone is enrolled: activation code, second secret, proof of possession (PSD2 RTS 24, 25).

A first phone counts at once; a further one waits until another phone of its user approves it.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec

from ciba_service.flow.phones.device_approval import DeviceApproval
from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.ports import (
    Activation,
    ActivationStore,
    Clock,
    DeviceStore,
    KeyRing,
    Randomness,
    Telemetry,
    UserDirectory,
    WaitingDevice,
    WaitingDeviceStore,
)
from ciba_service.ports.phones.notices import NoticeKind
from ciba_service.protocol.errors import InvalidEnrolmentError, Reason, cause_of
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.encryption import encrypt_to
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import EnrolmentRefused, PhoneEnrolled
from ciba_service.sca.factors.activation import normal_code
from ciba_service.sca.messages import (
    PIN_KEY_BYTES,
    SECRETS_TYP,
    EnrolmentAnswer,
    EnrolmentSecrets,
    ServiceKeys,
    TotpParameters,
)
from ciba_service.sca.phones.devices import Device, new_device_id, user_tag
from ciba_service.sca.phones.proofs import InvalidProofError, VerifiedEnrolment, verify_enrolment

__all__ = ["DeviceAddresses", "Enrolment"]

_TOTP_CHARACTERS: Final = 32
_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, slots=True)
class DeviceAddresses:
    """Where phones find the service."""

    issuer: str
    websocket: str
    messages: str


class Enrolment:
    """Turns an activation code and a new key into a phone that may decide, now or once approved."""

    def __init__(
        self,
        *,
        addresses: DeviceAddresses,
        activations: ActivationStore,
        devices: DeviceStore,
        waiting: WaitingDeviceStore,
        approval: DeviceApproval,
        approval_lifetime_ms: int,
        users: UserDirectory,
        notices: PhoneNotices,
        keys: KeyRing,
        random: Randomness,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._addresses = addresses
        self._activations = activations
        self._devices = devices
        self._waiting = waiting
        self._approval = approval
        self._approval_lifetime_ms = approval_lifetime_ms
        self._users = users
        self._notices = notices
        self._keys = keys
        self._random = random
        self._clock = clock
        self._telemetry = telemetry

    async def enrol(self, text: str, *, peer: str | None = None) -> EnrolmentAnswer:
        """Enrol; the same object sent again gets the same phone.

        Raises:
            InvalidEnrolmentError: whatever was wrong; the reason is its cause.
        """
        try:
            return await self._enrol(text)
        except InvalidEnrolmentError as error:
            self._telemetry.security_event(
                EnrolmentRefused(cause=cause_of(error) or Cause.MALFORMED, peer=peer)
            )
            raise

    async def _enrol(self, text: str) -> EnrolmentAnswer:
        try:
            enrolment = verify_enrolment(text, issuer=self._addresses.issuer)
        except InvalidProofError as error:
            raise InvalidEnrolmentError from Reason(str(error), error.cause)
        operation = base64url(hashlib.sha256(text.encode("ascii")).digest())
        activation = await self._activations.attempt(
            normal_code(enrolment.claims.activation_code),
            enrolment.claims.second_secret,
            operation=operation,
        )
        if activation is None:
            raise InvalidEnrolmentError from Reason(
                "code or second secret is not valid", Cause.WRONG
            )
        user = await self._users.find_subject(activation.subject)
        if user is None or not user.enabled:
            raise InvalidEnrolmentError from Reason(
                "the user is unknown or disabled", Cause.UNKNOWN
            )
        if activation.further:
            return await self._add_further(activation, enrolment, operation)
        device = await self._add_first(activation, enrolment, operation)
        await self._tell_others(device)
        return self._answer(device, enrolment)

    async def _add_first(
        self, activation: Activation, enrolment: VerifiedEnrolment, operation: str
    ) -> Device:
        device = self._new_device(activation, enrolment)
        added = await self._devices.add(
            device.tag, device, enrolment.jwk, further=False, operation=operation
        )
        if added is None:
            raise InvalidEnrolmentError from Reason("the user has a phone", Cause.LIMIT)
        return added

    async def _add_further(
        self, activation: Activation, enrolment: VerifiedEnrolment, operation: str
    ) -> EnrolmentAnswer:
        # NIST SP 800-63B-4 4.1: only after authentication at the account's level.
        device, now = self._new_device(activation, enrolment), self._clock.now_ms()
        device_id = await self._waiting.put(
            device.tag,
            device,
            enrolment.jwk,
            until=now + self._approval_lifetime_ms,
            now=now,
            operation=operation,
        )
        if device_id is None:
            raise InvalidEnrolmentError from Reason(
                "no phone could approve it, or too many wait", Cause.LIMIT
            )
        waiting = await self._waiting.find(device_id, now=now)
        if waiting is not None:
            await self._approval.ask(waiting.device)
            return self._answer(waiting.device, enrolment, waiting)
        approved = await self._devices.find(device_id)
        if approved is None:
            raise InvalidEnrolmentError from Reason(
                "the phone was rejected, or waited too long", Cause.LIMIT
            )
        return self._answer(approved, enrolment)

    def _new_device(self, activation: Activation, enrolment: VerifiedEnrolment) -> Device:
        return Device(
            device_id=new_device_id(user_tag(activation.subject), self._random),
            subject=activation.subject,
            name=enrolment.claims.name,
            enrolled_at=self._clock.now_ms(),
            key=enrolment.key,
            pin_key=self._random(PIN_KEY_BYTES),
            totp_secret=self._new_totp_secret(),
        )

    async def _tell_others(self, device: Device) -> None:
        # PSD2 RTS 24 and NIST SP 800-63B-4 4.1: every other phone learns of a new one.
        await self._notices.tell(NoticeKind.ENROLLED, device.tag, device.device_id, device.name)
        self._telemetry.event("device_enrolled", device_id=device.device_id)
        self._telemetry.security_event(PhoneEnrolled(device_id=device.device_id, user=device.tag))

    def _answer(
        self, device: Device, enrolment: VerifiedEnrolment, waiting: WaitingDevice | None = None
    ) -> EnrolmentAnswer:
        secrets = EnrolmentSecrets(
            pin_key=base64url(device.pin_key), totp=TotpParameters(device.totp_secret)
        )
        return EnrolmentAnswer(
            device_id=device.device_id,
            issuer=self._addresses.issuer,
            subject=device.subject,
            websocket=self._addresses.websocket,
            messages=self._addresses.messages,
            keys=ServiceKeys(
                challenge=self._keys.challenge_jwks(),
                encryption=self._keys.factors_key.public_jwk,
            ),
            secrets=encrypt_to(
                enrolment.encryption_key, msgspec.json.encode(secrets), typ=SECRETS_TYP
            ),
            approval_until=None if waiting is None else waiting.until // 1000,
        )

    def _new_totp_secret(self) -> str:
        # RFC 4226 4: 160 bits; 256 is a multiple of 32, so each character is uniform.
        return "".join(_BASE32[byte % 32] for byte in self._random(_TOTP_CHARACTERS))
