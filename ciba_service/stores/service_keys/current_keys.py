"""The keys of a running service: read again when their file has changed, so that none is restarted.

Every process looks for itself; nobody has to tell it. What cannot be loaded is logged, and the keys
that are there go on being used.
"""

import asyncio
from typing import Final

from ciba_service.ports import Clock, Signer, Telemetry
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encryption import DecryptionKey
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.security_events.kinds import KeysChanged, KeysNotRead
from ciba_service.stores.sealing import Ring
from ciba_service.stores.service_keys.key_files import FileKeys, load_keys
from ciba_service.stores.service_keys.stored_keys import FileStamp, KeyFileError

__all__ = ["CurrentKeys"]

_LOOK_AGAIN_SECONDS: Final = 5.0


class CurrentKeys:
    """``ports.KeyRing`` over whatever the file holds; the ring for data at rest never changes."""

    def __init__(self, keys: FileKeys) -> None:
        self._keys = keys
        self._ring = keys.ring

    @property
    def ring(self) -> Ring:
        """The ring of the start."""
        return self._ring

    def token_signer(self, alg: SignatureAlgorithm) -> Signer:
        """The active key for tokens of ``alg``."""
        return self._keys.token_signer(alg)

    @property
    def token_algorithms(self) -> frozenset[SignatureAlgorithm]:
        """What tokens can be signed with; never less than at the start."""
        return self._keys.token_algorithms

    @property
    def challenge_signer(self) -> Signer:
        """The active key for challenges."""
        return self._keys.challenge_signer

    @property
    def factors_key(self) -> DecryptionKey:
        """The key that phones encrypt factors to."""
        return self._keys.factors_key

    def challenge_jwks(self) -> tuple[dict[str, str], ...]:
        """Public challenge keys, for phones to pin."""
        return self._keys.challenge_jwks()

    @property
    def pinned_keys_changed_at(self) -> int | None:
        """When what phones pin changed last, in milliseconds."""
        return self._keys.pinned_keys_changed_at

    def challenge_announcers(self) -> tuple[Signer, ...]:
        """Every challenge key that a phone may have pinned."""
        return self._keys.challenge_announcers()

    @property
    def evidence_signer(self) -> Signer | None:
        """The key for checkpoints of evidence."""
        return self._keys.evidence_signer

    @property
    def wake_up_signer(self) -> Signer | None:
        """The key that says who pushes."""
        return self._keys.wake_up_signer

    @property
    def wake_up_key(self) -> str | None:
        """Its public half."""
        return self._keys.wake_up_key

    @property
    def events_signer(self) -> Signer | None:
        """The active key for security event tokens."""
        return self._keys.events_signer

    def events_jwks(self) -> list[dict[str, str]]:
        """Public keys for security event tokens, as published."""
        return self._keys.events_jwks()

    @property
    def sca_receipt_signer(self) -> Signer | None:
        """The active key for SCA receipts."""
        return self._keys.sca_receipt_signer

    def sca_receipt_jwks(self) -> list[dict[str, str]]:
        """Public keys for SCA receipts, as published."""
        return self._keys.sca_receipt_jwks()

    @property
    def token_verification_keys(self) -> KeySet:
        """Whatever may have signed a token that still counts."""
        return self._keys.token_verification_keys

    def public_jwks(self) -> list[dict[str, str]]:
        """Public token keys, as published."""
        return self._keys.public_jwks()

    async def follow(self, clock: Clock, telemetry: Telemetry) -> None:
        """Look for changed keys for ever; a failure is logged once, until there is another."""
        said = None
        while True:
            await clock.sleep(_LOOK_AGAIN_SECONDS)
            try:
                changed = await self.refresh()
            except KeyFileError as error:
                if str(error) != said:
                    said = str(error)
                    telemetry.failure("keys_not_read", error)
                    telemetry.security_event(KeysNotRead())
                continue
            said = None
            if changed:
                kids = [jwk["kid"] for jwk in self.public_jwks()]
                telemetry.event("keys_read", kids=kids)
                telemetry.security_event(KeysChanged(kids=tuple(kids)))

    async def refresh(self) -> bool:
        """Take over what has changed; returns whether something had.

        Raises:
            KeyFileError: when the new keys cannot be used; the old ones stay.
        """
        directory = self._keys.directory
        if FileStamp.of(directory) == self._keys.stamp:
            return False
        # RSA keys are checked when they are read, which takes longer than a request.
        keys = await asyncio.to_thread(load_keys, directory)
        lost = self.token_algorithms - keys.token_algorithms
        if lost:
            raise KeyFileError(f"the new keys have none for tokens of {', '.join(sorted(lost))}")
        self._keys = keys
        return True
