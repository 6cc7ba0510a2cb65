"""Grants: what was granted, and which tokens of it are good."""

from dataclasses import dataclass
from typing import Protocol

from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.grant import Grant

__all__ = [
    "AccessTokenRecord",
    "GrantStore",
    "RefreshTokenRecord",
    "StoredGrant",
    "TokenRecord",
]


@dataclass(frozen=True, slots=True)
class AccessTokenRecord:
    """What is kept of an access token: the hash of its text, and what it says."""

    hash: str
    token: AccessToken


@dataclass(frozen=True, slots=True)
class RefreshTokenRecord:
    """What is kept of a refresh token: the hash of its text, and until when it is good."""

    hash: str
    good_until: int


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What a redemption leaves behind: the grant and the hashes of its first tokens.

    Without an access token the tokens are another's: the grant is then kept as long as its
    transaction's record, so that whoever took it can be told the same once more.
    """

    grant: Grant
    access_token: AccessTokenRecord | None = None
    refresh_token: RefreshTokenRecord | None = None


@dataclass(frozen=True, slots=True)
class StoredGrant:
    """A grant that has not ended, with the access token that was asked about if it is its own."""

    grant: Grant
    access_token: AccessToken | None
    refresh_token: RefreshTokenRecord | None


class GrantStore(Protocol):
    """Grants that were redeemed; a redemption stores one with its transaction's swap."""

    async def find(self, transaction_id: str, token_hash: str) -> StoredGrant | None:
        """The grant and, if ``token_hash`` is that of one of its access tokens, the token."""
        ...

    async def read(self, transaction_id: str) -> StoredGrant | None:
        """The grant, whichever access tokens it has."""
        ...

    async def refresh(
        self,
        transaction_id: str,
        refresh_token: RefreshTokenRecord,
        access_token: AccessTokenRecord,
        *,
        now: int,
    ) -> bool:
        """Store an access token and until when the refresh token is good, or nothing.

        In one step; False when the grant has ended or its refresh token is over or another.
        """
        ...

    async def end(self, transaction_id: str) -> bool:
        """End the grant with all its tokens; whether there was one (a retry may find none)."""
        ...

    async def end_access_token(self, transaction_id: str, token_hash: str) -> None:
        """End one access token; the grant goes on."""
        ...
