"""Reading what the provider says: acknowledgement (CIBA 7.3, 13), tokens (10.1, 11), push (12)."""

import hmac
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Annotated, Final, TypeVar

import msgspec

from ciba_client.sdk.errors import (
    AccessDenied,
    AuthenticationRequestRefused,
    CancellationRefused,
    DpopNonceDemanded,
    Expired,
    InvalidProviderResponse,
    ReceiptRefused,
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
    "parse_cancellation",
    "parse_poll_answer",
    "parse_push",
    "parse_receipt",
]

_OK: Final = 200
_NO_CONTENT: Final = 204
_NO_SUCH_ENDPOINT: Final = frozenset({404, 405, 501})
_SETTLED: Final = "request_settled"
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
    """The provider has accepted the request and asks the user; times are in seconds (CIBA 7.3).

    ``verification_code`` is for the eyes of the user alone, and stays out of logs.
    """

    auth_req_id: AuthReqId
    expires_in: int
    interval: int
    verification_code: str | None = field(default=None, repr=False)


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
    verification_code: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$", max_length=6)] | None = (
        None
    )


class _Refusal(msgspec.Struct):
    error: Annotated[str, msgspec.Meta(min_length=1)]
    error_description: str = ""


class _Push(msgspec.Struct):
    auth_req_id: str
    error: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    error_description: str = ""
    access_token: str | None = None
    id_token: str | None = None


class _Receipt(msgspec.Struct):
    sca_receipt: str


_Document = TypeVar("_Document", _Acknowledgement, _Refusal, _Push, _Receipt, TokenResponse)


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
        verification_code=document.verification_code,
    )


def parse_poll_answer(answer: ProviderAnswer, *, token_type: TokenType) -> PollAnswer:
    """Read the token endpoint's answer to a poll; ``token_type`` is the one asked for.

    Raises:
        TransactionEnded: finally refused: ``AccessDenied``, ``Expired`` or ``TransactionFailed``.
        DpopNonceDemanded: a proof with another nonce is wanted.
        InvalidProviderResponse: malformed, or another type of token.
    """
    if answer.status == _OK:
        return _parse_tokens(answer.body, token_type)
    refusal = _parse_refusal(answer)
    for pending in StillPending:
        if refusal.error == pending.value:
            return pending
    raise _ended(refusal, answer.status)


def parse_push(
    body: bytes, *, auth_req_id: AuthReqId, token_type: TokenType
) -> TokenResponse | TransactionEnded:
    """Read what was pushed (CIBA 10.3.1, 12): tokens, not verified yet, or why there are none.

    Raises:
        InvalidProviderResponse: malformed, of another request, or another type of token.
    """
    push = _parse(body, _Push)
    if not hmac.compare_digest(push.auth_req_id.encode(), auth_req_id.value.encode()):
        raise InvalidProviderResponse("the push is of another request")
    if push.error is None:
        return _parse_tokens(body, token_type)
    if push.access_token is not None or push.id_token is not None:
        raise InvalidProviderResponse("the push has tokens and an error")
    return _ended(_Refusal(readable(push.error), readable(push.error_description)), None)


def parse_cancellation(answer: ProviderAnswer) -> bool:
    """Read the answer to a cancellation: whether it is cancelled, or was settled before.

    Raises:
        CancellationRefused: an OAuth error.
        InvalidProviderResponse: anything that is neither.
    """
    if answer.status == _NO_CONTENT:
        return True
    if answer.status in _NO_SUCH_ENDPOINT:
        raise InvalidProviderResponse("the provider has no endpoint for cancelling requests")
    refusal = _parse_refusal(answer)
    if refusal.error == _SETTLED:
        return False
    raise CancellationRefused(refusal.error, refusal.error_description, answer.status)


def parse_receipt(answer: ProviderAnswer) -> str:
    """Read the answer to a question for a receipt; it is not verified yet.

    Raises:
        ReceiptRefused: an OAuth error.
        InvalidProviderResponse: anything that is neither.
    """
    if answer.status == _OK:
        return _parse(answer.body, _Receipt).sca_receipt
    if answer.status in _NO_SUCH_ENDPOINT:
        raise InvalidProviderResponse("the provider has no endpoint for receipts")
    refusal = _parse_refusal(answer)
    raise ReceiptRefused(refusal.error, refusal.error_description, answer.status)


def _parse_tokens(body: bytes, token_type: TokenType) -> TokenResponse:
    response = _parse(body, TokenResponse)
    if response.token_type.lower() != token_type.lower():  # RFC 6749 7.1, RFC 9449 5
        raise InvalidProviderResponse(f"the provider issued no token of type {token_type}")
    return response


def _ended(refusal: _Refusal, status: int | None) -> TransactionEnded:
    kinds: dict[str, type[TransactionEnded]] = {
        "access_denied": AccessDenied,
        "expired_token": Expired,
        "use_dpop_nonce": DpopNonceDemanded,
    }
    kind = kinds.get(refusal.error, TransactionFailed)
    return kind(refusal.error, refusal.error_description, status)


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
