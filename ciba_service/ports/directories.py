"""Who exists: users and clients."""

from dataclasses import dataclass, field
from typing import Protocol

from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.locale import Locale
from ciba_service.protocol.request.hints import UserIdentifier
from ciba_service.protocol.request.user_code import StoredUserCode
from ciba_service.protocol.tokens.userinfo import UserClaims

__all__ = [
    "ClientRegistry",
    "User",
    "UserDirectory",
]


@dataclass(frozen=True, slots=True)
class User:
    """A person who may be asked, in the language of ``locale``."""

    subject: str
    enabled: bool = True
    claims: UserClaims = field(default_factory=UserClaims)
    user_code: StoredUserCode | None = None
    locale: Locale = Locale.EN


class UserDirectory(Protocol):
    """Who exists."""

    async def find(self, identifier: UserIdentifier) -> User | None:
        """The user whom an identifier names, whatever its kind, or None.

        A handle names nobody here: what it was made for is in the ``LoginHandleStore``. Raises
        ``StoreUnavailable``.
        """
        ...

    async def find_subject(self, subject: str) -> User | None:
        """The user of a subject identifier, or None; raises ``StoreUnavailable``."""
        ...


class ClientRegistry(Protocol):
    """Which clients are registered."""

    async def find(self, client_id: str) -> Client | None:
        """The client, or None; raises ``StoreUnavailable``."""
        ...
