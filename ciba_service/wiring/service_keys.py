"""All keys that a service is given: those it signs and decrypts with, and the ring."""

from typing import Protocol

from ciba_service.ports import Clock, KeyRing, Telemetry
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.stores.sealing import Ring

__all__ = ["ServiceKeys"]


class ServiceKeys(KeyRing, Protocol):
    """What ``stores.current_keys`` does with files; a KMS may stand behind it as well."""

    @property
    def ring(self) -> Ring:
        """The ring for data at rest; it is asked for once."""
        ...

    @property
    def token_algorithms(self) -> frozenset[SignatureAlgorithm]:
        """What tokens can be signed with; asked for once, to be published."""
        ...

    async def follow(self, clock: Clock, telemetry: Telemetry) -> None:
        """Keep up with keys that change, for ever."""
        ...
