"""What can be configured, section by section, with types and bounds."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

from ciba_service.protocol.client.metadata import Client, ClientMetadata
from ciba_service.protocol.client.offer import Offer
from ciba_service.protocol.client.registration.software_statement import StatementIssuer
from ciba_service.protocol.locale import Locale
from ciba_service.protocol.names import OPENID_SCOPE, AccessTokenFormat
from ciba_service.protocol.profiles import ProfileName
from ciba_service.protocol.request.authorization_details import DetailTypes
from ciba_service.protocol.request.login_hint_token import (
    DEFAULT_MAXIMUM_LIFETIME,
    LoginHintIssuer,
)
from ciba_service.protocol.tokens.refresh_token import LONGEST_REFRESH_LIFETIME
from ciba_service.protocol.tokens.userinfo import UserClaims
from ciba_service.protocol.transaction.lifetime import LONGEST_EXPIRY, SHORTEST_EXPIRY
from ciba_service.sca.factors.attempts import ATTEMPT_LIMIT, AttemptLimits
from ciba_service.sca.factors.passkeys import RelyingParty
from ciba_service.sca.factors.policy import PSD2_SCA
from ciba_service.sca.prompting import PromptLimits
from ciba_service.settings.doors import Doors
from ciba_service.settings.issuer import is_loopback
from ciba_service.settings.operators import OperatorAccountSettings, OperatorSettings
from ciba_service.settings.token_endpoints import GrantSettings, TokenEndpointSettings
from ciba_service.stores.driver.target import RedisMode, RedisTarget, RedisTls, ReplicaWait

__all__ = [
    "MOST_WORKERS",
    "STANDARD_OUTPUT",
    "ClientSettings",
    "DeliverySettings",
    "DeviceSettings",
    "EventReceiverSettings",
    "EvidenceSettings",
    "InvalidSettingsError",
    "KeySettings",
    "LimitSettings",
    "LoginHintIssuerSettings",
    "MetricsSettings",
    "MtlsSettings",
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
    "TokenSettings",
    "TracingSettings",
    "UserSettings",
    "WakeUpSettings",
]

_Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
# An empty text is a variable that was not set: it never stands for a default.
_Text = Annotated[str, msgspec.Meta(min_length=1)]
_ScopeToken = Annotated[str, msgspec.Meta(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+\Z", max_length=255)]
_RefreshLifetime = Annotated[int, msgspec.Meta(ge=60, le=LONGEST_REFRESH_LIFETIME)]
_Limit = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
_PromptLimit = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
_Window = Annotated[int, msgspec.Meta(ge=1, le=86_400)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


_LOOK_MS: Final = 1_000

MOST_WORKERS: Final = 64
"""One for each core, so that more are a mistake."""


class InvalidSettingsError(Exception):
    """The configuration cannot be used; the text names the key and the reason."""


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the service listens and what it is called.

    With an https issuer and no certificate, something in front ends TLS, and only that may reach
    the port. Limits are those of each of the ``workers``.
    """

    issuer: str
    host: _Text = "127.0.0.1"
    port: _Port = 8080
    tls_certificate: _Text | None = None
    tls_key: _Text | None = None
    tls_1_2: bool = False
    address_header: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}\Z")] | None = None
    workers: Annotated[int, msgspec.Meta(ge=1, le=MOST_WORKERS)] = 1
    max_connections: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 10_000
    max_held_polls: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 5_000
    max_held_polls_of_client: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 2_500
    max_event_streams: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 1_000
    max_event_streams_of_client: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 500
    max_sockets: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    max_requests: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1_000
    max_waiting_requests: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 1_000
    request_wait_ms: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 250
    doors: Doors = Doors.WHOLE
    drain_seconds: Annotated[int, msgspec.Meta(ge=0, le=300)] = 0
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def sockets(self) -> int:
        """Sockets of phones at once; clients find room for a tenth of all connections at least."""
        most = self.max_connections * 9 // 10
        return most if self.max_sockets is None else self.max_sockets


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where Prometheus reads figures of this process; without a port none are kept."""

    host: _Text = "127.0.0.1"
    port: _Port | None = None


class TracingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Spans of OpenTelemetry, and whether requests say which trace they belong to."""

    enabled: bool = False
    trust_traceparent: bool = False


class MtlsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where client certificates come from: a listener of our own, proxies in front, or nowhere.

    ``base_url`` is what the aliases of ``mtls_endpoint_aliases`` begin with (RFC 8705 5).
    """

    base_url: _Text | None = None
    host: _Text = "127.0.0.1"
    port: _Port | None = None
    authorities: _Text | None = None
    proxies: tuple[_Text, ...] = ()
    certificate_header: _Text | None = None

    @property
    def takes_certificates(self) -> bool:
        """Whether a client can show a certificate at all."""
        return self.port is not None or bool(self.proxies)


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Redis: with neither ``url`` nor ``urls`` a private server in ``data_directory``."""

    data_directory: _Text = "var"
    url: _Text | None = None
    urls: tuple[_Text, ...] = ()
    mode: Literal["single", "sentinel", "cluster"] = "single"
    master_name: _Text | None = None
    username: _Text | None = None
    password: _Text | None = None
    sentinel_username: _Text | None = None
    sentinel_password: _Text | None = None
    ca_file: _Text | None = None
    certificate_file: _Text | None = None
    key_file: _Text | None = None
    deadline_ms: Annotated[int, msgspec.Meta(ge=100, le=30_000)] = 5_000
    wait_for_replicas: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0
    wait_for_replicas_ms: Annotated[int, msgspec.Meta(ge=10, le=5_000)] = 1_000

    @property
    def replica_wait(self) -> ReplicaWait | None:
        """What durable writes wait for, if for anything; a retry must have its time, too."""
        if not self.wait_for_replicas:
            return None
        milliseconds = min(self.wait_for_replicas_ms, self.deadline_ms // 5)
        return ReplicaWait(self.wait_for_replicas, milliseconds)

    @property
    def look_ms(self) -> int:
        """How long a look at whether it is there may take; replicas have their time, too.

        In a cluster as long as an operation: one node that is silent is not the store.
        """
        if RedisMode(self.mode) is RedisMode.CLUSTER:
            return self.deadline_ms
        wait = self.replica_wait
        return min(self.deadline_ms, _LOOK_MS + (0 if wait is None else wait.milliseconds))

    @property
    def all_urls(self) -> tuple[str, ...]:
        """Whichever way they were given."""
        return self.urls or ((self.url,) if self.url else ())

    def target(self) -> RedisTarget:
        """Where Redis is; raises ``ValueError`` when URLs and other keys contradict each other."""
        files = (self.ca_file, self.certificate_file, self.key_file)
        target = RedisTarget.from_urls(
            self.all_urls,
            mode=RedisMode(self.mode),
            master_name=self.master_name,
            username=self.username,
            password=self.password,
            tls=RedisTls(*files) if any(files) else None,
        )
        # A dead connection and a new one must leave time for a second attempt.
        deadline = self.deadline_ms / 1000
        return replace(
            target,
            sentinel_username=self.sentinel_username,
            sentinel_password=self.sentinel_password,
            connect_timeout=min(target.connect_timeout, deadline * 2 / 5),
            command_timeout=min(target.command_timeout, deadline * 2 / 5),
        )

    def __repr__(self) -> str:
        return f"StoreSettings(data_directory={self.data_directory!r}, mode={self.mode!r}, ...)"


class RequestSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Authentication requests: lifetime in seconds, and how many of a user may be open.

    ``id_token_hint_days`` is how long after its expiry an ID token is taken as a hint.
    """

    default_expiry: Annotated[int, msgspec.Meta(ge=SHORTEST_EXPIRY, le=LONGEST_EXPIRY)] = 180
    open_prompts: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    id_token_hint_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 90
    require_request_context: bool = False


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often may be asked; windows and times are in seconds, and a limit of 0 is none.

    ``not_me_block`` 0: until an operator lifts it. ``failed_attempts`` lock the factors; the last
    of them is not to be had for ``last_attempt_pause`` after the one before.
    """

    client_requests: _Limit = 0
    client_window: _Window = 60
    hint_requests: _Limit = 600
    hint_window: _Window = 60
    user_prompts: _PromptLimit = 100
    user_prompts_of_client: _PromptLimit = 50
    user_prompt_window: _Window = 3_600
    denials: _PromptLimit = 10
    denial_window: _Window = 3_600
    denial_pause: _Window = 60
    longest_denial_pause: _Window = 3_600
    not_me_block: Annotated[int, msgspec.Meta(ge=0, le=31_536_000)] = 86_400
    failed_attempts: Annotated[int, msgspec.Meta(ge=2, le=ATTEMPT_LIMIT)] = ATTEMPT_LIMIT
    last_attempt_pause: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 0
    failed_authentications: _Limit = 100
    failed_authentications_window: _Window = 60
    failed_enrolments: _Limit = 50
    failed_enrolments_window: _Window = 600


class TokenSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens: lifetimes in seconds; ``audience`` is the default resource (RFC 9068 3)."""

    access_token_lifetime: Annotated[int, msgspec.Meta(ge=30, le=3600)] = 300
    id_token_lifetime: Annotated[int, msgspec.Meta(ge=30, le=3600)] = 300
    audience: _Text | None = None
    access_token_alg: Literal["ES256", "PS256", "EdDSA"] = "ES256"  # noqa: S105 - an algorithm
    access_token_format: AccessTokenFormat = AccessTokenFormat.JWT
    refresh_token_idle_lifetime: _RefreshLifetime = 30 * 86_400
    refresh_token_lifetime: _RefreshLifetime = 90 * 86_400
    require_dpop_nonce: bool = True


class ResourceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The demo resource: unless ``enabled`` says otherwise, in development only."""

    enabled: bool | None = None
    accounts_scope: _ScopeToken = "accounts"
    unbound_tokens: bool = False


class PolicyRuleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A floor for some requests: conditions, all of which must hold, and what is then demanded."""

    client: _Name | None = None
    scope: _ScopeToken | None = None
    type: _Name | None = None
    min_amount: (
        Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,3})?\Z")] | None
    ) = None
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")] | None = None
    acr: _Text | None = None
    require_otp: bool = False
    require_verification_code: bool = False
    require_passkey: bool = False


class PolicySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How strongly users authenticate at the least."""

    floor: str = PSD2_SCA
    require_otp: bool = False
    require_verification_code: bool = False
    require_passkey: bool = False
    rules: tuple[PolicyRuleSettings, ...] = ()


class DeviceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The phone side; ``second_secret`` may be off in development only.

    ``rp_id`` is whom passkeys are for, ``allowed_origins`` are the web pages and native apps that
    may use them, ``phone_url`` is where the web phone is. ``locale`` is the language of users who
    have none of their own, ``approval_lifetime`` how many seconds a further phone waits.
    """

    second_secret: bool = True
    approval_lifetime: Annotated[int, msgspec.Meta(ge=60, le=1800)] = 900
    locale: Locale = Locale.EN
    rp_id: _Name | None = None
    rp_name: _Name = "Confirm with your phone"
    allowed_origins: tuple[_Name, ...] = ()
    phone_url: _Text | None = None
    synced_passkeys: bool = False


class DeliverySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Callbacks to clients; all times are in milliseconds."""

    callback_delay_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 100
    answer_timeout_ms: Annotated[int, msgspec.Meta(ge=1_000, le=30_000)] = 10_000
    ping_on_expiry: bool = False


class WakeUpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Waking phones that have no socket; all times are in milliseconds.

    ``push_hosts`` are the push services that phones may name: hosts, or ``*.`` and a domain.
    """

    web_push: bool = False
    contact: Annotated[str, msgspec.Meta(pattern=r"^(mailto:|https://)[!-~]{3,245}\Z")] | None = (
        None
    )
    push_hosts: Annotated[tuple[_Text, ...], msgspec.Meta(min_length=1, max_length=100)] = (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "*.push.apple.com",
        "*.notify.windows.com",
    )
    webhook_url: _Text | None = None
    webhook_token: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{16,1024}\Z")] | None = None
    grace_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 1_000
    answer_timeout_ms: Annotated[int, msgspec.Meta(ge=1_000, le=30_000)] = 5_000

    @property
    def is_on(self) -> bool:
        """Whether there is any way to wake a phone."""
        return self.web_push or self.webhook_url is not None

    def __repr__(self) -> str:
        return f"WakeUpSettings(web_push={self.web_push!r}, ...)"


class EvidenceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Evidence of decisions: where its files are, and how often a checkpoint is signed."""

    enabled: bool = True
    directory: _Text | None = None
    checkpoint_records: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1_000
    checkpoint_seconds: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 60


class EventReceiverSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody to whom security events are pushed (RFC 8935); ``token`` authorizes the push.

    ``name`` is unique, and what logs call it; without ``kinds`` it gets all of them.
    """

    name: _Name
    url: _Text
    audience: _Name | None = None
    token: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._~+/-]{1,4096}=*\Z")] | None = None
    kinds: tuple[_Name, ...] = ()
    keep_hours: Annotated[int, msgspec.Meta(ge=1, le=168)] = 72

    def __repr__(self) -> str:
        return f"EventReceiverSettings(name={self.name!r}, ...)"


STANDARD_OUTPUT = "-"
"""The name of a file that is none."""


class SecurityEventSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where security events go: a ``file``, ``-`` for standard output, and receivers.

    Without a file they are lines of the log.
    """

    file: _Text | None = None
    receivers: Annotated[tuple[EventReceiverSettings, ...], msgspec.Meta(max_length=8)] = ()


class KeySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The service's own keys: a directory of files that nobody else may read."""

    directory: _Text | None = None


class OutboundSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the service itself asks; ``allow_loopback_http`` may be on in development only."""

    allowed_networks: tuple[_Text, ...] = ()
    ca_bundle: _Text | None = None
    client_certificate: _Text | None = None
    client_key: _Text | None = None
    allow_loopback_http: bool = False


class ClientSettings(ClientMetadata, frozen=True, kw_only=True):
    """A client: its metadata, and the picture that users see of it."""

    logo_file: _Text | None = None


class UserSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user: ``activation_code`` is a preset for development.

    ``user_code`` is what clients that ask for codes must present (CIBA 7.1).
    """

    sub: _Name
    login_hints: tuple[_Name, ...] = ()
    enabled: bool = True
    claims: UserClaims = UserClaims()
    activation_code: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    user_code: Annotated[str, msgspec.Meta(min_length=4, max_length=64)] | None = None
    locale: Locale | None = None

    def __repr__(self) -> str:
        return f"UserSettings(sub={self.sub!r}, ...)"


class InitialAccessTokenSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Permission to register: ``sha256`` is that of the token, in hexadecimal.

    With ``notification_hosts`` callbacks may go to these hosts only.
    """

    name: _Name
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    notification_hosts: tuple[_Name, ...] = ()

    def __repr__(self) -> str:
        return f"InitialAccessTokenSettings(name={self.name!r}, ...)"


class StatementIssuerSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Somebody whose software statements count (RFC 7591 2.3)."""

    iss: _Name
    jwks: dict[str, object]
    algorithms: Annotated[
        tuple[Literal["ES256", "PS256", "EdDSA"], ...], msgspec.Meta(min_length=1)
    ] = ("ES256", "PS256", "EdDSA")


class RegistrationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Dynamic registration: who may register, and what clients get that do.

    ``open``: anybody may, in development only.
    """

    enabled: bool = False
    open: bool = False
    profile: ProfileName = ProfileName.FAPI_CIBA
    scope: _Text = OPENID_SCOPE
    authorization_details_types: tuple[_Name, ...] = ()
    initial_access_tokens: tuple[InitialAccessTokenSettings, ...] = ()
    software_statement_issuers: tuple[StatementIssuerSettings, ...] = ()

    @property
    def scopes(self) -> frozenset[str]:
        """What a client can register at the most."""
        return frozenset(self.scope.split(" "))


class LoginHintIssuerSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Somebody whose ``login_hint_token`` counts; ``maximum_lifetime`` is in seconds."""

    iss: _Name
    jwks: dict[str, object]
    algorithms: Annotated[
        tuple[Literal["ES256", "PS256", "EdDSA"], ...], msgspec.Meta(min_length=1)
    ] = ("ES256", "PS256", "EdDSA")
    audiences: tuple[_Name, ...] = ()
    maximum_lifetime: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = DEFAULT_MAXIMUM_LIFETIME
    single_use: bool = False


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is configured, found valid."""

    server: ServerSettings
    metrics: MetricsSettings
    tracing: TracingSettings
    mtls: MtlsSettings
    store: StoreSettings
    requests: RequestSettings
    limits: LimitSettings
    tokens: TokenSettings
    resource: ResourceSettings
    policy: PolicySettings
    device: DeviceSettings
    delivery: DeliverySettings
    wake_up: WakeUpSettings
    evidence: EvidenceSettings
    security_events: SecurityEventSettings
    keys: KeySettings
    registration: RegistrationSettings
    outbound: OutboundSettings
    operator: OperatorSettings
    operators: tuple[OperatorAccountSettings, ...]
    grants: GrantSettings
    token_endpoints: tuple[TokenEndpointSettings, ...]
    users: tuple[UserSettings, ...]
    login_hint_issuers: tuple[LoginHintIssuer, ...]
    statement_issuers: tuple[StatementIssuer, ...]
    detail_types: DetailTypes
    clients: tuple[Client, ...]

    @property
    def is_development(self) -> bool:
        """An http issuer: on loopback only, where presets and made-up keys are harmless."""
        return urlsplit(self.server.issuer).scheme == "http"

    @property
    def offer(self) -> Offer:
        """What this configuration makes possible for clients."""
        return Offer(
            takes_certificates=self.mtls.takes_certificates,
            has_authorities=self.mtls.authorities is not None,
            authorization_details_types=self.detail_types.names,
        )

    @property
    def prompt_limits(self) -> PromptLimits:
        """How often a user may be asked, as the rule takes it."""
        limits = self.limits
        return PromptLimits(
            open_prompts=self.requests.open_prompts,
            of_user=limits.user_prompts,
            of_client=limits.user_prompts_of_client,
            window=limits.user_prompt_window * 1000,
            denials=limits.denials,
            denial_window=limits.denial_window * 1000,
            pause=limits.denial_pause * 1000,
            longest_pause=limits.longest_denial_pause * 1000,
            block=limits.not_me_block * 1000,
            failed_attempts=limits.failed_attempts,
        )

    @property
    def attempt_limits(self) -> AttemptLimits:
        """How often factors may fail, as the rule takes it."""
        limits = self.limits
        return AttemptLimits(limits.failed_attempts, limits.last_attempt_pause * 1000)

    @property
    def relying_party(self) -> RelyingParty | None:
        """Whom passkeys are for, where they count at all."""
        device = self.device
        if device.rp_id is None:
            return None
        return RelyingParty(
            rp_id=device.rp_id,
            name=device.rp_name,
            origins=device.allowed_origins,
            allows_synced=device.synced_passkeys,
        )

    @property
    def serves_resource(self) -> bool:
        """Whether there is a demo resource."""
        enabled = self.resource.enabled
        return self.is_development if enabled is None else enabled

    @property
    def keys_directory(self) -> Path:
        """Where the service's keys are."""
        configured = self.keys.directory
        return Path(configured) if configured else Path(self.store.data_directory) / "keys"

    @property
    def evidence_directory(self) -> Path:
        """Where the files of evidence are."""
        configured = self.evidence.directory
        return Path(configured) if configured else Path(self.store.data_directory) / "evidence"

    @property
    def exposure(self) -> str | None:
        """A sentence on who must be kept from the port, where plain http leaves this machine."""
        if self.server.tls_certificate is not None or is_loopback(self.server.host):
            return None
        where = f"server.host {self.server.host} takes plain http from other machines"
        if self.is_development:
            return f"{where}: development settings are for this machine only"
        return f"{where}: let nothing but the proxy that ends TLS reach it"
