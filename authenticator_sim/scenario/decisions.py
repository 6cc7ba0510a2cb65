"""Decisions that no honest phone makes: another hash, another key, a wrong PIN."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from joserfc.jwk import ECKey

from authenticator_sim.core.deciding.challenges import VerifiedChallenge
from authenticator_sim.core.deciding.decisions import new_approval, new_denial
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.otp import otp_code, otp_step
from authenticator_sim.core.identity.passkeys import Gesture, PasskeyUse, SoftwarePasskey
from authenticator_sim.core.identity.pin import PinKey
from authenticator_sim.errors import MissingFactor
from authenticator_sim.ports import RandomBytes
from authenticator_sim.scenario.steps import Approve, Deny
from ciba_service.sca.messages import Decide, challenge_hash

__all__ = ["Forger", "altered"]


def _no_passkey() -> SoftwarePasskey | None:
    return None


@dataclass(frozen=True, slots=True)
class Forger:
    """Makes decisions of one phone; it asks nobody whether they make sense.

    ``pin_key`` is what the right PIN unwraps, ``wrong_pin_key`` what another does; ``use_passkey``
    gives the phone's passkey, counted up.
    """

    identity: DeviceIdentity
    pin_key: PinKey
    wrong_pin_key: PinKey
    random_bytes: RandomBytes
    use_passkey: Callable[[], SoftwarePasskey | None] = _no_passkey

    def approval(
        self, challenge: VerifiedChallenge, step: Approve, *, signed_hash: str | None, now_ms: int
    ) -> Decide:
        """Approve; ``signed_hash`` takes the place of the challenge's own."""
        identity = self._signer(stale=step.key == "stale")
        return new_approval(
            _with_hash(challenge, signed_hash),
            identity=identity,
            pin_key=self.pin_key if step.pin == "right" else self.wrong_pin_key,
            otp=otp_code(identity.totp, otp_step(identity.totp, now_ms)),
            verification_code=None,
            now_ms=now_ms,
            random_bytes=self.random_bytes,
            passkey=self._passkey(step),
        ).message

    def denial(
        self, challenge: VerifiedChallenge, step: Deny, *, signed_hash: str | None, now_ms: int
    ) -> Decide:
        """Decline."""
        return new_denial(
            _with_hash(challenge, signed_hash),
            identity=self._signer(stale=step.key == "stale"),
            reason=step.reason,
            now_ms=now_ms,
            random_bytes=self.random_bytes,
        ).message

    def _passkey(self, step: Approve) -> PasskeyUse | None:
        if step.passkey is None:
            return None
        passkey = self.use_passkey()
        if passkey is None:
            raise MissingFactor("This phone has no passkey: authenticator-sim passkeys add.")
        if step.passkey == "old_count":
            passkey = replace(passkey, sign_count=passkey.sign_count - 1)
        gesture = Gesture.PRESENT if step.passkey == "unverified" else Gesture.VERIFIED
        return PasskeyUse(passkey, gesture)

    def _signer(self, *, stale: bool) -> DeviceIdentity:
        if not stale:
            return self.identity
        return replace(self.identity, signing_key=ECKey.generate_key("P-256", private=True))


def altered(challenge: VerifiedChallenge) -> str:
    """The hash of a challenge that says something else."""
    return challenge_hash(f"{challenge.digest}.altered")


def _with_hash(challenge: VerifiedChallenge, signed_hash: str | None) -> VerifiedChallenge:
    return challenge if signed_hash is None else replace(challenge, digest=signed_hash)
