"""What a successful transaction yields."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ciba_client.sdk.jose.id_token import IdToken
from ciba_client.sdk.provider.answers import TokenType

__all__ = ["TokenSet"]


@dataclass(frozen=True, slots=True)
class TokenSet:
    """Tokens with a verified ID token; its ``repr`` shows none of them.

    ``expires_in`` is in seconds; ``authorization_details`` are those granted (RFC 9396 7).
    """

    access_token: str = field(repr=False)
    token_type: TokenType
    expires_in: int | None
    scope: str | None
    refresh_token: str | None = field(repr=False)
    id_token: IdToken
    authorization_details: tuple[Mapping[str, object], ...] = ()
