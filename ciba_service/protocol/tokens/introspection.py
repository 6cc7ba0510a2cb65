"""What a resource server is told of a token (RFC 7662 2.2, RFC 8705 3.2, RFC 9396 9.2)."""

import msgspec

from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.dpop.binding import Binding
from ciba_service.protocol.tokens.grant import Grant

__all__ = ["ActiveToken", "InactiveToken", "IntrospectionClaims", "describe"]


class ActiveToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A token that may be used; instants are seconds since the epoch."""

    active: bool
    iss: str
    sub: str
    aud: str | tuple[str, ...]
    client_id: str
    iat: int
    exp: int
    jti: str
    token_type: str
    scope: str
    auth_time: int
    acr: str
    amr: tuple[str, ...]
    txn: str
    challenge_hash: str
    cnf: Binding | None = None
    authorization_details: tuple[msgspec.Raw, ...] = ()


class InactiveToken(msgspec.Struct, frozen=True):
    """Any other text: whatever is wrong with it, the answer is the same (RFC 7662 2.2)."""

    active: bool = False


class IntrospectionClaims(msgspec.Struct, frozen=True):
    """Payload of a signed answer; neither ``sub`` nor ``exp``, so that it passes for no token."""

    iss: str
    aud: str
    iat: int
    token_introspection: ActiveToken | InactiveToken


def describe(grant: Grant, token: AccessToken, *, sub: str, issuer: str) -> ActiveToken:
    """What the access token says, whatever its format; ``sub`` is what its asker calls the user."""
    return ActiveToken(
        active=True,
        iss=issuer,
        sub=sub,
        aud=token.aud,
        client_id=grant.client_id,
        iat=token.iat,
        exp=token.exp,
        jti=token.jti,
        token_type=token.token_type,
        scope=" ".join(token.scope),
        auth_time=grant.auth_time,
        acr=grant.acr,
        amr=grant.amr,
        txn=grant.txn,
        challenge_hash=grant.challenge_hash,
        cnf=token.cnf,
        authorization_details=token.stated_details(grant),
    )
