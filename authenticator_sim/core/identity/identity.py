"""What an enrolled phone holds: its keys, the service's pinned keys and its wrapped secrets."""

from dataclasses import dataclass

from joserfc.jwk import ECKey

from authenticator_sim.core.identity.passkeys import SoftwarePasskey
from authenticator_sim.core.identity.pin import WrappedPinKey
from ciba_service.sca.messages import ServiceKeys, TotpParameters

__all__ = ["DeviceIdentity", "PendingPin"]


@dataclass(frozen=True, slots=True, repr=False)
class PendingPin:
    """A PIN that was ordered, until the service has said whether it counts.

    The order holds its key for the service alone, and goes out again to the byte.
    """

    pin_key: WrappedPinKey
    jti: str
    order: str

    def __repr__(self) -> str:
        return f"PendingPin(jti={self.jti!r}, ...)"


@dataclass(frozen=True, slots=True, repr=False)
class DeviceIdentity:
    """One enrolled phone of one user at one service."""

    device_id: str
    issuer: str
    subject: str
    name: str
    websocket: str
    messages: str
    signing_key: ECKey
    encryption_key: ECKey
    service_keys: ServiceKeys
    pin_key: WrappedPinKey
    totp: TotpParameters
    keys_announced_at: int = 0
    """When the pinned keys changed (seconds), as far as that was announced."""
    pending_pin: PendingPin | None = None
    passkeys: tuple[SoftwarePasskey, ...] = ()

    def __repr__(self) -> str:
        return f"DeviceIdentity(device_id={self.device_id!r}, issuer={self.issuer!r}, ...)"
