"""Decisions that no honest phone makes: another hash, another key, a wrong PIN."""

from dataclasses import dataclass, replace

from joserfc.jwk import ECKey

from authenticator_sim.core.challenges import VerifiedChallenge
from authenticator_sim.core.decisions import new_approval, new_denial
from authenticator_sim.core.identity import DeviceIdentity
from authenticator_sim.core.otp import otp_code, otp_step
from authenticator_sim.core.pin import PinKey
from authenticator_sim.ports import RandomBytes
from authenticator_sim.scenario.steps import Approve, Deny
from ciba_service.sca.messages import Decide, challenge_hash

__all__ = ["Forger", "altered"]


@dataclass(frozen=True, slots=True)
class Forger:
    """Makes decisions of one phone; it asks nobody whether they make sense.

    ``pin_key`` is what the right PIN unwraps, ``wrong_pin_key`` what another does.
    """

    identity: DeviceIdentity
    pin_key: PinKey
    wrong_pin_key: PinKey
    random_bytes: RandomBytes

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

    def _signer(self, *, stale: bool) -> DeviceIdentity:
        if not stale:
            return self.identity
        return replace(self.identity, signing_key=ECKey.generate_key("P-256", private=True))


def altered(challenge: VerifiedChallenge) -> str:
    """The hash of a challenge that says something else."""
    return challenge_hash(f"{challenge.digest}.altered")


def _with_hash(challenge: VerifiedChallenge, signed_hash: str | None) -> VerifiedChallenge:
    return challenge if signed_hash is None else replace(challenge, digest=signed_hash)
