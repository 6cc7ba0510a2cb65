"""The configuration: a TOML file, overridden by ``CIBA_SECTION__KEY``, read and checked once.

``sections`` says what there is, ``reading`` turns text into it, ``rules`` and ``issuer`` hold what
types cannot say, ``files`` looks at the files it names. Whatever is wrong stops the start with the
name of the key and the reason.
"""

from ciba_service.settings.doors import Doors
from ciba_service.settings.files import file_digests
from ciba_service.settings.operators import OperatorAccountSettings, OperatorSettings
from ciba_service.settings.reading import (
    checked_settings,
    load_settings,
    parse_settings,
    read_document,
    settings_from,
    with_doors,
)
from ciba_service.settings.sections import (
    MOST_WORKERS,
    STANDARD_OUTPUT,
    DeliverySettings,
    DeviceSettings,
    EventReceiverSettings,
    EvidenceSettings,
    InvalidSettingsError,
    KeySettings,
    LimitSettings,
    LoginHintIssuerSettings,
    MetricsSettings,
    MtlsSettings,
    OutboundSettings,
    PolicyRuleSettings,
    PolicySettings,
    RegistrationSettings,
    RequestSettings,
    ResourceSettings,
    SecurityEventSettings,
    ServerSettings,
    Settings,
    StoreSettings,
    TokenSettings,
    TracingSettings,
    UserSettings,
    WakeUpSettings,
)
from ciba_service.settings.token_endpoints import GrantSettings, TokenEndpointSettings

__all__ = [
    "MOST_WORKERS",
    "STANDARD_OUTPUT",
    "DeliverySettings",
    "DeviceSettings",
    "Doors",
    "EventReceiverSettings",
    "EvidenceSettings",
    "GrantSettings",
    "InvalidSettingsError",
    "KeySettings",
    "LimitSettings",
    "LoginHintIssuerSettings",
    "MetricsSettings",
    "MtlsSettings",
    "OperatorAccountSettings",
    "OperatorSettings",
    "OutboundSettings",
    "PolicyRuleSettings",
    "PolicySettings",
    "RegistrationSettings",
    "RequestSettings",
    "ResourceSettings",
    "SecurityEventSettings",
    "ServerSettings",
    "Settings",
    "StoreSettings",
    "TokenEndpointSettings",
    "TokenSettings",
    "TracingSettings",
    "UserSettings",
    "WakeUpSettings",
    "checked_settings",
    "file_digests",
    "load_settings",
    "parse_settings",
    "read_document",
    "settings_from",
    "with_doors",
]
