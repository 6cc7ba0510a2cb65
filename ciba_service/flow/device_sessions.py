"""A phone proves who it is: its signature over a nonce of ours, once (NIST SP 800-63B-4 3.2.7)."""

from ciba_service.ports import Clock, DeviceStore, ReplayKind, ReplayStore, WaitingDeviceStore
from ciba_service.protocol.errors import InvalidDeviceProofError, Reason
from ciba_service.sca.devices import Device, DeviceNotApproved, DeviceRevoked
from ciba_service.sca.messages import Hello
from ciba_service.sca.nonces import Nonces
from ciba_service.sca.proofs import (
    InvalidProofError,
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
    ) -> None:
        self._issuer = issuer
        self._nonces = nonces
        self._devices = devices
        self._waiting = waiting
        self._replays = replays
        self._clock = clock

    def greet(self) -> Hello:
        """The nonce to sign."""
        return Hello(issuer=self._issuer, nonce=self._nonces.new_nonce(self._clock.now_ms()))

    async def authenticate(self, proof: str, *, body_hash: str | None, operation: str) -> Device:
        """The phone that signed ``proof``; over HTTPS it also covers the hash of the body.

        Raises:
            InvalidDeviceProofError: when it does not verify, is stale, or was used before.
            DeviceRevoked: when no such phone is enrolled.
            DeviceNotApproved: when it waits to be.
            StoreUnavailable: when the store cannot be reached.
        """
        try:
            presented = parse_session_proof(proof)
        except InvalidProofError as error:
            raise InvalidDeviceProofError from Reason(str(error))
        claims = presented.claims
        until = self._nonces.expiry(claims.nonce, self._clock.now_ms())
        if until is None:
            raise InvalidDeviceProofError from Reason("the nonce is not ours or too old")
        device = await self._devices.find(claims.iss)
        if device is None:
            waits = await self._waiting.find(claims.iss, now=self._clock.now_ms())
            raise DeviceRevoked if waits is None else DeviceNotApproved
        try:
            verify_session_proof(presented, device=device, issuer=self._issuer, body_hash=body_hash)
        except InvalidProofError as error:
            raise InvalidDeviceProofError from Reason(str(error))
        # Last, so that strangers make nothing be written.
        fresh = await self._replays.reserve(
            ReplayKind.DEVICE_PROOF,
            claims.nonce,
            presented.jws.signing_input.decode(),  # a signature has a second valid form
            operation=operation,
            until=until,
        )
        if not fresh:
            raise InvalidDeviceProofError from Reason("the proof was used before")
        return device
