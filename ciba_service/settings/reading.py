"""From the text of a TOML file and the environment to checked settings."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from ciba_service.protocol.client.metadata import (
    Client,
    ClientMetadata,
    InvalidMetadataError,
    register_client,
)
from ciba_service.protocol.client.registration.software_statement import StatementIssuer
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import InvalidKeyError, KeySet
from ciba_service.protocol.request.authorization_details import (
    DetailTypes,
    InvalidDetailTypeError,
    TypeDeclaration,
    detail_types,
)
from ciba_service.protocol.request.login_hint_token import LoginHintIssuer
from ciba_service.settings.doors import Doors
from ciba_service.settings.files import check_files
from ciba_service.settings.logos import read_logo
from ciba_service.settings.mistakes import told
from ciba_service.settings.operators import OperatorAccountSettings, OperatorSettings
from ciba_service.settings.rules import RULES
from ciba_service.settings.sections import (
    ClientSettings,
    DeliverySettings,
    DeviceSettings,
    EvidenceSettings,
    InvalidSettingsError,
    KeySettings,
    LimitSettings,
    LoginHintIssuerSettings,
    MetricsSettings,
    MtlsSettings,
    OutboundSettings,
    PolicySettings,
    RegistrationSettings,
    RequestSettings,
    ResourceSettings,
    SecurityEventSettings,
    ServerSettings,
    Settings,
    StatementIssuerSettings,
    StoreSettings,
    TokenSettings,
    TracingSettings,
    UserSettings,
    WakeUpSettings,
)
from ciba_service.settings.token_endpoints import GrantSettings, TokenEndpointSettings

__all__ = [
    "Document",
    "checked_settings",
    "load_settings",
    "parse_settings",
    "read_document",
    "settings_from",
    "with_doors",
]

_PREFIX: Final = "CIBA_"
_LOGO_FILE: Final = "logo_file"


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file as it is written, before its clients and users are made of it."""

    server: ServerSettings
    metrics: MetricsSettings = MetricsSettings()
    tracing: TracingSettings = TracingSettings()
    mtls: MtlsSettings = MtlsSettings()
    store: StoreSettings = StoreSettings()
    requests: RequestSettings = RequestSettings()
    limits: LimitSettings = LimitSettings()
    tokens: TokenSettings = TokenSettings()
    resource: ResourceSettings = ResourceSettings()
    policy: PolicySettings = PolicySettings()
    device: DeviceSettings = DeviceSettings()
    delivery: DeliverySettings = DeliverySettings()
    wake_up: WakeUpSettings = WakeUpSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    security_events: SecurityEventSettings = SecurityEventSettings()
    keys: KeySettings = KeySettings()
    registration: RegistrationSettings = RegistrationSettings()
    outbound: OutboundSettings = OutboundSettings()
    operator: OperatorSettings = OperatorSettings()
    operators: tuple[OperatorAccountSettings, ...] = ()
    grants: GrantSettings = GrantSettings()
    token_endpoints: tuple[TokenEndpointSettings, ...] = ()
    users: tuple[UserSettings, ...] = ()
    login_hint_issuers: tuple[LoginHintIssuerSettings, ...] = ()
    authorization_details_types: tuple[TypeDeclaration, ...] = ()
    clients: tuple[dict[str, object], ...] = ()


_LISTS: Final = frozenset(
    {
        "users",
        "operators",
        "token_endpoints",
        "clients",
        "login_hint_issuers",
        "authorization_details_types",
    }
)


def load_settings(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check a file and those it names; raises ``InvalidSettingsError``.

    Without ``environ`` that of the process overrides keys.
    """
    return checked_settings(read_document(path), environ)


def read_document(path: Path) -> str:
    """Read the text of a configuration; raises ``InvalidSettingsError``."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidSettingsError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidSettingsError("is not UTF-8 text") from error


def checked_settings(
    text: str, environ: Mapping[str, str] | None = None, *, with_clients: bool = True
) -> Settings:
    """Check a TOML document and the files it names likewise; raises ``InvalidSettingsError``.

    Unless ``with_clients`` none are read, nor their files.
    """
    settings = parse_settings(
        text, os.environ if environ is None else environ, with_clients=with_clients
    )
    check_files(settings)
    return settings


def parse_settings(text: str, environ: Mapping[str, str], *, with_clients: bool = True) -> Settings:
    """Check a TOML document with its overrides; raises ``InvalidSettingsError``."""
    try:
        members = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # the former also of numbers without end
        raise InvalidSettingsError(f"not TOML: {error}") from error
    if not with_clients:
        members.pop("clients", None)
    return _converted(_overridden(members, environ))


def settings_from(members: Mapping[str, object]) -> Settings:
    """Check what a host has as a mapping, and the files it names; the environment is not read.

    Raises:
        InvalidSettingsError: when something is wrong.
    """
    settings = _converted(members)
    check_files(settings)
    return settings


def with_doors(settings: Settings, doors: Doors) -> Settings:
    """The same settings with other doors open; raises ``InvalidSettingsError``."""
    server = msgspec.structs.replace(settings.server, doors=doors)
    return _checked(msgspec.structs.replace(settings, server=server))


def _refuse_zero_characters(members: Mapping[str, object]) -> None:
    """No name of a file or host has one, and what opens them raises what nobody expects."""
    left: list[tuple[str, object]] = list(members.items())
    while left:
        key, value = left.pop()
        if isinstance(value, str) and "\0" in value:
            raise InvalidSettingsError(f"{key}: holds the character of number zero")
        if isinstance(value, Mapping):
            left += ((f"{key}.{name}", each) for name, each in value.items())
        elif isinstance(value, list | tuple):
            left += ((key, each) for each in value)


def _converted(members: Mapping[str, object]) -> Settings:
    _refuse_zero_characters(members)
    try:
        document = msgspec.convert(members, Document)
    except msgspec.ValidationError as error:
        raise InvalidSettingsError(told(error, Document)) from error
    settings = Settings(
        server=document.server,
        metrics=document.metrics,
        tracing=document.tracing,
        mtls=document.mtls,
        store=document.store,
        requests=document.requests,
        limits=document.limits,
        tokens=document.tokens,
        resource=document.resource,
        policy=document.policy,
        device=document.device,
        delivery=document.delivery,
        wake_up=document.wake_up,
        evidence=document.evidence,
        security_events=document.security_events,
        keys=document.keys,
        registration=document.registration,
        outbound=document.outbound,
        operator=document.operator,
        operators=document.operators,
        grants=document.grants,
        token_endpoints=document.token_endpoints,
        users=document.users,
        login_hint_issuers=tuple(
            _hint_issuer(number, issuer)
            for number, issuer in enumerate(document.login_hint_issuers)
        ),
        statement_issuers=tuple(
            _statement_issuer(number, issuer)
            for number, issuer in enumerate(document.registration.software_statement_issuers)
        ),
        detail_types=_detail_types(document.authorization_details_types),
        clients=tuple(_client(number, members) for number, members in enumerate(document.clients)),
    )
    return _checked(settings)


def _checked(settings: Settings) -> Settings:
    for check in RULES:
        check(settings)
    return settings


def _overridden(members: dict[str, object], environ: Mapping[str, str]) -> dict[str, object]:
    for name, value in environ.items():
        section, separator, key = name.removeprefix(_PREFIX).lower().partition("__")
        if not name.startswith(_PREFIX) or not separator:
            continue
        types = _types(section)
        table = members.setdefault(section, {})
        if section in _LISTS or not isinstance(table, dict):
            raise InvalidSettingsError(f"{name}: [[{section}]] cannot be overridden")
        if key not in types:
            raise InvalidSettingsError(f"{name}: there is no key {section}.{key}")
        if not _is_text(value):
            raise InvalidSettingsError(f"{name}: is not UTF-8 text")
        try:
            table[key] = _value(value, types[key])
        except msgspec.ValidationError as error:
            raise InvalidSettingsError(f"{name}: {told(error, types[key])}") from error
    return members


def _is_text(value: str) -> bool:
    # Bytes of the environment that are no UTF-8 come as halves of surrogate pairs.
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _types(section: str) -> dict[str, object]:
    """The keys of a section with their types."""
    declared = {field.name: field.type for field in msgspec.structs.fields(Document)}
    struct = declared.get(section)
    if not isinstance(struct, type) or not issubclass(struct, msgspec.Struct):
        return {}
    return {field.name: field.type for field in msgspec.structs.fields(struct)}


def _value(text: str, expected: object) -> object:
    """Text where text is expected, else what TOML reads; raises ``msgspec.ValidationError``."""
    try:
        return msgspec.convert(text, expected)
    except msgspec.ValidationError:
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except (ValueError, RecursionError):
            value = text
        msgspec.convert(value, expected)
        return value


def _client(number: int, members: Mapping[str, object]) -> Client:
    where = f"clients[{number}]"
    unknown = members.keys() - set(ClientSettings.__struct_fields__)
    if unknown:
        raise InvalidSettingsError(f"{where}.{min(unknown)} is not a known member")
    try:
        client = register_client(members)
    except InvalidMetadataError as error:
        raise InvalidSettingsError(f"{where}: {told(error, ClientMetadata)}") from error
    if _LOGO_FILE not in members:
        return client
    return replace(client, logo=read_logo(f"{where}.{_LOGO_FILE}", members[_LOGO_FILE]))


def _detail_types(declarations: tuple[TypeDeclaration, ...]) -> DetailTypes:
    try:
        return detail_types(declarations)
    except InvalidDetailTypeError as error:
        raise InvalidSettingsError(f"authorization_details_types: {error}") from error


def _hint_issuer(number: int, issuer: LoginHintIssuerSettings) -> LoginHintIssuer:
    return LoginHintIssuer(
        iss=issuer.iss,
        keys=_key_set(f"login_hint_issuers[{number}]", issuer.jwks),
        algorithms=frozenset(map(SignatureAlgorithm, issuer.algorithms)),
        audiences=frozenset(issuer.audiences),
        maximum_lifetime=issuer.maximum_lifetime,
        single_use=issuer.single_use,
    )


def _statement_issuer(number: int, issuer: StatementIssuerSettings) -> StatementIssuer:
    where = f"registration.software_statement_issuers[{number}]"
    return StatementIssuer(
        iss=issuer.iss,
        keys=_key_set(where, issuer.jwks),
        algorithms=frozenset(map(SignatureAlgorithm, issuer.algorithms)),
    )


def _key_set(where: str, jwks: Mapping[str, object]) -> KeySet:
    try:
        return KeySet.parse(jwks)
    except InvalidKeyError as error:
        raise InvalidSettingsError(f"{where}.jwks: {error}") from error
