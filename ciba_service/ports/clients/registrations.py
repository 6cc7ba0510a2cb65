"""Clients that registered themselves (RFC 7591, RFC 7592)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Protocol

import msgspec

from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.client.registration.metadata import RegisteredMetadata
from ciba_service.protocol.profiles import ProfileName

__all__ = ["Registration", "RegistrationPlace", "RegistrationStore"]


class RegistrationPlace(msgspec.Struct, frozen=True):
    """Where a registered client stands among the others: by time, then by name."""

    issued_at: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    client_id: Annotated[str, msgspec.Meta(max_length=255)]


@dataclass(frozen=True, slots=True)
class Registration:
    """A registered client: its metadata, and what the provider keeps beside it.

    ``token_hash`` is that of the registration access token, ``issued_at`` in seconds;
    ``notification_hosts`` are those vouched for when it registered.
    """

    client: Client
    metadata: RegisteredMetadata
    profile: ProfileName
    token_hash: str = field(repr=False)
    issued_at: int
    notification_hosts: frozenset[str]


class RegistrationStore(Protocol):
    """Registered clients by their ``client_id``; all raise ``StoreUnavailable``."""

    async def add(self, registration: Registration) -> None:
        """Keep a new one; done twice, it is done once."""
        ...

    async def find(self, client_id: str) -> Registration | None:
        """The registration, or None."""
        ...

    async def replace(self, registration: Registration, *, operation: str) -> bool:
        """Put it in the place of the one there is; False when that was removed meanwhile."""
        ...

    async def suspend(self, client_id: str, *, enabled: bool) -> bool:
        """Disable or enable it, whatever it replaces meanwhile; False when there is none."""
        ...

    async def remove(self, client_id: str, *, operation: str) -> bool:
        """Remove it; False when there is none."""
        ...

    async def all(self) -> Sequence[Registration]:
        """Every one, oldest first."""
        ...

    async def after(
        self, place: RegistrationPlace | None, *, limit: int
    ) -> tuple[Sequence[Registration], RegistrationPlace | None]:
        """At most ``limit`` after a place, oldest first, and where to go on if there are more."""
        ...
