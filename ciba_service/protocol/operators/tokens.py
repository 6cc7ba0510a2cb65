"""Operators and their tokens: 256 random bits each, of which the configuration has the hash.

Since the entropy is full, a plain SHA-256 hash says nothing of a token.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, TypeVar

__all__ = [
    "Operator",
    "OperatorToken",
    "ProvenOperator",
    "Role",
    "fingerprint",
    "holder_of",
    "verify_token",
]

_FINGERPRINT_DIGITS: Final = 32


class Role(StrEnum):
    """What an operator may do; who may write may read as well."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class OperatorToken:
    """A token of an operator: its SHA-256 in hexadecimal, and its end in milliseconds, if any."""

    sha256: str = field(repr=False)
    expires_at: int | None = None


class HoldsTokens(Protocol):
    """Somebody who has tokens; any of them will do."""

    @property
    def tokens(self) -> tuple[OperatorToken, ...]:
        """Two let one take the place of the other."""
        ...


_Holder = TypeVar("_Holder", bound=HoldsTokens)


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who looks after the service."""

    name: str
    roles: frozenset[Role]
    tokens: tuple[OperatorToken, ...]

    def may(self, role: Role) -> bool:
        """Whether a role covers what is to be done."""
        return role in self.roles or Role.WRITE in self.roles


@dataclass(frozen=True, slots=True)
class ProvenOperator:
    """An operator who presented this very token, which is not over."""

    operator: Operator
    token: OperatorToken


def verify_token(text: str, operators: Sequence[Operator], *, now: int) -> ProvenOperator | None:
    """Whose token it is, or None: nobody's, or it is over."""
    found = holder_of(text, operators, now=now)
    return None if found is None else ProvenOperator(*found)


def holder_of(
    text: str, holders: Sequence[_Holder], *, now: int
) -> tuple[_Holder, OperatorToken] | None:
    """Who has this token, and it is not over. All are compared, whichever fits."""
    presented = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    found = None
    for holder in holders:
        for token in holder.tokens:
            if hmac.compare_digest(presented, token.sha256):
                found = (holder, token)
    return found if found is not None and _lasts(found[1], now) else None


def fingerprint(token: OperatorToken) -> str:
    """The name of a token where it may be seen: half of a hash of its hash."""
    digest = hashlib.sha256(b"ciba-operator\0" + token.sha256.encode("ascii")).hexdigest()
    return digest[:_FINGERPRINT_DIGITS]


def _lasts(token: OperatorToken, now: int) -> bool:
    return token.expires_at is None or now < token.expires_at
