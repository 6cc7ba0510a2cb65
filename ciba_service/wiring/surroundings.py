"""What a service takes from its surroundings: time, chance and the log."""

import secrets
from dataclasses import dataclass
from typing import Final

from ciba_service.ports import Clock, Randomness, Telemetry

__all__ = ["Surroundings"]

_OPERATION_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tests replace: time, chance and the log; ``store_clock`` paces retries on sockets."""

    clock: Clock
    store_clock: Clock
    random: Randomness
    telemetry: Telemetry

    def new_operation(self) -> str:
        """An operation id of 128 random bits; never a secret, so not from ``random``."""
        return secrets.token_urlsafe(_OPERATION_BYTES)
