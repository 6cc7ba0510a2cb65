"""A phone proves who it is: its signature over a nonce of ours, once (NIST SP 800-63B-4 3.2.7)."""

from ciba_service.ports import (
    Clock,
    DeviceStore,
    ReplayKind,
    ReplayStore,
    SecurityEvents,
    WaitingDeviceStore,
)
from ciba_service.protocol.errors import InvalidDeviceProofError, Reason, cause_of
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import PhoneProofRefused
from ciba_service.sca.messages import Hello
from ciba_service.sca.phones.devices import Device, DeviceNotApproved, DeviceRevoked
from ciba_service.sca.phones.nonces import Nonces
from ciba_service.sca.phones.proofs import (
    InvalidProofError,
    PresentedSession,
    parse_session_proof,
    verify_session_proof,
)

__all__ = ["DeviceSessions"]


class DeviceSessions:
    """Greets phones and authenticates them."""

    def __init__(
        self,
        *,
        issuer: str,
        nonces: Nonces,
        devices: DeviceStore,
        waiting: WaitingDeviceStore,
        replays: ReplayStore,
        clock: Clock,
        events: SecurityEvents,
    ) -> None:
        self._issuer = issuer
        self._nonces = nonces
        self._devices = devices
        self._waiting = waiting
        self._replays = replays
        self._clock = clock
        self._events = events

    def greet(self) -> Hello:
        """The nonce to sign."""
        return Hello(issuer=self._issuer, nonce=self._nonces.new_nonce(self._clock.now_ms()))

    async def authenticate(
        self, proof: str, *, body_hash: str | None, operation: str, peer: str | None = None
    ) -> Device:
        """The phone that signed ``proof``; over HTTPS it also covers the hash of the body.

        ``peer`` is the address of the connection, if known.

        Raises:
            InvalidDeviceProofError: when it does not verify, is stale, or was used before.
            DeviceRevoked: when no such phone is enrolled.
            DeviceNotApproved: when it waits to be.
            StoreUnavailable: when the store cannot be reached.
        """
        try:
            presented, until = self._parse(proof)
        except InvalidDeviceProofError as error:
            self._tell(error, None, peer)
            raise
        device = await self._enrolled(presented.claims.iss, peer)
        try:
            await self._verify(presented, device, until, body_hash=body_hash, operation=operation)
        except InvalidDeviceProofError as error:
            self._tell(error, device, peer)
            raise
        return device

    async def _enrolled(self, device_id: str, peer: str | None) -> Device:
        device = await self._devices.find(device_id)
        if device is not None:
            return device
        if await self._waiting.find(device_id, now=self._clock.now_ms()) is not None:
            raise DeviceNotApproved
        # It may have been approved between the two looks, and forgets its keys once it is revoked.
        device = await self._devices.find(device_id)
        if device is None:
            self._events.security_event(PhoneProofRefused(cause=Cause.UNKNOWN, peer=peer))
            raise DeviceRevoked
        return device

    def _parse(self, proof: str) -> tuple[PresentedSession, int]:
        try:
            presented = parse_session_proof(proof)
        except InvalidProofError as error:
            raise InvalidDeviceProofError from Reason(str(error), error.cause)
        claims = presented.claims
        until = self._nonces.expiry(claims.nonce, self._clock.now_ms())
        if until is None:
            raise InvalidDeviceProofError from Reason(
                "the nonce is not ours or too old", Cause.NONCE
            )
        return presented, until

    async def _verify(
        self,
        presented: PresentedSession,
        device: Device,
        until: int,
        *,
        body_hash: str | None,
        operation: str,
    ) -> None:
        try:
            verify_session_proof(presented, device=device, issuer=self._issuer, body_hash=body_hash)
        except InvalidProofError as error:
            raise InvalidDeviceProofError from Reason(str(error), error.cause)
        # Last, so that strangers make nothing be written.
        fresh = await self._replays.reserve(
            ReplayKind.DEVICE_PROOF,
            presented.claims.nonce,
            presented.jws.signing_input.decode(),  # a signature has a second valid form
            operation=operation,
            until=until,
        )
        if not fresh:
            raise InvalidDeviceProofError from Reason("the proof was used before", Cause.REPLAYED)

    def _tell(
        self, error: InvalidDeviceProofError, device: Device | None, peer: str | None
    ) -> None:
        self._events.security_event(
            PhoneProofRefused(
                cause=cause_of(error) or Cause.MALFORMED,
                device_id=None if device is None else device.device_id,
                user=None if device is None else device.tag,
                peer=peer,
            )
        )
