"""The configuration: a TOML file, overridden by ``CIBA_SECTION__KEY``, read and checked once.

Whatever is wrong stops the start with the name of the key and the reason.
"""

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

from ciba_service.protocol.client.metadata import (
    Client,
    ClientMetadata,
    InvalidMetadataError,
    register_client,
)
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.transaction.lifetime import LONGEST_EXPIRY, SHORTEST_EXPIRY
from ciba_service.sca.policy import ACR_TABLE, PSD2_SCA

__all__ = [
    "DeviceSettings",
    "InvalidSettingsError",
    "PolicySettings",
    "RequestSettings",
    "ServerSettings",
    "Settings",
    "StoreSettings",
    "TokenSettings",
    "UserSettings",
    "load_settings",
    "parse_settings",
]

_PREFIX: Final = "CIBA_"
_Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class InvalidSettingsError(Exception):
    """The configuration cannot be used; the text names the key and the reason."""


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the service listens and what it is called."""

    issuer: str
    host: str = "127.0.0.1"
    port: _Port = 8080
    tls_certificate: str | None = None
    tls_key: str | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Redis: with neither ``url`` nor ``urls`` a private server in ``data_directory``."""

    data_directory: str = "var"
    url: str | None = None
    urls: tuple[str, ...] = ()
    mode: Literal["single", "sentinel", "cluster"] = "single"
    master_name: str | None = None
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    deadline_ms: Annotated[int, msgspec.Meta(ge=100, le=30_000)] = 5_000

    @property
    def all_urls(self) -> tuple[str, ...]:
        """Whichever way they were given."""
        return self.urls or ((self.url,) if self.url else ())


class RequestSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Authentication requests: lifetime in seconds, and how many of a user may be open."""

    default_expiry: Annotated[int, msgspec.Meta(ge=SHORTEST_EXPIRY, le=LONGEST_EXPIRY)] = 180
    open_prompts: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5


class TokenSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens: lifetimes in seconds; ``audience`` is the default resource (RFC 9068 3)."""

    access_token_lifetime: Annotated[int, msgspec.Meta(ge=30, le=3600)] = 300
    id_token_lifetime: Annotated[int, msgspec.Meta(ge=30, le=3600)] = 300
    audience: str | None = None
    access_token_alg: Literal["ES256", "PS256"] = "ES256"  # noqa: S105 - an algorithm


class PolicySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How strongly users authenticate at the least."""

    floor: str = PSD2_SCA
    require_otp: bool = False


class DeviceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The phone side; ``second_secret`` may be off in development only."""

    second_secret: bool = True
    keys_directory: str | None = None


class UserSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user: ``activation_code`` is a preset for development."""

    sub: _Text
    login_hints: tuple[_Text, ...] = ()
    enabled: bool = True
    activation_code: Annotated[str, msgspec.Meta(min_length=8, max_length=64)] | None = None


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    server: ServerSettings
    store: StoreSettings = StoreSettings()
    requests: RequestSettings = RequestSettings()
    tokens: TokenSettings = TokenSettings()
    policy: PolicySettings = PolicySettings()
    device: DeviceSettings = DeviceSettings()
    users: tuple[UserSettings, ...] = ()
    clients: tuple[dict[str, object], ...] = ()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is configured, found valid."""

    server: ServerSettings
    store: StoreSettings
    requests: RequestSettings
    tokens: TokenSettings
    policy: PolicySettings
    device: DeviceSettings
    users: tuple[UserSettings, ...]
    clients: tuple[Client, ...]

    @property
    def is_development(self) -> bool:
        """An http issuer: on loopback only, where presets and made-up keys are harmless."""
        return urlsplit(self.server.issuer).scheme == "http"


def load_settings(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a file; raises ``InvalidSettingsError``."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettingsError(f"{path} cannot be read: {error}") from error
    return parse_settings(text, environ)


def parse_settings(text: str, environ: Mapping[str, str]) -> Settings:
    """Check a TOML document with its overrides; raises ``InvalidSettingsError``."""
    try:
        members = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettingsError(f"not TOML: {error}") from error
    try:
        document = msgspec.convert(_overridden(members, environ), _Document)
    except msgspec.ValidationError as error:
        raise InvalidSettingsError(str(error).replace("`$.", "`")) from error
    settings = Settings(
        server=document.server,
        store=document.store,
        requests=document.requests,
        tokens=document.tokens,
        policy=document.policy,
        device=document.device,
        users=document.users,
        clients=tuple(_client(number, members) for number, members in enumerate(document.clients)),
    )
    for check in (_check_server, _check_store, _check_policy, _check_users, _check_clients):
        check(settings)
    return settings


def _overridden(members: dict[str, object], environ: Mapping[str, str]) -> dict[str, object]:
    for name, value in environ.items():
        section, separator, key = name.removeprefix(_PREFIX).lower().partition("__")
        if name.startswith(_PREFIX) and separator:
            table = members.setdefault(section, {})
            if not isinstance(table, dict):
                raise InvalidSettingsError(f"{name}: [[{section}]] cannot be overridden")
            table[key] = _scalar(value)
    return members


def _scalar(text: str) -> object:
    """Numbers and booleans as TOML has them; everything else is text."""
    try:
        value: object = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value if isinstance(value, bool | int | float) else text


def _check_server(settings: Settings) -> None:
    issuer, server = settings.server.issuer, settings.server
    parts = urlsplit(issuer)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise InvalidSettingsError("server.issuer must be an https URL")
    if parts.query or parts.fragment or parts.username or "?" in issuer or "#" in issuer:
        raise InvalidSettingsError("server.issuer must have no query, fragment or user")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise InvalidSettingsError("server.issuer may be http on loopback only")
    if (server.tls_certificate is None) != (server.tls_key is None):
        raise InvalidSettingsError("server.tls_certificate and server.tls_key go together")
    if server.tls_certificate is not None and parts.scheme != "https":
        raise InvalidSettingsError("server.issuer must be https when TLS is configured")
    if not settings.device.second_secret and parts.scheme == "https":
        raise InvalidSettingsError("device.second_secret may be off with an http issuer only")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_store(settings: Settings) -> None:
    store = settings.store
    if store.url is not None and store.urls:
        raise InvalidSettingsError("store.url and store.urls exclude each other")
    if store.mode != "single" and not store.all_urls:
        raise InvalidSettingsError(f"store.urls is needed for mode {store.mode}")
    if (store.mode == "sentinel") != (store.master_name is not None):
        raise InvalidSettingsError("store.master_name goes with mode sentinel")


def _check_policy(settings: Settings) -> None:
    if settings.policy.floor not in ACR_TABLE:
        known = ", ".join(ACR_TABLE)
        raise InvalidSettingsError(f"policy.floor must be one of {known}")


def _check_users(settings: Settings) -> None:
    subjects, hints, codes = set[str](), set[str](), set[str]()
    for number, user in enumerate(settings.users):
        where = f"users[{number}]"
        if not user.sub.isascii() or not user.sub.isprintable():
            raise InvalidSettingsError(f"{where}.sub must be printable ASCII")
        if user.sub in subjects:
            raise InvalidSettingsError(f"{where}.sub is used twice")
        if hints.intersection(user.login_hints):
            raise InvalidSettingsError(f"{where}.login_hints has a hint of another user")
        if user.activation_code is not None and not settings.is_development:
            raise InvalidSettingsError(f"{where}.activation_code needs an http issuer")
        if user.activation_code in codes:
            raise InvalidSettingsError(f"{where}.activation_code is used twice")
        subjects.add(user.sub)
        hints.update(user.login_hints)
        if user.activation_code is not None:
            codes.add(user.activation_code)


def _client(number: int, members: Mapping[str, object]) -> Client:
    where = f"clients[{number}]"
    unknown = members.keys() - set(ClientMetadata.__struct_fields__)
    if unknown:
        raise InvalidSettingsError(f"{where}.{min(unknown)} is not a known member")
    try:
        return register_client(members)
    except InvalidMetadataError as error:
        raise InvalidSettingsError(f"{where}: {error}") from error


def _check_clients(settings: Settings) -> None:
    names = [client.client_id for client in settings.clients]
    for number, client in enumerate(settings.clients):
        where = f"clients[{number}] ({client.client_id})"
        if names.count(client.client_id) > 1:
            raise InvalidSettingsError(f"{where}: client_id is used twice")
        if client.profile.demands_sender_constraint:
            raise InvalidSettingsError(
                f"{where}: profile {client.profile.name} demands sender-constrained tokens, "
                "which this version does not issue yet"
            )
        if client.delivery_mode is not DeliveryMode.POLL:
            raise InvalidSettingsError(
                f"{where}: backchannel_token_delivery_mode {client.delivery_mode} "
                "is not available in this version"
            )
