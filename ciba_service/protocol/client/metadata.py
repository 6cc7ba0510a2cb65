"""Registered clients: metadata under their registered names and the rules they must meet.

RFC 7591 2 and CIBA 4 name the members; the profile decides which values are allowed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ciba_service.protocol.client.certificates.registration import (
    CertificateMethod,
    CertificateRule,
    InvalidCertificateMetadataError,
    register_certificate_rule,
)
from ciba_service.protocol.client.certificates.self_signed import RegisteredCertificates
from ciba_service.protocol.client.key_document import is_jwks_uri
from ciba_service.protocol.client.logo import Logo
from ciba_service.protocol.client.sector import InvalidSectorError, sector_of
from ciba_service.protocol.jose.algorithms import ALGORITHMS_BY_PREFERENCE, SignatureAlgorithm
from ciba_service.protocol.jose.keys import InvalidKeyError, KeySet, NoSignatureKeyError
from ciba_service.protocol.names import (
    CIBA_GRANT_TYPE,
    OPENID_SCOPE,
    PRIVATE_KEY_JWT,
    REFRESH_TOKEN_GRANT_TYPE,
    AccessTokenFormat,
    DeliveryMode,
    SubjectType,
)
from ciba_service.protocol.outbound.url import InvalidUrlError, parse_outbound_url
from ciba_service.protocol.plain_text import NotPlainTextError, parse_plain_text
from ciba_service.protocol.profiles import PROFILES, Profile, ProfileName
from ciba_service.protocol.request.parameters import is_scope_token
from ciba_service.protocol.request.resource import is_resource
from ciba_service.protocol.tokens.dpop.binding import BindingPolicy
from ciba_service.protocol.transaction.waiting import LONGEST_WAIT

__all__ = ["Client", "ClientMetadata", "InvalidMetadataError", "register_client"]

MAXIMUM_TEXT_LENGTH: Final = 256
_CLIENT_ID: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_DEFAULT_INTERVAL: Final = 5
_MAXIMUM_INTERVAL: Final = 300
# The service signs with these algorithms; others it verifies but never issues.
_ISSUED_ALGORITHMS: Final = frozenset(
    {SignatureAlgorithm.ES256, SignatureAlgorithm.PS256, SignatureAlgorithm.EDDSA}
)


_WORD: Final = re.compile(r"[a-z_0-9]+", re.ASCII)
# Members that a client registers for itself only (``client.registration``).
_REGISTERED_ONLY: Final = (
    "software_statement",
    "id_token_encrypted_response_alg",
    "userinfo_encrypted_response_alg",
)


class InvalidMetadataError(ValueError):
    """The metadata breaks a rule; the text names the member and says why."""

    @property
    def member(self) -> str | None:
        """The member that the text names: one that is known, never a text of the client's."""
        known = (*ClientMetadata.__struct_fields__, *_REGISTERED_ONLY)
        return next((word for word in _WORD.findall(str(self)) if word in known), None)


class ClientMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """Client metadata as registered; what this part does not know is ignored (RFC 7591 2)."""

    client_id: str
    client_name: str = ""
    profile: ProfileName = ProfileName.FAPI_CIBA
    token_endpoint_auth_method: str = PRIVATE_KEY_JWT
    token_endpoint_auth_signing_alg: str | None = None
    jwks: dict[str, object] | None = None
    jwks_uri: str | None = None
    grant_types: tuple[str, ...] = ()
    response_types: tuple[str, ...] = ()
    scope: str = OPENID_SCOPE
    subject_type: SubjectType = SubjectType.PUBLIC
    sector_identifier_uri: str | None = None
    backchannel_token_delivery_mode: str | None = None
    backchannel_client_notification_endpoint: str | None = None
    backchannel_authentication_request_signing_alg: str | None = None
    backchannel_user_code_parameter: bool = False
    id_token_signed_response_alg: str | None = None
    introspection_signed_response_alg: str | None = None
    introspection_encrypted_response_alg: str | None = None
    tls_client_certificate_bound_access_tokens: bool = False
    dpop_bound_access_tokens: bool = False
    tls_client_auth_subject_dn: str | None = None
    tls_client_auth_san_dns: str | None = None
    tls_client_auth_san_uri: str | None = None
    tls_client_auth_san_ip: str | None = None
    tls_client_auth_san_email: str | None = None
    authorization_details_types: tuple[str, ...] = ()
    access_token_format: AccessTokenFormat | None = None
    protected_resources: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    polling_interval: int = _DEFAULT_INTERVAL
    polling_wait: int = 0
    require_otp: bool = False
    require_verification_code: bool = False
    require_request_context: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client whose metadata was found valid under its profile.

    It authenticates with a certificate where it has a ``certificate_rule``, else with assertions.
    With a ``jwks_uri`` its ``keys`` are those that were found there, and none before. No client
    that registered itself has a ``logo``: nobody has looked at it. The ``sector`` is the host whose
    clients call users alike; without one users are called as the service does.
    """

    client_id: str
    name: str
    profile: Profile
    keys: KeySet = field(repr=False)
    jwks_uri: str | None
    certificate_rule: CertificateRule | None
    binding: BindingPolicy
    assertion_algorithms: frozenset[SignatureAlgorithm]
    request_signing_alg: SignatureAlgorithm | None
    id_token_alg: SignatureAlgorithm
    introspection_alg: SignatureAlgorithm
    scope: frozenset[str]
    delivery_mode: DeliveryMode
    notification_endpoint: str | None
    authorization_details_types: frozenset[str]
    may_use_ciba: bool
    may_refresh: bool
    access_token_format: AccessTokenFormat | None
    protected_resources: frozenset[str]
    resources: frozenset[str]
    asks_for_user_codes: bool
    polling_interval: int
    polling_wait: int
    require_otp: bool
    require_verification_code: bool
    require_request_context: bool
    enabled: bool
    sector: str | None = None
    logo: Logo | None = None

    @property
    def must_sign_requests(self) -> bool:
        """Whether an unsigned authentication request is refused."""
        return self.request_signing_alg is not None or self.profile.demands_signed_request


def register_client(
    members: Mapping[str, object], *, authenticates_elsewhere: bool = False
) -> Client:
    """Check metadata against the rules of its profile.

    A client that ``authenticates_elsewhere``, by whatever method a host knows, proves nothing here
    and needs keys for signed requests only.

    Raises:
        InvalidMetadataError: naming the member that breaks a rule.
    """
    try:
        metadata = msgspec.convert(members, ClientMetadata)
    except msgspec.ValidationError as error:
        raise InvalidMetadataError(str(error)) from error
    profile = PROFILES[metadata.profile]
    delivery_mode = _delivery_mode(metadata, profile)
    certificate_rule = None if authenticates_elsewhere else _certificate_rule(metadata, members)
    request_signing_alg = _request_signing_alg(metadata, profile)
    signs_assertions = certificate_rule is None and not authenticates_elsewhere
    needs_keys = signs_assertions or request_signing_alg is not None
    notification_endpoint = _notification_endpoint(metadata, delivery_mode)
    return Client(
        client_id=_client_id(metadata),
        name=_name(metadata),
        profile=profile,
        keys=_keys(metadata, needed=needs_keys),
        jwks_uri=metadata.jwks_uri,
        certificate_rule=certificate_rule,
        binding=_binding(metadata, profile),
        assertion_algorithms=_assertion_algorithms(metadata, profile),
        request_signing_alg=request_signing_alg,
        id_token_alg=_issued_alg(
            "id_token_signed_response_alg", metadata.id_token_signed_response_alg, profile
        ),
        introspection_alg=_introspection_alg(metadata, profile),
        scope=_scope(metadata),
        delivery_mode=delivery_mode,
        notification_endpoint=notification_endpoint,
        authorization_details_types=frozenset(metadata.authorization_details_types),
        may_use_ciba=CIBA_GRANT_TYPE in metadata.grant_types,
        may_refresh=REFRESH_TOKEN_GRANT_TYPE in metadata.grant_types,
        access_token_format=metadata.access_token_format,
        protected_resources=frozenset(metadata.protected_resources),
        resources=_resources(metadata),
        asks_for_user_codes=metadata.backchannel_user_code_parameter,
        polling_interval=_polling_interval(metadata),
        polling_wait=_polling_wait(metadata),
        require_otp=metadata.require_otp,
        require_verification_code=metadata.require_verification_code,
        require_request_context=metadata.require_request_context,
        enabled=metadata.enabled,
        sector=_sector(
            metadata,
            delivery_mode,
            notification_endpoint,
            proves_published_key=needs_keys or isinstance(certificate_rule, RegisteredCertificates),
        ),
    )


def _certificate_rule(
    metadata: ClientMetadata, members: Mapping[str, object]
) -> CertificateRule | None:
    methods = [PRIVATE_KEY_JWT, *CertificateMethod]
    if metadata.token_endpoint_auth_method not in methods:
        known = ", ".join(methods)
        raise InvalidMetadataError(f"token_endpoint_auth_method must be one of {known}")
    try:
        return register_certificate_rule(
            {**members, "token_endpoint_auth_method": metadata.token_endpoint_auth_method}
        )
    except InvalidCertificateMetadataError as error:
        raise InvalidMetadataError(str(error)) from error


def _binding(metadata: ClientMetadata, profile: Profile) -> BindingPolicy:
    # FAPI 1.0 Part 2 5.2.2 (5) knows certificates only; DPoP takes their place where registered.
    is_bound_by_profile = profile.demands_certificate and not metadata.dpop_bound_access_tokens
    return BindingPolicy(
        demands_sender_constraint=profile.demands_sender_constraint,
        certificate_bound=(
            metadata.tls_client_certificate_bound_access_tokens or is_bound_by_profile
        ),
        dpop_bound=metadata.dpop_bound_access_tokens,
    )


def _client_id(metadata: ClientMetadata) -> str:
    if not _CLIENT_ID.fullmatch(metadata.client_id):
        raise InvalidMetadataError("client_id must be 1 to 255 printable ASCII characters")
    return metadata.client_id


def _name(metadata: ClientMetadata) -> str:
    # The phone shows it, and in its place the client_id.
    name = metadata.client_name or metadata.client_id
    if len(name) > MAXIMUM_TEXT_LENGTH:
        raise InvalidMetadataError(f"client_name is longer than {MAXIMUM_TEXT_LENGTH} characters")
    try:
        return parse_plain_text(name)
    except NotPlainTextError as error:
        raise InvalidMetadataError("client_name is missing or is not plain text") from error


def _keys(metadata: ClientMetadata, *, needed: bool) -> KeySet:
    if metadata.jwks_uri is not None:
        _verify_jwks_uri(metadata.jwks_uri, metadata)
        return KeySet([])
    if metadata.jwks is None:
        if needed:
            raise InvalidMetadataError("jwks is missing, and there is no jwks_uri")
        return KeySet([])
    try:
        return KeySet.parse(metadata.jwks)
    except InvalidKeyError as error:
        if isinstance(error, NoSignatureKeyError) and not needed:
            return KeySet([])  # its certificates may be of keys that sign nothing here
        raise InvalidMetadataError(f"jwks: {error}") from error


def _verify_jwks_uri(uri: str, metadata: ClientMetadata) -> None:
    # RFC 7591 2: not both; FAPI 2.0 5.4.2: over TLS only.
    if metadata.jwks is not None:
        raise InvalidMetadataError("jwks_uri and jwks exclude each other")
    if not is_jwks_uri(uri):
        raise InvalidMetadataError("jwks_uri must be an https URL without fragment or user")


def _algorithm(name: str, value: str, profile: Profile) -> SignatureAlgorithm:
    try:
        alg = SignatureAlgorithm(value)
    except ValueError as error:
        raise InvalidMetadataError(f"{name}: {value} is not supported") from error
    if alg not in profile.algorithms:
        raise InvalidMetadataError(f"{name}: {value} is not allowed by profile {profile.name}")
    return alg


def _assertion_algorithms(
    metadata: ClientMetadata, profile: Profile
) -> frozenset[SignatureAlgorithm]:
    name = "token_endpoint_auth_signing_alg"
    if metadata.token_endpoint_auth_signing_alg is None:
        return profile.algorithms
    return frozenset({_algorithm(name, metadata.token_endpoint_auth_signing_alg, profile)})


def _request_signing_alg(metadata: ClientMetadata, profile: Profile) -> SignatureAlgorithm | None:
    name = "backchannel_authentication_request_signing_alg"
    value = metadata.backchannel_authentication_request_signing_alg
    if value is not None:
        return _algorithm(name, value, profile)
    if profile.demands_signed_request and not _only_introspects(metadata):
        raise InvalidMetadataError(f"{name} is required by profile {profile.name}")
    return None


def _introspection_alg(metadata: ClientMetadata, profile: Profile) -> SignatureAlgorithm:
    # RFC 9701 6: what is asked to be encrypted must not be sent in clear.
    if metadata.introspection_encrypted_response_alg is not None:
        raise InvalidMetadataError("introspection_encrypted_response_alg is not supported")
    name = "introspection_signed_response_alg"
    return _issued_alg(name, metadata.introspection_signed_response_alg, profile)


def _issued_alg(name: str, value: str | None, profile: Profile) -> SignatureAlgorithm:
    if value is not None:
        alg = _algorithm(name, value, profile)
        if alg not in _ISSUED_ALGORITHMS:
            raise InvalidMetadataError(f"{name}: {alg} is verified here but never issued")
        return alg
    return next(alg for alg in ALGORITHMS_BY_PREFERENCE if alg in profile.algorithms)


def _scope(metadata: ClientMetadata) -> frozenset[str]:
    tokens = metadata.scope.split(" ")
    if not all(map(is_scope_token, tokens)):
        raise InvalidMetadataError("scope is not a list of scope tokens with single spaces")
    return frozenset(tokens)


def _only_introspects(metadata: ClientMetadata) -> bool:
    """Whether it is a resource server that starts nothing and gets no tokens."""
    return bool(metadata.protected_resources) and not metadata.grant_types


def _delivery_mode(metadata: ClientMetadata, profile: Profile) -> DeliveryMode:
    name = "backchannel_token_delivery_mode"
    # CIBA 4: a client registers exactly one mode.
    if metadata.backchannel_token_delivery_mode is None:
        if _only_introspects(metadata):
            return DeliveryMode.POLL
        raise InvalidMetadataError(f"{name} is missing")
    try:
        mode = DeliveryMode(metadata.backchannel_token_delivery_mode)
    except ValueError as error:
        raise InvalidMetadataError(f"{name} must be poll, ping or push") from error
    if mode not in profile.delivery_modes:
        raise InvalidMetadataError(f"{name}: {mode} is not allowed by profile {profile.name}")
    if mode is not DeliveryMode.PUSH and CIBA_GRANT_TYPE not in metadata.grant_types:
        raise InvalidMetadataError(f"grant_types must contain {CIBA_GRANT_TYPE}")
    return mode


def _notification_endpoint(metadata: ClientMetadata, mode: DeliveryMode) -> str | None:
    name = "backchannel_client_notification_endpoint"
    endpoint = metadata.backchannel_client_notification_endpoint
    if endpoint is None:
        if mode is not DeliveryMode.POLL:
            raise InvalidMetadataError(f"{name} is required for {mode}")
        return None
    try:
        url = parse_outbound_url(endpoint)
    except InvalidUrlError as error:
        raise InvalidMetadataError(f"{name}: {error}") from error
    # Plain http to this machine is for development; the settings see to that.
    if url.scheme != "https" and not url.names_loopback:
        raise InvalidMetadataError(f"{name} must be an https URL without fragment or user")
    return endpoint


def _sector(
    metadata: ClientMetadata,
    mode: DeliveryMode,
    notification_endpoint: str | None,
    *,
    proves_published_key: bool,
) -> str | None:
    try:
        return sector_of(
            metadata.subject_type,
            metadata.sector_identifier_uri,
            mode=mode,
            jwks_uri=metadata.jwks_uri,
            notification_endpoint=notification_endpoint,
            proves_published_key=proves_published_key,
        )
    except InvalidSectorError as error:
        raise InvalidMetadataError(str(error)) from error


def _resources(metadata: ClientMetadata) -> frozenset[str]:
    for resource in metadata.resources:
        if not is_resource(resource):
            raise InvalidMetadataError("resources must be absolute URIs without fragment")
    return frozenset(metadata.resources)


def _polling_interval(metadata: ClientMetadata) -> int:
    if not 0 <= metadata.polling_interval <= _MAXIMUM_INTERVAL:
        raise InvalidMetadataError(f"polling_interval must be 0 to {_MAXIMUM_INTERVAL} seconds")
    return metadata.polling_interval


def _polling_wait(metadata: ClientMetadata) -> int:
    if not 0 <= metadata.polling_wait <= LONGEST_WAIT:
        raise InvalidMetadataError(f"polling_wait must be 0 to {LONGEST_WAIT} seconds")
    return metadata.polling_wait
