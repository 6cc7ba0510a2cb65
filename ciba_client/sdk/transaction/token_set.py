"""What a successful transaction yields."""

from dataclasses import dataclass, field

from ciba_client.sdk.jose.id_token import IdToken

__all__ = ["TokenSet"]


@dataclass(frozen=True, slots=True)
class TokenSet:
    """Tokens with a verified ID token; ``expires_in`` is in seconds. Its ``repr`` shows none."""

    access_token: str = field(repr=False)
    token_type: str
    expires_in: int | None
    scope: str | None
    refresh_token: str | None = field(repr=False)
    id_token: IdToken
