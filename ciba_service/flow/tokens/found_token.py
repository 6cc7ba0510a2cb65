"""Tokens that were presented, found with their grant in one round trip."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from ciba_service.flow.together import together
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


async def spend_and_find(spend: Coroutine[Any, Any, None], find: Coroutine[Any, Any, _T]) -> _T:
    """Both in one round trip; what the spending refuses is told, whatever was found."""
    _, found = await together(spend, find)
    return found
