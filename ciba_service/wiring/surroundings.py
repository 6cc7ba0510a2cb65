"""What a service takes from its surroundings: time, chance, the log and rules about risk."""

from dataclasses import dataclass
from os import urandom
from typing import Final

from ciba_service.ports import Clock, Randomness, RiskPolicy, Telemetry
from ciba_service.protocol.jose.encoding import base64url

__all__ = ["Surroundings"]

_OPERATION_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tests replace: time, chance and the log; ``store_clock`` paces retries on sockets.

    ``risk`` is for those who embed the service and have rules of their own.
    """

    clock: Clock
    store_clock: Clock
    random: Randomness
    telemetry: Telemetry
    risk: RiskPolicy | None = None

    def new_operation(self) -> str:
        """An operation id of 128 random bits; never a secret, so not from ``random``."""
        return base64url(urandom(_OPERATION_BYTES))
