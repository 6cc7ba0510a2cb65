"""What a push says: tokens, or why there are none (CIBA 10.3.1, 12)."""

from collections.abc import Mapping
from typing import Final

import msgspec

from ciba_service.protocol.errors import (
    AccessDeniedError,
    ExpiredTokenError,
    OAuth2Error,
    TransactionFailedError,
)
from ciba_service.protocol.tokens.claims import TokenResponse
from ciba_service.protocol.transaction.state import State

__all__ = ["PushedError", "PushedTokens", "pushed_error", "pushed_tokens"]

_ERRORS: Final[Mapping[State, type[OAuth2Error]]] = {
    State.DENIED: AccessDeniedError,
    State.EXPIRED: ExpiredTokenError,
    State.FAILED: TransactionFailedError,
}


class PushedTokens(TokenResponse, frozen=True, kw_only=True, omit_defaults=True):
    """The successful token response, and which request it answers."""

    auth_req_id: str


class PushedError(msgspec.Struct, frozen=True, kw_only=True):
    """The three parameters of an error, which all are printable ASCII (CIBA 12)."""

    error: str
    error_description: str
    auth_req_id: str

    def __repr__(self) -> str:
        return f"PushedError(error={self.error!r}, ...)"


def pushed_tokens(response: TokenResponse, *, auth_req_id: str) -> PushedTokens:
    """The body of a push that carries tokens."""
    return PushedTokens(auth_req_id=auth_req_id, **msgspec.structs.asdict(response))


def pushed_error(state: State, *, auth_req_id: str) -> PushedError | None:
    """The body of a push about a transaction that ended so; None when there is nothing to tell."""
    error = _ERRORS.get(state)
    if error is None:
        return None
    return PushedError(
        error=str(error.error), error_description=error.description, auth_req_id=auth_req_id
    )
