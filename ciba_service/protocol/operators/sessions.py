"""Sessions: a token swapped for a cookie, so that a page in a browser need not keep the token.

The cookie names the token it was swapped for and holds a secret of 256 bits, of which the store has
the hash. What a page must send beside it to write is derived from the secret, so that it can be
told again after a reload and needs no place of its own.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.operators.tokens import Operator, ProvenOperator, fingerprint

__all__ = ["MOST_SESSIONS", "SessionCookie", "token_of"]

MOST_SESSIONS: Final = 16
"""How many sessions one token may have; one more ends the oldest."""

_SECRET_BYTES: Final = 32
_SHAPE: Final = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The value of a cookie: which token it was swapped for, and its secret."""

    fingerprint: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls, of_token: str, random: Callable[[int], bytes]) -> Self:
        """A new one for the token of this fingerprint."""
        return cls(of_token, base64url(random(_SECRET_BYTES)))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read it; None when it is none."""
        found = _SHAPE.fullmatch(text)
        return None if found is None else cls(found[1], found[2])

    @property
    def text(self) -> str:
        """As the browser keeps it."""
        return f"{self.fingerprint}.{self.secret}"

    @property
    def hash(self) -> str:
        """What the store knows of the secret."""
        return self._derived(b"session")

    @property
    def csrf_token(self) -> str:
        """What goes with the cookie in a header of every request that writes."""
        return self._derived(b"csrf")

    def _derived(self, purpose: bytes) -> str:
        digest = hashlib.sha256(purpose + b"\0" + self.secret.encode("ascii")).digest()
        return base64url(digest)


def token_of(
    cookie: SessionCookie, operators: Sequence[Operator], *, now: int
) -> ProvenOperator | None:
    """The token that a cookie was swapped for, if it is still one and not over."""
    for operator in operators:
        for token in operator.tokens:
            is_over = token.expires_at is not None and now >= token.expires_at
            if not is_over and fingerprint(token) == cookie.fingerprint:
                return ProvenOperator(operator, token)
    return None
