"""Grants in Redis: a hash each beside its transaction, and a key for each access token.

A grant is ended by deleting it; access tokens run out by themselves, and are worth nothing without
their grant. Grant and access tokens are sealed to their keys, so that none can be made or moved.
"""

from dataclasses import replace
from typing import Final, TypeVar

import msgspec

from ciba_service.ports import (
    AccessTokenRecord,
    RefreshTokenRecord,
    StoredGrant,
    TokenRecord,
    UnknownRecordFormat,
)
from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.stores.driver.commands import Argument
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import access_token_key, grant_key
from ciba_service.stores.operations import Operations
from ciba_service.stores.sealing import Sealer

__all__ = ["GRANT_FORMAT", "GrantSeals", "RedisGrants"]

_T = TypeVar("_T")

GRANT_FORMAT: Final = "2"

_FIND: Final = Script.load("find_grant")
_REFRESH: Final = Script.load("refresh_grant", durable=True)


class GrantSeals:
    """How grants and access tokens are written: as sealed JSON."""

    __slots__ = ("_sealer",)

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def written(self, tokens: TokenRecord | None) -> tuple[list[str], list[Argument]]:
        """Keys and arguments that swap.lua takes for a redemption; none for another event."""
        if tokens is None:
            return [], []
        grant, access = tokens.grant, tokens.access_token
        key, refresh = grant_key(grant.txn), tokens.refresh_token
        written: list[Argument] = [
            GRANT_FORMAT,
            self._sealer.seal(msgspec.json.encode(grant), key=key, name="grant"),
            refresh.hash if refresh else "",
            refresh.good_until if refresh else 0,
        ]
        if access is None:
            return [key], written
        token_key = access_token_key(grant.txn, access.hash)
        return [key, token_key], [
            *written,
            self.seal_token(token_key, access.token),
            access.token.exp * 1000,
        ]

    def seal_token(self, key: str, token: AccessToken) -> bytes:
        """An access token as it stands under its key."""
        return self._sealer.seal(msgspec.json.encode(token), key=key, name="access")

    def open_token(self, key: str, sealed: bytes) -> AccessToken:
        """The access token under a key; raises ``SealingError``."""
        return _decode(self._sealer.open(sealed, key=key, name="access"), AccessToken)

    def open_grant(self, key: str, sealed: bytes) -> Grant:
        """The grant under a key; raises ``SealingError``."""
        return _decode(self._sealer.open(sealed, key=key, name="grant"), Grant)


class RedisGrants:
    """``ports.GrantStore`` on Redis."""

    __slots__ = ("_operations", "_seals")

    def __init__(self, operations: Operations, sealer: Sealer) -> None:
        self._operations = operations
        self._seals = GrantSeals(sealer)

    async def find(self, transaction_id: str, token_hash: str) -> StoredGrant | None:
        """Both keys as of one moment."""
        key, token_key = grant_key(transaction_id), access_token_key(transaction_id, token_hash)
        version, grant, refresh_hash, good_until, token = await self._operations.evaluate(
            _FIND, [key, token_key], []
        )
        if version is None:
            return None
        stored = self._stored(key, version, grant, refresh_hash, good_until)
        if token is None:
            return stored
        return replace(stored, access_token=self._seals.open_token(token_key, token))

    async def read(self, transaction_id: str) -> StoredGrant | None:
        """The grant alone."""
        key = grant_key(transaction_id)
        version, grant, refresh_hash, good_until = await self._operations.call(
            "HMGET", key, "v", "g", "r", "u"
        )
        if version is None:
            return None
        return self._stored(key, version, grant, refresh_hash, good_until)

    async def refresh(
        self,
        transaction_id: str,
        refresh_token: RefreshTokenRecord,
        access_token: AccessTokenRecord,
        *,
        now: int,
    ) -> bool:
        """Store an access token, if the refresh token is good at ``now``."""
        token_key = access_token_key(transaction_id, access_token.hash)
        outcome = await self._operations.evaluate(
            _REFRESH,
            [grant_key(transaction_id), token_key],
            [
                GRANT_FORMAT,
                now,
                refresh_token.hash,
                refresh_token.good_until,
                self._seals.seal_token(token_key, access_token.token),
                access_token.token.exp * 1000,
            ],
        )
        if outcome < 0:
            raise UnknownRecordFormat("a grant has another format")
        return bool(outcome)

    async def end(self, transaction_id: str) -> bool:
        """Delete it: whatever hung on it is worth nothing from now on."""
        return bool(await self._operations.call_durably("DEL", grant_key(transaction_id)))

    async def end_access_token(self, transaction_id: str, token_hash: str) -> None:
        """Delete this one."""
        await self._operations.call_durably("DEL", access_token_key(transaction_id, token_hash))

    def _stored(
        self, key: str, version: bytes, grant: bytes, refresh_hash: bytes, good_until: bytes
    ) -> StoredGrant:
        if version != GRANT_FORMAT.encode():
            raise UnknownRecordFormat("a grant has another format")
        return StoredGrant(
            grant=self._seals.open_grant(key, grant),
            access_token=None,
            refresh_token=(
                RefreshTokenRecord(refresh_hash.decode(), int(good_until)) if refresh_hash else None
            ),
        )


def _decode(plaintext: bytes, type_: type[_T]) -> _T:
    try:
        return msgspec.json.decode(plaintext, type=type_)
    except ValueError as error:
        raise UnknownRecordFormat("a grant has another shape") from error
