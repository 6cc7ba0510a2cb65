"""Tokens that were presented, found with their grant in one round trip."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from ciba_service.ports import GrantStore, StoredGrant
from ciba_service.protocol.tokens.token_text import token_hash, transaction_of

__all__ = ["FoundToken", "find_token", "spend_and_find"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A token by its hash, with the grant it names; whether it belongs there is to be seen."""

    transaction_id: str
    hash: str
    stored: StoredGrant


async def find_token(grants: GrantStore, text: str) -> FoundToken | None:
    """Look a token up; None when it names no grant that has not ended."""
    name = transaction_of(text)
    if name is None:
        return None
    digest = token_hash(text)
    stored = await grants.find(name, digest)
    return None if stored is None else FoundToken(name, digest, stored)


async def spend_and_find(spend: Awaitable[None], find: Awaitable[_T]) -> _T:
    """Both in one round trip; what the spending refuses is told, whatever was found."""
    spent, found = await asyncio.gather(spend, find, return_exceptions=True)
    if isinstance(spent, BaseException):
        raise spent
    if isinstance(found, BaseException):
        raise found
    return found
