"""Phones learn of changed keys under the challenge keys they have pinned already."""

from ciba_service.flow.signing import signed
from ciba_service.ports import KeyRing, SignerUnavailable, Telemetry
from ciba_service.sca.messages import (
    KEY_ANNOUNCEMENT_VERSION,
    KEYS_TYP,
    KeyAnnouncement,
    KeysAnnounced,
)

__all__ = ["KeyAnnouncements", "KeyNews"]


class KeyAnnouncements:
    """What is said of the keys to pin; it is signed once for each change of them."""

    def __init__(self, *, issuer: str, keys: KeyRing, telemetry: Telemetry) -> None:
        self._issuer = issuer
        self._keys = keys
        self._telemetry = telemetry
        self._about: KeyAnnouncement | None = None
        self._current: KeysAnnounced | None = None

    async def current(self) -> KeysAnnounced | None:
        """The announcement, or None while phones need none.

        Without its signers none is made: phones go on with the keys they have.
        """
        changed_at = self._keys.pinned_keys_changed_at
        if changed_at is None:
            return None
        about = KeyAnnouncement(
            v=KEY_ANNOUNCEMENT_VERSION,
            iss=self._issuer,
            iat=changed_at // 1000,
            challenge=self._keys.challenge_jwks(),
            encryption=self._keys.factors_key.public_jwk,
        )
        if about != self._about:
            try:
                announced = KeysAnnounced(
                    tuple(
                        [
                            await signed(signer, typ=KEYS_TYP, claims=about)
                            for signer in self._keys.challenge_announcers()
                        ]
                    )
                )
            except SignerUnavailable as fault:
                self._telemetry.failure("signer_unavailable", fault)
                return None
            self._about, self._current = about, announced
        return self._current


class KeyNews:
    """What one connected phone has not been told yet."""

    def __init__(self, announcements: KeyAnnouncements) -> None:
        self._announcements = announcements
        self._told: KeysAnnounced | None = None

    async def unsaid(self) -> list[KeysAnnounced]:
        """The announcement, once for each change."""
        current = await self._announcements.current()
        if current is None or current == self._told:
            return []
        self._told = current
        return [current]
