"""What must hold between the settings: each rule raises ``InvalidSettingsError`` with its key."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from ciba_service.protocol.client.certificates.proxies import InvalidNetworkError, TrustedProxies
from ciba_service.protocol.client.offer import Lack
from ciba_service.protocol.names import OPENID_SCOPE, DeliveryMode
from ciba_service.protocol.outbound.addresses import AddressPolicy, InvalidAllowListError
from ciba_service.protocol.outbound.url import InvalidUrlError, parse_outbound_url
from ciba_service.protocol.request.authorization_details import PAYMENT_INITIATION
from ciba_service.protocol.request.hints import (
    IdentifierKind,
    UserIdentifier,
    parse_login_hint,
)
from ciba_service.protocol.security_events.kinds import KINDS, kind_of
from ciba_service.sca.factors.activation import normal_code
from ciba_service.sca.factors.policy import ACR_TABLE
from ciba_service.sca.phones.wake_up import is_host_pattern
from ciba_service.settings.doors import Doors
from ciba_service.settings.issuer import issuer_defect
from ciba_service.settings.operators import operators_defect
from ciba_service.settings.origins import origin_defect
from ciba_service.settings.passkeys import rp_id_defect
from ciba_service.settings.sections import (
    InvalidSettingsError,
    PolicyRuleSettings,
    RegistrationSettings,
    Settings,
    UserSettings,
)
from ciba_service.settings.token_endpoints import grants_defect

__all__ = ["RULES"]

# In normal form, so that a slip like "--------" is no code.
_PRESET: Final = re.compile(r"[0-9A-Z]{8,64}", re.ASCII)
_NEEDS_URL: Final = (
    "username",
    "password",
    "sentinel_username",
    "sentinel_password",
    "ca_file",
    "certificate_file",
    "key_file",
    "wait_for_replicas",
)


def _check_server(settings: Settings) -> None:
    server = settings.server
    defect = issuer_defect(server.issuer)
    if defect is not None:
        raise InvalidSettingsError(f"server.issuer {defect}")
    if (server.tls_certificate is None) != (server.tls_key is None):
        raise InvalidSettingsError("server.tls_certificate and server.tls_key go together")
    if server.tls_certificate is not None and settings.is_development:
        raise InvalidSettingsError("server.issuer must be https when TLS is configured")


def _check_tracing(settings: Settings) -> None:
    if settings.tracing.trust_traceparent and not settings.tracing.enabled:
        raise InvalidSettingsError("tracing.trust_traceparent goes with tracing.enabled")


def _check_mtls(settings: Settings) -> None:
    mtls = settings.mtls
    if mtls.takes_certificates != (mtls.base_url is not None):
        raise InvalidSettingsError("mtls.base_url goes with mtls.port or mtls.proxies")
    if mtls.base_url is not None and (defect := issuer_defect(mtls.base_url)) is not None:
        raise InvalidSettingsError(f"mtls.base_url {defect}")
    # Our own listener has the issuer's paths, and no proxy takes another one away before it.
    if mtls.base_url is not None and not mtls.proxies and urlsplit(mtls.base_url).path:
        raise InvalidSettingsError("mtls.base_url has a path, which needs mtls.proxies")
    if mtls.port is not None and settings.server.tls_certificate is None:
        raise InvalidSettingsError("mtls.port needs server.tls_certificate")
    if settings.server.address_header is not None and not mtls.proxies:
        raise InvalidSettingsError("server.address_header goes with mtls.proxies")
    if mtls.certificate_header is not None and not mtls.proxies:
        raise InvalidSettingsError("mtls.certificate_header goes with mtls.proxies")
    try:
        TrustedProxies.parse(mtls.proxies)
    except InvalidNetworkError as error:
        raise InvalidSettingsError(f"mtls.proxies: {error}") from error


def _check_device(settings: Settings) -> None:
    if not settings.device.second_secret and not settings.is_development:
        raise InvalidSettingsError("device.second_secret may be off with an http issuer only")
    url = settings.device.phone_url
    if url is not None and (defect := issuer_defect(url.removesuffix("/"))) is not None:
        raise InvalidSettingsError(f"device.phone_url {defect}")


def _check_passkeys(settings: Settings) -> None:
    device = settings.device
    if device.rp_id is None:
        rules = settings.policy.rules
        if settings.policy.require_passkey or any(rule.require_passkey for rule in rules):
            raise InvalidSettingsError("policy demands a passkey: set device.rp_id")
        return
    if not device.allowed_origins:
        raise InvalidSettingsError("device.rp_id needs device.allowed_origins")
    defect = rp_id_defect(device.rp_id)
    if defect is not None:
        raise InvalidSettingsError(f"device.rp_id {defect}")


def _check_origins(settings: Settings) -> None:
    device = settings.device
    for number, origin in enumerate(device.allowed_origins):
        defect = origin_defect(origin, rp_id=device.rp_id, is_development=settings.is_development)
        if defect is not None:
            raise InvalidSettingsError(f"device.allowed_origins[{number}] {defect}")


def _check_store(settings: Settings) -> None:
    store = settings.store
    if store.url is not None and store.urls:
        raise InvalidSettingsError("store.url and store.urls exclude each other")
    if (store.mode == "sentinel") != (store.master_name is not None):
        raise InvalidSettingsError("store.master_name goes with mode sentinel")
    if (store.certificate_file is None) != (store.key_file is None):
        raise InvalidSettingsError("store.certificate_file and store.key_file go together")
    if not store.all_urls:
        _check_embedded(settings)
        return
    try:
        store.target()
    except ValueError as error:
        key = "store.urls" if store.urls else "store.url"
        raise InvalidSettingsError(f"{key}: {error}") from error


def _check_embedded(settings: Settings) -> None:
    store = settings.store
    if store.mode != "single":
        raise InvalidSettingsError(f"store.urls is needed for mode {store.mode}")
    # Whoever sets one of these believes that a server elsewhere is used.
    for name in _NEEDS_URL:
        if getattr(store, name):
            raise InvalidSettingsError(f"store.{name} goes with store.url or store.urls")


def _check_outbound(settings: Settings) -> None:
    outbound = settings.outbound
    try:
        AddressPolicy.parse(outbound.allowed_networks)
    except InvalidAllowListError as error:
        raise InvalidSettingsError(f"outbound.allowed_networks: {error}") from error
    if (outbound.client_certificate is None) != (outbound.client_key is None):
        raise InvalidSettingsError(
            "outbound.client_certificate and outbound.client_key go together"
        )
    if outbound.allow_loopback_http and not settings.is_development:
        raise InvalidSettingsError("outbound.allow_loopback_http needs an http issuer")


def _check_wake_up(settings: Settings) -> None:
    wake_up = settings.wake_up
    if not wake_up.web_push and wake_up.contact is not None:
        raise InvalidSettingsError("wake_up.contact goes with wake_up.web_push")
    if wake_up.web_push and wake_up.contact is None:
        raise InvalidSettingsError("wake_up.contact is needed for wake_up.web_push")
    if (wake_up.webhook_url is None) != (wake_up.webhook_token is None):
        raise InvalidSettingsError("wake_up.webhook_url and wake_up.webhook_token go together")
    for number, host in enumerate(wake_up.push_hosts):
        if not is_host_pattern(host):
            raise InvalidSettingsError(
                f"wake_up.push_hosts[{number}] must be a host in lower case, or *. and a domain"
            )
    if wake_up.webhook_url is not None:
        _check_webhook(wake_up.webhook_url, settings)


def _check_webhook(text: str, settings: Settings) -> None:
    try:
        url = parse_outbound_url(text)
    except InvalidUrlError as error:
        raise InvalidSettingsError(f"wake_up.webhook_url: {error}") from error
    if url.scheme == "http" and not settings.outbound.allow_loopback_http:
        raise InvalidSettingsError(
            "wake_up.webhook_url without TLS needs outbound.allow_loopback_http"
        )


def _check_policy(settings: Settings) -> None:
    if settings.policy.floor not in ACR_TABLE:
        known = ", ".join(ACR_TABLE)
        raise InvalidSettingsError(f"policy.floor must be one of {known}")
    for number, rule in enumerate(settings.policy.rules):
        defect = _rule_defect(rule, settings)
        if defect is not None:
            raise InvalidSettingsError(f"policy.rules[{number}] {defect}")


def _rule_defect(rule: PolicyRuleSettings, settings: Settings) -> str | None:
    """What is wrong with a rule, the first that holds; whatever could never apply is a mistake."""
    has_condition = any((rule.client, rule.scope, rule.type, rule.min_amount))
    demands_something = any(
        (rule.acr, rule.require_otp, rule.require_verification_code, rule.require_passkey)
    )
    defects = {
        "has no condition: policy.floor and its neighbours are for all requests": not has_condition,
        "demands nothing": not demands_something,
        "needs min_amount and currency together": (rule.min_amount is None)
        != (rule.currency is None),
        "has min_amount, which payment_initiation alone can reach": rule.min_amount is not None
        and rule.type not in {None, PAYMENT_INITIATION},
        f"has an acr that is none of {', '.join(ACR_TABLE)}": rule.acr is not None
        and rule.acr not in ACR_TABLE,
        "has a type that is not declared": rule.type is not None
        and rule.type not in settings.detail_types.names,
    }
    return next((defect for defect, holds in defects.items() if holds), None)


def _check_limits(settings: Settings) -> None:
    limits = settings.limits
    if limits.longest_denial_pause < limits.denial_pause:
        raise InvalidSettingsError(
            "limits.longest_denial_pause must not be less than limits.denial_pause"
        )
    if limits.denial_window < limits.longest_denial_pause:
        raise InvalidSettingsError(
            "limits.denial_window must not be less than limits.longest_denial_pause"
        )
    if 0 < limits.user_prompts < limits.user_prompts_of_client:
        raise InvalidSettingsError(
            "limits.user_prompts_of_client must not be more than limits.user_prompts"
        )


def _check_users(settings: Settings) -> None:
    owners: dict[UserIdentifier, str] = {}
    for number, user in enumerate(settings.users):
        where = f"users[{number}].sub"
        if not user.sub.isascii() or not _is_plain(user.sub):
            raise InvalidSettingsError(f"{where} must be printable ASCII")
        name = _identifier(where, user.sub)
        if name in owners:
            raise InvalidSettingsError(f"{where} is used twice, but for its spelling")
        owners[name] = user.sub
    for number, user in enumerate(settings.users):
        where = f"users[{number}].login_hints"
        for hint in user.login_hints:
            if not _is_plain(hint):
                raise InvalidSettingsError(f"{where} must be printable, without spaces around")
            # Also when it is the sub of another: a hint must never denote two people.
            if owners.setdefault(_identifier(where, hint), user.sub) != user.sub:
                raise InvalidSettingsError(f"{where} has a hint of another user")


def _identifier(where: str, name: str) -> UserIdentifier:
    """Whom clients mean who send this name, in any of its spellings."""
    identifier = parse_login_hint(name)
    if identifier.kind is IdentifierKind.HANDLE:
        raise InvalidSettingsError(f"{where} looks like a handle, which only phones make")
    return identifier


def _is_plain(text: str) -> bool:
    return text.isprintable() and text == text.strip()


def _check_user_codes(settings: Settings) -> None:
    for number, user in enumerate(settings.users):
        if user.user_code is not None and not _is_plain(user.user_code):
            raise InvalidSettingsError(
                f"users[{number}].user_code must be printable, without spaces around"
            )


def _check_hint_issuers(settings: Settings) -> None:
    names = [issuer.iss for issuer in settings.login_hint_issuers]
    for number, name in enumerate(names):
        where = f"login_hint_issuers[{number}].iss"
        if names.count(name) > 1:
            raise InvalidSettingsError(f"{where} is used twice")
        if name == settings.server.issuer:
            raise InvalidSettingsError(f"{where} is this service: its ID tokens are hints as such")


def _check_presets(settings: Settings) -> None:
    seen = set[str]()
    for number, user in enumerate(settings.users):
        code = _preset(f"users[{number}].activation_code", user, settings)
        if code is None:
            continue
        if code in seen:
            raise InvalidSettingsError(f"users[{number}].activation_code is used twice")
        seen.add(code)


def _preset(where: str, user: UserSettings, settings: Settings) -> str | None:
    if user.activation_code is None:
        return None
    if not settings.is_development:
        raise InvalidSettingsError(f"{where} needs an http issuer")
    code = normal_code(user.activation_code)
    if not _PRESET.fullmatch(code):
        raise InvalidSettingsError(f"{where} must have at least 8 letters and digits, no others")
    return code


def _check_clients(settings: Settings) -> None:
    names = [client.client_id for client in settings.clients]
    is_backend = settings.server.doors is Doors.APPROVAL_BACKEND
    for number, client in enumerate(settings.clients):
        where = f"clients[{number}] ({client.client_id})"
        if names.count(client.client_id) > 1:
            raise InvalidSettingsError(f"{where}: client_id is used twice")
        lack = settings.offer.lack(client)
        if lack is not None:
            raise InvalidSettingsError(f"{where} {_LACKS[lack]}")
        if is_backend and client.delivery_mode is DeliveryMode.PUSH:
            raise InvalidSettingsError(
                f"{where} is to be pushed tokens of this service, and server.doors is "
                "approval_backend: it issues none"
            )
        endpoint = client.notification_endpoint or ""
        if endpoint.startswith("http:") and not settings.outbound.allow_loopback_http:
            raise InvalidSettingsError(
                f"{where}: backchannel_client_notification_endpoint without TLS needs "
                "outbound.allow_loopback_http"
            )


_LACKS: Final = {
    Lack.CERTIFICATES: "needs client certificates: set mtls.port or mtls.proxies",
    Lack.AUTHORITIES: "authenticates by tls_client_auth: set mtls.authorities",
    Lack.DETAIL_TYPES: "has one of authorization_details_types that is not declared",
}


def _check_languages(settings: Settings) -> None:
    spoken = {settings.device.locale, *(user.locale for user in settings.users)} - {None}
    if len(spoken) == 1:
        return
    for name, declared in settings.detail_types.declared.items():
        if declared.said_once is not None:
            raise InvalidSettingsError(
                f"authorization_details_types: {name}: {declared.said_once}: users have different "
                "languages, and this is one text for all; give one for each"
            )


def _check_registration(settings: Settings) -> None:
    registration = settings.registration
    if not registration.enabled:
        if registration != RegistrationSettings():
            raise InvalidSettingsError("registration.enabled is not set")
        return
    if registration.open and not settings.is_development:
        raise InvalidSettingsError("registration.open needs an http issuer")
    if registration.open == bool(registration.initial_access_tokens):
        raise InvalidSettingsError(
            "registration needs either registration.initial_access_tokens or registration.open"
        )
    unknown = set(registration.authorization_details_types) - settings.detail_types.names
    if unknown:
        raise InvalidSettingsError(
            f"registration.authorization_details_types: {min(unknown)} is not declared"
        )
    if OPENID_SCOPE not in registration.scopes or "" in registration.scopes:
        raise InvalidSettingsError("registration.scope must be scope tokens, openid among them")


def _check_operators(settings: Settings) -> None:
    defect = operators_defect(settings.operator, settings.operators)
    if defect is not None:
        raise InvalidSettingsError(defect)


def _check_grants(settings: Settings) -> None:
    defect = grants_defect(settings.grants, settings.token_endpoints)
    if defect is not None:
        raise InvalidSettingsError(defect)


def _check_security_events(settings: Settings) -> None:
    receivers = settings.security_events.receivers
    names = [receiver.name for receiver in receivers]
    known = set(map(kind_of, KINDS))
    for number, receiver in enumerate(receivers):
        where = f"security_events.receivers[{number}]"
        if names.count(receiver.name) > 1:
            raise InvalidSettingsError(f"{where}.name is used twice")
        if receiver.url.startswith("http:") and not settings.outbound.allow_loopback_http:
            raise InvalidSettingsError(
                f"{where}.url without TLS needs outbound.allow_loopback_http"
            )
        try:
            parse_outbound_url(receiver.url)
        except InvalidUrlError as error:
            raise InvalidSettingsError(f"{where}.url: {error}") from error
        unknown = sorted(set(receiver.kinds) - known)
        if unknown:
            raise InvalidSettingsError(f"{where}.kinds: there is no {unknown[0]}")


RULES: Final[tuple[Callable[[Settings], None], ...]] = (
    _check_server,
    _check_tracing,
    _check_mtls,
    _check_device,
    _check_passkeys,
    _check_origins,
    _check_store,
    _check_outbound,
    _check_wake_up,
    _check_policy,
    _check_limits,
    _check_users,
    _check_user_codes,
    _check_hint_issuers,
    _check_presets,
    _check_clients,
    _check_languages,
    _check_registration,
    _check_operators,
    _check_grants,
    _check_security_events,
)
"""In this order."""
