"""Reading the answers of the flow: acknowledgement (CIBA 7.3, 13), token response (10.1, 11)."""

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Annotated, Final, TypeVar

import msgspec

from ciba_client.sdk.errors import (
    AccessDenied,
    AuthenticationRequestRefused,
    DpopNonceDemanded,
    Expired,
    InvalidProviderResponse,
    TransactionEnded,
    TransactionFailed,
)
from ciba_client.sdk.foreign_text import readable
from ciba_client.sdk.provider.connection import ProviderAnswer

__all__ = [
    "Acknowledgement",
    "AuthReqId",
    "PollAnswer",
    "StillPending",
    "TokenResponse",
    "TokenType",
    "parse_acknowledgement",
    "parse_poll_answer",
]

_OK: Final = 200
_CLIENT_ERRORS: Final = range(400, 500)
_LONGEST_WAIT: Final = 366 * 24 * 3600


@dataclass(frozen=True, slots=True)
class AuthReqId:
    """The client's secret handle of one transaction (CIBA 7.3); masked wherever it is printed."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return repr(self)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The provider has accepted the request and asks the user; times are in seconds (CIBA 7.3)."""

    auth_req_id: AuthReqId
    expires_in: int
    interval: int


class StillPending(Enum):
    """The user has not decided yet (CIBA 11)."""

    AUTHORIZATION_PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"


class TokenType(StrEnum):
    """How an access token is to be presented (RFC 6750, RFC 9449 7.1)."""

    BEARER = "Bearer"
    DPOP = "DPoP"


class TokenResponse(msgspec.Struct, frozen=True):
    """A successful token response as received; the ID token is not verified yet."""

    access_token: str
    token_type: str
    id_token: str
    expires_in: Annotated[int, msgspec.Meta(ge=0)] | None = None
    refresh_token: str | None = None
    scope: str | None = None
    authorization_details: tuple[dict[str, object], ...] = ()

    def __repr__(self) -> str:
        return "TokenResponse(…)"


PollAnswer = TokenResponse | StillPending


class _Acknowledgement(msgspec.Struct):
    auth_req_id: Annotated[str, msgspec.Meta(min_length=1)]
    expires_in: Annotated[int, msgspec.Meta(gt=0, le=_LONGEST_WAIT)]
    # CIBA 7.3: five seconds when the provider does not say.
    interval: Annotated[int, msgspec.Meta(ge=0, le=_LONGEST_WAIT)] = 5


class _Refusal(msgspec.Struct):
    error: Annotated[str, msgspec.Meta(min_length=1)]
    error_description: str = ""


_Document = TypeVar("_Document", _Acknowledgement, _Refusal, TokenResponse)


def parse_acknowledgement(answer: ProviderAnswer) -> Acknowledgement:
    """Read the backchannel endpoint's answer; unknown members are ignored (CIBA 7.3).

    Raises:
        AuthenticationRequestRefused: an OAuth error.
        InvalidProviderResponse: anything that is neither.
    """
    if answer.status != _OK:
        refusal = _parse_refusal(answer)
        raise AuthenticationRequestRefused(refusal.error, refusal.error_description, answer.status)
    document = _parse(answer.body, _Acknowledgement)
    return Acknowledgement(
        auth_req_id=AuthReqId(document.auth_req_id),
        expires_in=document.expires_in,
        interval=document.interval,
    )


def parse_poll_answer(answer: ProviderAnswer, *, token_type: TokenType) -> PollAnswer:
    """Read the token endpoint's answer to a poll; ``token_type`` is the one asked for.

    Raises:
        TransactionEnded: finally refused: ``AccessDenied``, ``Expired`` or ``TransactionFailed``.
        DpopNonceDemanded: a proof with another nonce is wanted.
        InvalidProviderResponse: malformed, or another type of token.
    """
    if answer.status == _OK:
        response = _parse(answer.body, TokenResponse)
        if response.token_type.lower() != token_type.lower():  # RFC 6749 7.1, RFC 9449 5
            raise InvalidProviderResponse(f"the provider issued no token of type {token_type}")
        return response
    refusal = _parse_refusal(answer)
    for pending in StillPending:
        if refusal.error == pending.value:
            return pending
    kinds: dict[str, type[TransactionEnded]] = {
        "access_denied": AccessDenied,
        "expired_token": Expired,
        "use_dpop_nonce": DpopNonceDemanded,
    }
    kind = kinds.get(refusal.error, TransactionFailed)
    raise kind(refusal.error, refusal.error_description, answer.status)


def _parse_refusal(answer: ProviderAnswer) -> _Refusal:
    if answer.status not in _CLIENT_ERRORS:
        raise InvalidProviderResponse(f"the provider answered with HTTP status {answer.status}")
    refusal = _parse(answer.body, _Refusal)
    return _Refusal(readable(refusal.error), readable(refusal.error_description))


def _parse(body: bytes, kind: type[_Document]) -> _Document:
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:
        raise InvalidProviderResponse("the provider's answer is malformed") from error
