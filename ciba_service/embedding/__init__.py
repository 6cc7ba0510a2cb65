"""The service inside another ASGI application (docs/embedding.md).

``service`` is the public constructor and what it makes; ``door`` stands before the application
while it does not run; ``people`` is what a host does for its own users, ``grants`` what its own
token endpoint asks.
"""

from ciba_service.commands.opening import system_surroundings
from ciba_service.embedding.door import ServiceNotRunning
from ciba_service.embedding.grants import Grants
from ciba_service.embedding.people import People
from ciba_service.embedding.service import (
    EmbeddedService,
    ServiceNotStarted,
    create_service,
)
from ciba_service.flow.granting.grant_answers import GrantStatus, NoGrant
from ciba_service.flow.host_steps import HostSteps
from ciba_service.flow.phones.activation import HasPhone, IssuedCode
from ciba_service.ports import (
    ClientRegistry,
    Clock,
    FailureReason,
    KeyRing,
    Outbound,
    OutboundFailure,
    OutboundRequest,
    OutboundResponse,
    Randomness,
    RiskPolicy,
    Signer,
    SignerUnavailable,
    Situation,
    StoreUnavailable,
    Telemetry,
    TokenIssuer,
    User,
    UserDirectory,
)
from ciba_service.protocol.client.metadata import Client, InvalidMetadataError, register_client
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encryption import DecryptionKey
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.locale import Locale
from ciba_service.protocol.request.hints import IdentifierKind, UserIdentifier
from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.claims import IdTokenClaims
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.tokens.token_text import new_token
from ciba_service.protocol.tokens.userinfo import UserClaims
from ciba_service.settings import (
    Doors,
    InvalidSettingsError,
    Settings,
    load_settings,
    settings_from,
)
from ciba_service.stores.sealing import Ring
from ciba_service.telemetry import log_json_lines
from ciba_service.wiring.host_ports import HostPorts
from ciba_service.wiring.service_keys import ServiceKeys
from ciba_service.wiring.surroundings import Surroundings

__all__ = [
    "AccessToken",
    "Client",
    "ClientRegistry",
    "Clock",
    "DecryptionKey",
    "Doors",
    "EmbeddedService",
    "FailureReason",
    "Grant",
    "GrantStatus",
    "Grants",
    "HasPhone",
    "HostPorts",
    "HostSteps",
    "IdTokenClaims",
    "IdentifierKind",
    "InvalidMetadataError",
    "InvalidSettingsError",
    "IssuedCode",
    "KeyRing",
    "KeySet",
    "Locale",
    "NoGrant",
    "Outbound",
    "OutboundFailure",
    "OutboundRequest",
    "OutboundResponse",
    "People",
    "Randomness",
    "Ring",
    "RiskPolicy",
    "ServiceKeys",
    "ServiceNotRunning",
    "ServiceNotStarted",
    "Settings",
    "SignatureAlgorithm",
    "Signer",
    "SignerUnavailable",
    "Situation",
    "StoreUnavailable",
    "Surroundings",
    "Telemetry",
    "TokenIssuer",
    "User",
    "UserClaims",
    "UserDirectory",
    "UserIdentifier",
    "create_service",
    "load_settings",
    "log_json_lines",
    "new_token",
    "register_client",
    "settings_from",
    "system_surroundings",
]
