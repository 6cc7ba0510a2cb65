"""Who exists: users and clients."""

from dataclasses import dataclass, field
from typing import Protocol

from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.request.parameters import LoginHint
from ciba_service.protocol.tokens.userinfo import UserClaims

__all__ = [
    "ClientRegistry",
    "User",
    "UserDirectory",
]


@dataclass(frozen=True, slots=True)
class User:
    """A person who may be asked."""

    subject: str
    enabled: bool = True
    claims: UserClaims = field(default_factory=UserClaims)


class UserDirectory(Protocol):
    """Who exists."""

    def find(self, hint: LoginHint) -> User | None:
        """The user a hint denotes, or None."""
        ...

    def find_subject(self, subject: str) -> User | None:
        """The user of a subject identifier, or None."""
        ...


class ClientRegistry(Protocol):
    """Which clients are registered."""

    def find(self, client_id: str) -> Client | None:
        """The client, or None."""
        ...
