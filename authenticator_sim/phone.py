"""A phone in use: makes decisions with the factors asked for and hands them to a connection."""

import asyncio
from typing import Protocol

from authenticator_sim.core.deciding.challenges import VerifiedChallenge
from authenticator_sim.core.deciding.receipts import shown
from authenticator_sim.core.device import Device
from authenticator_sim.core.identity.otp import next_step_at, otp_code, otp_step
from authenticator_sim.core.identity.passkeys import Gesture, PasskeyUse, takes_passkey, takes_pin
from authenticator_sim.core.identity.pin import Pin, PinKey, unwrap_pin_key
from authenticator_sim.errors import MissingFactor, MissingGesture, NotOpen
from authenticator_sim.journal import Journal
from authenticator_sim.keystore import Keystore
from authenticator_sim.ports import Clock
from ciba_service.sca.messages import Decide, DenialReason, Factor, Shown

__all__ = ["DecisionChannel", "Phone"]


class DecisionChannel(Protocol):
    """Takes a decision to the service."""

    async def submit(self, decide: Decide) -> None:
        """Send it now, or as soon as there is a connection."""
        ...

    async def tell(self, receipt: Shown) -> None:
        """Send it now, or never: a receipt that is lost is no loss."""
        ...


class Phone:
    """One device with its clock, its journal and its way to the service."""

    def __init__(
        self,
        device: Device,
        *,
        channel: DecisionChannel,
        clock: Clock,
        journal: Journal,
        keystore: Keystore | None = None,
    ) -> None:
        """Put the parts together; with a keystore, a PIN changed elsewhere is known at once."""
        self.device = device
        self.clock = clock
        self._channel = channel
        self._journal = journal
        self._keystore = keystore

    @property
    def has_passkey(self) -> bool:
        """Whether there is one to offer in place of the PIN."""
        passkeys = () if self._keystore is None else self._keystore.load().passkeys
        return any(each.registered for each in passkeys)

    def find(self, transaction_id: str) -> VerifiedChallenge | None:
        """Return the open challenge of a transaction, if there is one."""
        return self.device.find_challenge(transaction_id, now_ms=self.clock.now_ms())

    def seconds_left(self, challenge: VerifiedChallenge) -> int:
        """Whole seconds until a challenge expires, by the service's clock."""
        return self.device.seconds_left(challenge, now_ms=self.clock.now_ms())

    def open_challenge(self, transaction_id: str) -> VerifiedChallenge:
        """Return an open challenge; raises ``NotOpen``."""
        challenge = self.find(transaction_id)
        if challenge is None:
            raise NotOpen("There is no open request with this transaction id.")
        return challenge

    async def approve(
        self,
        transaction_id: str,
        *,
        pin: Pin | None,
        otp: str | None = None,
        verification_code: str | None = None,
        gesture: Gesture | None = None,
    ) -> None:
        """Approve with the PIN, and with the phone's own one-time code unless one is given.

        With a ``gesture`` the phone's passkey takes the place of the PIN wherever it may.

        Raises:
            NotOpen: The request is not, or no longer, open.
            MissingFactor: The request asks for the PIN, for a passkey, or for the code that the
                other device shows, and there is none.
            MissingGesture: The user did nothing at the passkey.
        """
        challenge = self.open_challenge(transaction_id)
        passkey = self._passkey(challenge, gesture)
        pin_key = await self._pin_key(challenge, pin, offered=passkey is not None)
        if otp is None and Factor.OTP in challenge.content.factors:
            otp = await self._unused_otp(challenge)
        decide = self.device.approve(
            transaction_id,
            pin_key=pin_key,
            otp=otp,
            verification_code=verification_code,
            passkey=passkey,
            now_ms=self.clock.now_ms(),
        )
        await self._channel.submit(decide)

    async def tell_shown(self, transaction_id: str) -> None:
        """Say that the challenge is in front of the user now."""
        for receipt in shown(transaction_id):
            await self._channel.tell(receipt)

    async def deny(self, transaction_id: str, *, reason: DenialReason) -> None:
        """Decline; raises ``NotOpen``."""
        decide = self.device.deny(transaction_id, reason=reason, now_ms=self.clock.now_ms())
        await self._channel.submit(decide)

    def find_over(self, transaction_id: str) -> VerifiedChallenge | None:
        """A request that ended without the user's word, and of which "not me" still counts."""
        return self.device.find_over(transaction_id, now_ms=self.clock.now_ms())

    async def report(self, transaction_id: str) -> None:
        """Say "not me" of a request that is over; raises ``NotOpen``."""
        decide = self.device.report(transaction_id, now_ms=self.clock.now_ms())
        await self._channel.submit(decide)

    def _passkey(self, challenge: VerifiedChallenge, gesture: Gesture | None) -> PasskeyUse | None:
        if not takes_passkey(challenge.content, offered=gesture is not None):
            return None
        if gesture is None or gesture is Gesture.NONE:
            raise MissingGesture("This request asks for a passkey, and for a gesture of yours.")
        passkey = None if self._keystore is None else self._keystore.use_passkey()
        if passkey is None:
            raise MissingFactor("This phone has no passkey: authenticator-sim passkeys add.")
        return PasskeyUse(passkey, gesture)

    async def _pin_key(
        self, challenge: VerifiedChallenge, pin: Pin | None, *, offered: bool
    ) -> PinKey | None:
        if not takes_pin(challenge.content, offered=offered):
            return None
        if pin is None:
            raise MissingFactor("This request asks for the PIN.")
        identity = self.device.identity if self._keystore is None else self._keystore.load()
        return await asyncio.to_thread(unwrap_pin_key, identity.pin_key, pin)

    async def _unused_otp(self, challenge: VerifiedChallenge) -> str:
        """Give the code of an unused time step, waiting for the next one if need be."""
        totp = self.device.identity.totp
        while True:
            now_ms = self.device.service_now_ms(self.clock.now_ms())
            if not challenge.is_open(now_ms):
                raise NotOpen("The request expired before there was a fresh one-time code.")
            step = otp_step(totp, now_ms)
            if self._journal.reserve_otp_step(step):
                return otp_code(totp, step)
            await self.clock.sleep((next_step_at(totp, now_ms) - now_ms) / 1000)
