"""Everything the SDK raises on purpose.

CibaClientError
├── ConfigurationError                what this client was given can never work
├── InvalidAuthenticationRequest      refused here, before anything was sent
├── ProviderUnavailable               no connection, no answer in time, 429 or 5xx
├── InvalidProviderResponse           an answer that breaks the protocol
│   └── InvalidProviderMetadata       discovery: wrong issuer, missing or insecure endpoint
├── AuthenticationRequestRefused      the backchannel endpoint said no (CIBA 13)
├── CancellationRefused               the provider does not cancel this for this client
├── ReceiptRefused                    the provider has no receipt of this for this client
├── TransactionEnded                  there will be no tokens (CIBA 11, 12)
│   ├── AccessDenied                  the user, or the provider's policy, declined
│   ├── Expired                       nobody decided in time, or no push came
│   ├── RequestCancelled              this client took its request back
│   └── TransactionFailed             any other final refusal
│       └── DpopNonceDemanded         the provider did not take the nonce it gave (RFC 9449 8)
├── InvalidIdToken                    the tokens were discarded
│   └── UnknownSigningKey             no published key fits
└── InvalidScaReceipt                 a receipt that proves nothing
    └── UnknownReceiptKey             no published key fits
"""

__all__ = [
    "AccessDenied",
    "AuthenticationRequestRefused",
    "CancellationRefused",
    "CibaClientError",
    "ConfigurationError",
    "DpopNonceDemanded",
    "Expired",
    "InvalidAuthenticationRequest",
    "InvalidIdToken",
    "InvalidProviderMetadata",
    "InvalidProviderResponse",
    "InvalidScaReceipt",
    "ProviderUnavailable",
    "ReceiptRefused",
    "RequestCancelled",
    "TransactionEnded",
    "TransactionFailed",
    "UnknownReceiptKey",
    "UnknownSigningKey",
]


class CibaClientError(Exception):
    """Base of all errors of the SDK."""


class ConfigurationError(CibaClientError):
    """A key, algorithm, address or file this client was given can never work."""


class InvalidAuthenticationRequest(CibaClientError):
    """The parameters contradict CIBA 7.1; nothing was sent."""


class ProviderUnavailable(CibaClientError):
    """The provider cannot be reached or asks for patience; ``retry_after`` is in seconds."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidProviderResponse(CibaClientError):
    """An answer that breaks the protocol: not JSON, too large, a redirect, a missing member."""


class InvalidProviderMetadata(InvalidProviderResponse):
    """The discovery document cannot be trusted or used (OpenID Connect Discovery 4.3)."""


class AuthenticationRequestRefused(CibaClientError):
    """The backchannel authentication endpoint refused: OAuth code, its text, HTTP status."""

    def __init__(self, code: str, description: str, status: int) -> None:
        super().__init__(_sentence("the authentication request was refused", code, description))
        self.code = code
        self.description = description
        self.status = status


class CancellationRefused(CibaClientError):
    """The provider did not cancel: OAuth code, its text, HTTP status."""

    def __init__(self, code: str, description: str, status: int) -> None:
        super().__init__(_sentence("the request was not cancelled", code, description))
        self.code = code
        self.description = description
        self.status = status


class ReceiptRefused(CibaClientError):
    """The provider gave no receipt: OAuth code (``not_approved``), its text, HTTP status."""

    def __init__(self, code: str, description: str, status: int) -> None:
        super().__init__(_sentence("there is no receipt", code, description))
        self.code = code
        self.description = description
        self.status = status


class TransactionEnded(CibaClientError):
    """The authentication ended without tokens; ``code`` is the OAuth error code.

    ``status`` is that of the answer, None for what was pushed or found out here.
    """

    def __init__(self, code: str, description: str, status: int | None) -> None:
        super().__init__(_sentence("no tokens were issued", code, description))
        self.code = code
        self.description = description
        self.status = status


class AccessDenied(TransactionEnded):
    """``access_denied``: the user or the provider's policy declined (CIBA 11)."""


class Expired(TransactionEnded):
    """``expired_token`` (CIBA 11, 12), or ``expires_in`` is over, then without ``status``."""


class RequestCancelled(TransactionEnded):
    """This client has cancelled its request; the provider says ``invalid_grant`` from then on."""

    def __init__(self) -> None:
        super().__init__("invalid_grant", "this client has cancelled the request", None)


class TransactionFailed(TransactionEnded):
    """Any other final refusal, such as ``invalid_grant``, or a pushed ``transaction_failed``."""


class DpopNonceDemanded(TransactionFailed):
    """``use_dpop_nonce``, also after the nonce that came with it was used (RFC 9449 8)."""


class InvalidIdToken(CibaClientError):
    """The ID token does not prove what it must (OpenID Connect Core 3.1.3.7)."""


class UnknownSigningKey(InvalidIdToken):
    """No published key fits the ID token's header; fresh keys may help."""


class InvalidScaReceipt(CibaClientError):
    """The receipt does not prove what it must: do not keep it as a proof."""


class UnknownReceiptKey(InvalidScaReceipt):
    """No published key fits the receipt's header; fresh keys may help."""


def _sentence(outcome: str, code: str, description: str) -> str:
    return f"{outcome}: {code}" + (f" ({description})" if description else "")
