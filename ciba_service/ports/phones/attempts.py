"""Failed attempts and spent codes."""

from typing import Protocol

from ciba_service.sca.factors.attempts import Attempt
from ciba_service.sca.factors.passkey_proofs import VerifiedPasskey
from ciba_service.sca.phones.devices import UserTag

__all__ = [
    "AttemptStore",
]


class AttemptStore(Protocol):
    """Failed attempts of a user, and one-time codes that were spent."""

    async def reserve(
        self, tag: UserTag, *, operation: str, knowledge: bool, now: int, passkey: bool = False
    ) -> Attempt:
        """Count before evaluating; raises ``sca.attempts.LockedError`` or ``PausedError``.

        ``knowledge`` says whether success would prove a PIN, ``passkey`` whether a passkey. A
        resent operation gets the attempt, and the instant, that it got the first time.
        """
        ...

    async def succeeded(self, tag: UserTag, *, operation: str) -> None:
        """Take this attempt back and, if it proved knowledge, all that were made before it.

        If it proved a passkey, those of passkeys that were made before it.
        """
        ...

    async def unlock(self, tag: UserTag) -> None:
        """Forget all attempts: the operator's act."""
        ...

    async def spend_step(self, device_id: str, step: int, *, operation: str) -> bool:
        """Spend a time step of a phone's OTP; False when it or a later one was spent before.

        A negative step stands for a code that is none: it costs the same and is never fresh.
        """
        ...

    async def spend_count(
        self, device_id: str, verified: VerifiedPasskey | None, *, operation: str
    ) -> bool:
        """Spend the sign count of a passkey; False when as high a one was spent before.

        One that never counts is always fresh. None stands for a passkey that did not verify: it
        costs the same and is never fresh.
        """
        ...

    async def used(self, tag: UserTag) -> int:
        """How many attempts count at present."""
        ...
