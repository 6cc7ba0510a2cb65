"""The door of the clients: metadata, keys, the backchannel endpoint and what tokens need."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Final

from starlette.routing import Route

from ciba_service.endpoints.oauth.authorization import AuthorizationEndpoint
from ciba_service.endpoints.oauth.backchannel import BackchannelAuthenticationEndpoint
from ciba_service.endpoints.oauth.cancel import CancelEndpoint
from ciba_service.endpoints.oauth.events import EventsEndpoint
from ciba_service.endpoints.oauth.nonce_header import NonceHeader
from ciba_service.endpoints.oauth.sca_receipt import ScaReceiptEndpoint
from ciba_service.endpoints.openapi import openapi_document
from ciba_service.endpoints.published import PublishedDocument
from ciba_service.flow.asking.cancellation import Cancellation
from ciba_service.flow.asking.initiation import Initiation, InitiationPolicy
from ciba_service.flow.asking.ledger_reading import LedgerReading
from ciba_service.flow.asking.request_budgets import BudgetPolicy, RequestBudgets
from ciba_service.flow.asking.sca_receipt_reading import ScaReceiptReading
from ciba_service.flow.asking.sca_receipts import ScaReceipts
from ciba_service.flow.asking.transaction_start import TransactionStart
from ciba_service.flow.asking.user_code_check import UserCodeCheck
from ciba_service.flow.asking.user_resolution import HintPolicy, UserResolution
from ciba_service.flow.clients.client_authentication import ClientAuthentication
from ciba_service.flow.clients.published_keys import PublishedKeys
from ciba_service.ports import Budget
from ciba_service.protocol.client.assertion import Audiences
from ciba_service.protocol.client.certificates.anchors import TrustAnchors
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.metadata import ProviderMetadata, provider_metadata
from ciba_service.protocol.names import OPENID_SCOPE, DeliveryMode, SubjectType
from ciba_service.protocol.profiles import PROFILES, ProfileName
from ciba_service.protocol.security_events.transmitter import (
    EVENT_KEYS_PATH,
    TransmitterMetadata,
)
from ciba_service.protocol.transaction.lifetime import RequestLifetime
from ciba_service.sca.factors.floors import FloorRule
from ciba_service.sca.factors.policy import reachable_acrs
from ciba_service.sca.records.sca_receipt import SCA_RECEIPT_KEYS_PATH
from ciba_service.settings import MtlsSettings, PolicyRuleSettings
from ciba_service.wiring.doors.registration import registration_routes
from ciba_service.wiring.doors.tokens import dpop_nonces, sender_constraint, token_routes
from ciba_service.wiring.host_ports import HostRisk
from ciba_service.wiring.parts import USER_CODE_PEPPER, Parts

__all__ = [
    "approval_routes",
    "cancellation",
    "client_authentication",
    "initiation",
    "oauth_routes",
    "published_metadata",
]

_DAY: Final = 86_400

# Where clients authenticate: their assertions may be for any of these.
_CLIENT_ENDPOINTS: Final = (
    "token_endpoint",
    "backchannel_authentication_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
)
_BACKCHANNEL: Final = "/bc-authorize"
# No metadata has names for them.
_CANCEL: Final = "/bc-authorize/cancel"
_EVENTS: Final = "/bc-authorize/events"
_RECEIPT: Final = "/bc-authorize/receipt"


def published_metadata(parts: Parts) -> ProviderMetadata:
    """What the service says of itself: what its registered clients can use, and nothing more."""
    clients, registration = parts.host.client_kinds, parts.settings.registration
    policy = parts.settings.policy
    if parts.host.clients is None:
        clients = parts.settings.clients
    profiles = {client.profile.name for client in clients}
    scopes = frozenset({OPENID_SCOPE}).union(*(client.scope for client in clients))
    details = frozenset[str]().union(*(client.authorization_details_types for client in clients))
    if registration.enabled:
        profiles |= {registration.profile}
        scopes |= registration.scopes
        details |= frozenset(registration.authorization_details_types)
    profiles = profiles or {ProfileName.CIBA_CORE}
    algorithms = frozenset().union(*(PROFILES[name].algorithms for name in profiles))
    issued = parts.keys.token_algorithms & algorithms
    return provider_metadata(
        endpoints=parts.endpoints,
        delivery_modes=frozenset().union(*(PROFILES[name].delivery_modes for name in profiles)),
        issues_refresh_tokens=(
            registration.enabled or any(client.may_refresh for client in clients)
        ),
        client_algorithms=algorithms,
        id_token_algorithms=issued,
        introspection_algorithms=(
            issued if any(client.protected_resources for client in clients) else frozenset()
        ),
        scopes=scopes,
        subject_types=_subject_types(clients, takes_registrations=registration.enabled),
        acr_values=reachable_acrs(floor=policy.floor, require_passkey=policy.require_passkey),
        authorization_details_types=tuple(sorted(details)),
    )


def _subject_types(
    clients: Iterable[Client], *, takes_registrations: bool
) -> frozenset[SubjectType]:
    if takes_registrations:
        return frozenset(SubjectType)
    types = {
        SubjectType.PAIRWISE if client.sector else SubjectType.PUBLIC
        for client in clients
        # Whoever only protects resources is told of users by introspection alone.
        if client.may_use_ciba or client.delivery_mode is DeliveryMode.PUSH
    }
    return frozenset(types or {SubjectType.PUBLIC})


def oauth_routes(parts: Parts, metadata: Callable[[], ProviderMetadata]) -> list[Route]:
    """Everything a client calls; ``metadata`` is what is published at the moment."""
    endpoints, telemetry = parts.endpoints, parts.surroundings.telemetry
    published = PublishedKeys(parts.outbound.client_keys)
    authentication = client_authentication(parts, published)
    jwks = PublishedDocument(lambda: {"keys": parts.keys.public_jwks()}, telemetry)
    document = PublishedDocument(metadata, telemetry)
    description = openapi_document(endpoints)
    openapi = PublishedDocument(lambda: description, telemetry)
    return [
        Route(endpoints.path("/authorize"), AuthorizationEndpoint(telemetry)),
        *_asking_routes(parts, authentication, published),
        *token_routes(parts, authentication),
        *registration_routes(parts),
        Route(endpoints.path("/jwks"), jwks),
        Route(endpoints.path("/openapi.json"), openapi),
        Route(endpoints.openid_configuration_path, document),
        Route(endpoints.oauth_metadata_path, document),
        *_transmitter_routes(parts),
    ]


def approval_routes(parts: Parts) -> list[Route]:
    """What clients call where tokens and metadata are another's."""
    published = PublishedKeys(parts.outbound.client_keys)
    asking = _asking_routes(parts, client_authentication(parts, published), published)
    return [*asking, *_transmitter_routes(parts)]


def client_authentication(parts: Parts, published: PublishedKeys) -> ClientAuthentication:
    """How clients prove who they are, at every endpoint alike."""
    endpoints = parts.endpoints
    return ClientAuthentication(
        clients=parts.clients,
        published=published,
        replays=parts.stores.replays,
        audiences=Audiences(
            endpoints.issuer,
            endpoints.urls(_CANCEL).union(
                endpoints.urls(_EVENTS),
                endpoints.urls(_RECEIPT),
                *map(endpoints.addresses, _CLIENT_ENDPOINTS),
            ),
        ),
        anchors=_anchors(parts.settings.mtls),
        clock=parts.surroundings.clock,
        events=parts.surroundings.telemetry,
    )


def _asking_routes(
    parts: Parts, authentication: ClientAuthentication, published: PublishedKeys
) -> list[Route]:
    """Where a client asks for a decision, and what became of it."""
    endpoints, telemetry = parts.endpoints, parts.surroundings.telemetry
    backchannel = BackchannelAuthenticationEndpoint(
        initiation(parts, authentication, published),
        nonce=NonceHeader(dpop_nonces(parts), parts.surroundings.clock),
        telemetry=telemetry,
    )
    receipt_jwks = PublishedDocument(lambda: {"keys": parts.keys.sca_receipt_jwks()}, telemetry)
    return [
        Route(endpoints.path(_BACKCHANNEL), backchannel),
        Route(
            endpoints.path(_CANCEL), CancelEndpoint(cancellation(parts, authentication), telemetry)
        ),
        Route(
            endpoints.path(_EVENTS),
            EventsEndpoint(_ledger_reading(parts, authentication), telemetry),
        ),
        Route(
            endpoints.path(_RECEIPT),
            ScaReceiptEndpoint(_receipt_reading(parts, authentication), telemetry),
        ),
        Route(endpoints.path(SCA_RECEIPT_KEYS_PATH), receipt_jwks),
    ]


def _transmitter_routes(parts: Parts) -> list[Route]:
    """Where receivers of security events find the keys, if there are receivers."""
    if not parts.settings.security_events.receivers:
        return []
    endpoints, telemetry = parts.endpoints, parts.surroundings.telemetry
    metadata = TransmitterMetadata(issuer=endpoints.issuer, jwks_uri=endpoints.url(EVENT_KEYS_PATH))
    keys = PublishedDocument(lambda: {"keys": parts.keys.events_jwks()}, telemetry)
    return [
        Route(endpoints.ssf_metadata_path, PublishedDocument(lambda: metadata, telemetry)),
        Route(endpoints.path(EVENT_KEYS_PATH), keys),
    ]


def cancellation(parts: Parts, authentication: ClientAuthentication) -> Cancellation:
    """How a client takes a request back."""
    surroundings = parts.surroundings
    return Cancellation(
        authentication=authentication,
        transactions=parts.stores.transactions,
        cancelling=parts.cancelling,
        new_operation=surroundings.new_operation,
        clock=surroundings.clock,
        events=surroundings.telemetry,
    )


def _ledger_reading(parts: Parts, authentication: ClientAuthentication) -> LedgerReading:
    surroundings = parts.surroundings
    return LedgerReading(
        authentication=authentication,
        ledgers=parts.stores.ledgers,
        following=parts.following,
        new_operation=surroundings.new_operation,
        clock=surroundings.clock,
        events=surroundings.telemetry,
    )


def _receipt_reading(parts: Parts, authentication: ClientAuthentication) -> ScaReceiptReading:
    surroundings = parts.surroundings
    return ScaReceiptReading(
        authentication=authentication,
        receipts=ScaReceipts(
            store=parts.stores.sca_receipts, keys=parts.keys, clock=surroundings.clock
        ),
        new_operation=surroundings.new_operation,
        events=surroundings.telemetry,
    )


def _anchors(mtls: MtlsSettings) -> TrustAnchors | None:
    return TrustAnchors.parse(Path(mtls.authorities).read_bytes()) if mtls.authorities else None


def _resolution(parts: Parts) -> UserResolution:
    settings = parts.settings
    return UserResolution(
        users=parts.users,
        handles=parts.stores.login_handles,
        keys=parts.keys,
        replays=parts.stores.replays,
        subjects=parts.subjects,
        policy=HintPolicy(
            issuer=settings.server.issuer,
            login_hint_issuers=settings.login_hint_issuers,
            id_tokens_accepted_after_expiry=settings.requests.id_token_hint_days * _DAY,
        ),
    )


def _budgets(parts: Parts) -> RequestBudgets:
    limits = parts.settings.limits
    return RequestBudgets(
        parts.stores.budgets,
        BudgetPolicy(
            of_client=Budget(limits.client_requests, limits.client_window * 1000),
            of_hint=Budget(limits.hint_requests, limits.hint_window * 1000),
        ),
        parts.surroundings.telemetry,
    )


def _rule(rule: PolicyRuleSettings) -> FloorRule:
    return FloorRule(
        client=rule.client,
        scope=rule.scope,
        type=rule.type,
        min_amount=None if rule.min_amount is None else Decimal(rule.min_amount),
        currency=rule.currency,
        acr=rule.acr,
        otp=rule.require_otp,
        verification_code=rule.require_verification_code,
        passkey=rule.require_passkey,
    )


def initiation(
    parts: Parts, authentication: ClientAuthentication, published: PublishedKeys
) -> Initiation:
    """How a client asks."""
    settings, stores, surroundings = parts.settings, parts.stores, parts.surroundings
    return Initiation(
        authentication=authentication,
        constraint=sender_constraint(parts, _BACKCHANNEL),
        published=published,
        replays=stores.replays,
        budgets=_budgets(parts),
        resolution=_resolution(parts),
        codes=UserCodeCheck(
            attempts=stores.user_codes,
            pepper=parts.keys.ring.derive(USER_CODE_PEPPER),
            events=surroundings.telemetry,
        ),
        gate=parts.gate,
        prompts=stores.prompts,
        start=TransactionStart(
            issuer=settings.server.issuer,
            transactions=stores.transactions,
            worker=parts.worker,
            keys=parts.keys,
            ping_on_expiry=settings.delivery.ping_on_expiry,
            locale_of=parts.locale_of,
            subjects=parts.subjects,
            random=surroundings.random,
        ),
        policy=InitiationPolicy(
            issuer=settings.server.issuer,
            lifetime=RequestLifetime(settings.requests.default_expiry),
            floor=settings.policy.floor,
            require_otp=settings.policy.require_otp,
            require_verification_code=settings.policy.require_verification_code,
            require_passkey=settings.policy.require_passkey,
            passkeys_count=settings.relying_party is not None,
            rules=tuple(map(_rule, settings.policy.rules)),
            detail_types=settings.detail_types,
            require_request_context=settings.requests.require_request_context,
            risk=None
            if surroundings.risk is None
            else HostRisk(surroundings.risk, surroundings.telemetry),
        ),
        new_operation=surroundings.new_operation,
        random=surroundings.random,
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )
