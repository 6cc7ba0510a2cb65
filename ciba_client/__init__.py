"""The client: start a CIBA flow, wait for the result, verify it.

What stands in ``__all__`` is the library's whole public surface, ``sdk`` its inside; ``cli`` is the
command ``ciba-client``, with ``flags`` and ``client_file`` (what it reads), ``notified`` and
``listener`` (how it hears of a decision), ``listen`` and ``hostile`` (what it shows integrators),
``keygen``, ``report`` and ``pushed`` (what it prints); ``playground`` shows all of it on a page.
"""

from ciba_client.sdk.authentication_method import ClientAuthenticationMethod
from ciba_client.sdk.client import CibaClient
from ciba_client.sdk.clock import Clock, SystemClock
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.dpop.key import DpopKey, new_dpop_key, parse_dpop_key
from ciba_client.sdk.errors import (
    AccessDenied,
    AuthenticationRequestRefused,
    CancellationRefused,
    CibaClientError,
    ConfigurationError,
    DpopNonceDemanded,
    Expired,
    InvalidAuthenticationRequest,
    InvalidIdToken,
    InvalidProviderMetadata,
    InvalidProviderResponse,
    InvalidScaReceipt,
    ProviderUnavailable,
    ReceiptRefused,
    RequestCancelled,
    TransactionEnded,
    TransactionFailed,
    UnknownReceiptKey,
    UnknownSigningKey,
)
from ciba_client.sdk.jose.algorithms import SignatureAlgorithm
from ciba_client.sdk.jose.id_token import IdToken
from ciba_client.sdk.jose.sca_receipt import ScaReceipt
from ciba_client.sdk.jose.signing_key import SigningKey, parse_signing_key
from ciba_client.sdk.notifications.receiver import NotificationReceiver
from ciba_client.sdk.provider.answers import AuthReqId, TokenType
from ciba_client.sdk.provider.exchange import Exchange, ExchangeObserver
from ciba_client.sdk.transaction.events import (
    Pinged,
    PollEvent,
    ProviderBusy,
    SlowedDown,
    StillUndecided,
    TokensReceived,
)
from ciba_client.sdk.transaction.ledger import LedgerEntry
from ciba_client.sdk.transaction.pending import PendingAuthentication
from ciba_client.sdk.transaction.token_set import TokenSet

__all__ = [
    "AccessDenied",
    "AuthReqId",
    "AuthenticationRequestRefused",
    "CancellationRefused",
    "CibaClient",
    "CibaClientError",
    "ClientAuthenticationMethod",
    "ClientConfiguration",
    "Clock",
    "ConfigurationError",
    "DpopKey",
    "DpopNonceDemanded",
    "Exchange",
    "ExchangeObserver",
    "Expired",
    "IdToken",
    "InvalidAuthenticationRequest",
    "InvalidIdToken",
    "InvalidProviderMetadata",
    "InvalidProviderResponse",
    "InvalidScaReceipt",
    "LedgerEntry",
    "NotificationReceiver",
    "PendingAuthentication",
    "Pinged",
    "PollEvent",
    "ProviderBusy",
    "ProviderUnavailable",
    "ReceiptRefused",
    "RequestCancelled",
    "ScaReceipt",
    "SignatureAlgorithm",
    "SigningKey",
    "SlowedDown",
    "StillUndecided",
    "SystemClock",
    "TokenDeliveryMode",
    "TokenSet",
    "TokenType",
    "TokensReceived",
    "TransactionEnded",
    "TransactionFailed",
    "UnknownReceiptKey",
    "UnknownSigningKey",
    "new_dpop_key",
    "parse_dpop_key",
    "parse_signing_key",
]
