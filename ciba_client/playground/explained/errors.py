"""What each error code means for whoever wrote the client, and where it is defined."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ciba_client.playground.explained.claims import Explanation
from ciba_client.sdk.errors import (
    AuthenticationRequestRefused,
    CancellationRefused,
    CibaClientError,
    InvalidAuthenticationRequest,
    InvalidIdToken,
    InvalidProviderResponse,
    InvalidScaReceipt,
    ProviderUnavailable,
    ReceiptRefused,
    TransactionEnded,
)

__all__ = ["ERRORS", "explain_code", "explain_error"]

_CIBA: Final = "CIBA Core 1.0"
_OAUTH: Final = "RFC 6749"
_OURS: Final = "this service"

ERRORS: Final[Mapping[str, Explanation]] = MappingProxyType(
    {
        "authorization_pending": Explanation(
            "The user has not decided yet: ask again after the interval.", _CIBA, "11"
        ),
        "slow_down": Explanation(
            "Asked too early: the interval is five seconds longer from now on.", _CIBA, "11"
        ),
        "expired_token": Explanation(
            "Nobody decided in time: start a new request if it is still wanted.", _CIBA, "11"
        ),
        "access_denied": Explanation(
            "The user said no, or the provider's rules did; which of them is not told.", _CIBA, "11"
        ),
        "transaction_failed": Explanation(
            "Something went wrong on the provider's side; a new request may succeed.", _CIBA, "12"
        ),
        "invalid_request": Explanation(
            "A parameter is missing, repeated, malformed, or its signature is wrong.", _CIBA, "13"
        ),
        "invalid_scope": Explanation("A scope that this client may not ask for.", _CIBA, "13"),
        "expired_login_hint_token": Explanation(
            "The login_hint_token is too old: get a fresh one.", _CIBA, "13"
        ),
        "unknown_user_id": Explanation(
            "Nobody can be asked by this hint: unknown, disabled, without a phone, or blocked.",
            _CIBA,
            "13",
        ),
        "unauthorized_client": Explanation(
            "This client is not registered for what it tries, or for this delivery mode.",
            _CIBA,
            "13",
        ),
        "missing_user_code": Explanation("The user's code is needed here.", _CIBA, "13"),
        "invalid_user_code": Explanation("The user's code is wrong.", _CIBA, "13"),
        "invalid_binding_message": Explanation(
            "The binding message is too long, or has signs that cannot be shown.", _CIBA, "13"
        ),
        "invalid_client": Explanation(
            "The client did not prove who it is: key, kid, audience or clock are the suspects.",
            _CIBA,
            "13",
        ),
        "invalid_grant": Explanation(
            "The auth_req_id or token is unknown, of another client, used, or cancelled.",
            _OAUTH,
            "5.2",
        ),
        "unsupported_grant_type": Explanation(
            "The client is not registered for this grant.", _OAUTH, "5.2"
        ),
        "invalid_authorization_details": Explanation(
            "A type or member of authorization_details is not taken.", "RFC 9396", "5"
        ),
        "unmet_authentication_requirements": Explanation(
            "The acr that is asked for cannot be reached.",
            "OpenID Connect Core Error Code unmet_authentication_requirements 1.0",
            "2",
        ),
        "invalid_target": Explanation("The resource is not known.", "RFC 8707", "2"),
        "use_dpop_nonce": Explanation(
            "Send the proof again with the nonce in the DPoP-Nonce header.", "RFC 9449", "8"
        ),
        "invalid_dpop_proof": Explanation(
            "The DPoP proof does not fit the request, was used, or is too old.", "RFC 9449", "5"
        ),
        "invalid_token": Explanation(
            "The access token is expired, revoked, or shown by somebody else.", "RFC 6750", "3.1"
        ),
        "insufficient_scope": Explanation(
            "The access token was not granted for this.", "RFC 6750", "3.1"
        ),
        "insufficient_user_authentication": Explanation(
            "A stronger or fresher approval is needed.", "RFC 9470", "3"
        ),
        "temporarily_unavailable": Explanation(
            "The provider cannot answer at the moment: try again later.", _OAUTH, "4.1.2.1"
        ),
        "server_error": Explanation("The provider failed.", _OAUTH, "4.1.2.1"),
        "request_settled": Explanation(
            "The request was settled before it could be cancelled.", _OURS, "cancelling"
        ),
        "not_approved": Explanation(
            "There is no approval, or no more, that a receipt could be of.", _OURS, "SCA receipts"
        ),
        "payment_executed": Explanation(
            "The payment was executed with this token before.", _OURS, "demo resource"
        ),
    }
)

_UNKNOWN_CODE: Final = Explanation("This page does not know this code: see the description.")
_BY_KIND: Final[tuple[tuple[type[CibaClientError], Explanation], ...]] = (
    (
        InvalidAuthenticationRequest,
        Explanation(
            "Refused before anything was sent: the request contradicts CIBA.", _CIBA, "7.1"
        ),
    ),
    (
        ProviderUnavailable,
        Explanation(
            "No answer from the provider. Is it running, is the issuer in client.toml right,"
            " and is its certificate trusted?"
        ),
    ),
    (
        InvalidIdToken,
        Explanation(
            "The tokens were thrown away: the ID token does not prove what it must.",
            "OpenID Connect Core 1.0",
            "3.1.3.7",
        ),
    ),
    (InvalidScaReceipt, Explanation("The receipt proves nothing: do not keep it.")),
    (
        InvalidProviderResponse,
        Explanation("The provider's answer breaks the protocol; look at the raw message."),
    ),
)
_WITH_CODE: Final = (
    AuthenticationRequestRefused
    | CancellationRefused
    | ReceiptRefused
    | TransactionEnded
)  # fmt: skip


def explain_code(code: str) -> Explanation:
    """What an error code means."""
    return ERRORS.get(code, _UNKNOWN_CODE)


def explain_error(error: CibaClientError) -> tuple[str, str, Explanation]:
    """Code, if any, text and meaning of what the library raised."""
    if isinstance(error, _WITH_CODE):
        return error.code, error.description or str(error), explain_code(error.code)
    for kind, explanation in _BY_KIND:
        if isinstance(error, kind):
            return "", str(error), explanation
    return "", str(error), Explanation()
