"""The ``Authorization`` header of a resource request (RFC 6750 2.1, RFC 9449 7.1).

It is the one place where an access token is looked for: never a query or a form (FAPI 2.0 5.3.4).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ciba_service.protocol.errors import InvalidRequestError, Reason
from ciba_service.protocol.tokens.token_text import MAXIMUM_TOKEN_LENGTH

__all__ = ["PresentedToken", "TokenScheme", "parse_authorization"]

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


class TokenScheme(StrEnum):
    """How a token is presented, and its ``token_type``; schemes compare without regard to case."""

    BEARER = "Bearer"
    DPOP = "DPoP"


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """An access token as it was presented: well-formed text, nothing more."""

    scheme: TokenScheme
    text: str = field(repr=False)


def parse_authorization(lines: Sequence[str]) -> PresentedToken | None:
    """Read the ``Authorization`` header lines; None when no access token is presented.

    Raises:
        InvalidRequestError: when there are several, or the token is malformed or too long.
    """
    if len(lines) > 1:
        raise InvalidRequestError from Reason("there are several Authorization headers")
    word, _, credentials = lines[0].partition(" ") if lines else ("", "", "")
    scheme = _SCHEMES.get(word.lower())
    if scheme is None:
        return None
    token = credentials.lstrip(" ")
    if len(token) > MAXIMUM_TOKEN_LENGTH or not _TOKEN.fullmatch(token):
        raise InvalidRequestError from Reason("the access token is malformed or too long")
    return PresentedToken(scheme=scheme, text=token)


_SCHEMES: Final = {scheme.lower(): scheme for scheme in TokenScheme}
