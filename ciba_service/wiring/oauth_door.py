"""The door of the clients: metadata, keys, the backchannel endpoint and the token endpoint."""

from starlette.routing import Route

from ciba_service.endpoints.oauth.backchannel import BackchannelAuthenticationEndpoint
from ciba_service.endpoints.oauth.token import TokenEndpoint
from ciba_service.endpoints.published import PublishedDocument
from ciba_service.flow.client_authentication import ClientAuthentication
from ciba_service.flow.initiation import Initiation, InitiationPolicy
from ciba_service.flow.issuance import Issuance, TokenPolicy
from ciba_service.flow.redemption import Redemption
from ciba_service.flow.sender_constraint import SenderConstraint
from ciba_service.flow.token_request import TokenRequests
from ciba_service.protocol.client.assertion import Audiences
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.metadata import ProviderMetadata, provider_metadata
from ciba_service.protocol.names import CIBA_GRANT_TYPE, OPENID_SCOPE, DeliveryMode
from ciba_service.protocol.profiles import PROFILES, ProfileName
from ciba_service.protocol.request.authorization_details import PAYMENT_INITIATION
from ciba_service.protocol.tokens.dpop.http_uri import parse_http_uri
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces
from ciba_service.protocol.transaction.lifetime import RequestLifetime
from ciba_service.sca.policy import ACR_TABLE
from ciba_service.stores.configured import ConfiguredClients
from ciba_service.wiring.parts import Parts

__all__ = ["oauth_routes", "published_metadata"]


def published_metadata(parts: Parts) -> ProviderMetadata:
    """What the service says of itself: what its registered clients can use, and nothing more."""
    clients = parts.settings.clients
    profiles = {client.profile.name for client in clients} or {ProfileName.CIBA_CORE}
    details = frozenset().union(*(client.authorization_details_types for client in clients))
    return provider_metadata(
        endpoints=parts.endpoints,
        delivery_modes=frozenset({DeliveryMode.POLL}),
        client_algorithms=frozenset().union(*(PROFILES[name].algorithms for name in profiles)),
        id_token_algorithms=parts.keys.token_algorithms,
        scopes=frozenset({OPENID_SCOPE}).union(*(client.scope for client in clients)),
        acr_values=tuple(ACR_TABLE),
        authorization_details_types=tuple(details & {PAYMENT_INITIATION}),
    )


def oauth_routes(parts: Parts, metadata: ProviderMetadata) -> list[Route]:
    """Everything a client calls."""
    endpoints, telemetry = parts.endpoints, parts.surroundings.telemetry
    authentication = ClientAuthentication(
        clients=ConfiguredClients(parts.settings.clients),
        replays=parts.stores.replays,
        audiences=Audiences(endpoints.issuer, frozenset({endpoints.token, endpoints.backchannel})),
        anchors=None,
        clock=parts.surroundings.clock,
    )
    backchannel = BackchannelAuthenticationEndpoint(_initiation(parts, authentication), telemetry)
    token = _token_endpoint(parts, authentication)
    jwks = PublishedDocument({"keys": parts.keys.public_jwks()}, telemetry)
    document = PublishedDocument(metadata, telemetry)
    return [
        Route(endpoints.path("/bc-authorize"), backchannel),
        Route(endpoints.path("/token"), token),
        Route(endpoints.path("/jwks"), jwks),
        Route(endpoints.openid_configuration_path, document),
        Route(endpoints.oauth_metadata_path, document),
    ]


def _initiation(parts: Parts, authentication: ClientAuthentication) -> Initiation:
    settings, stores, surroundings = parts.settings, parts.stores, parts.surroundings
    return Initiation(
        authentication=authentication,
        replays=stores.replays,
        users=parts.users,
        prompts=stores.prompts,
        transactions=stores.transactions,
        worker=parts.worker,
        keys=parts.keys,
        policy=InitiationPolicy(
            issuer=settings.server.issuer,
            lifetime=RequestLifetime(settings.requests.default_expiry),
            floor=settings.policy.floor,
            require_otp=settings.policy.require_otp,
        ),
        new_operation=surroundings.new_operation,
        random=surroundings.random,
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )


def _token_endpoint(parts: Parts, authentication: ClientAuthentication) -> TokenEndpoint:
    surroundings, nonces = parts.surroundings, None
    if parts.settings.tokens.require_dpop_nonce:
        nonces = DpopNonces(parts.keys.ring.derive("dpop-nonces"))
    constraint = SenderConstraint(
        replays=parts.stores.replays,
        addresses=frozenset({parse_http_uri(parts.endpoints.token)}),
        nonces=nonces,
        clock=surroundings.clock,
    )
    requests = TokenRequests(
        authentication=authentication,
        constraint=constraint,
        grant_types={CIBA_GRANT_TYPE: _redemption(parts)},
        new_operation=surroundings.new_operation,
    )
    return TokenEndpoint(
        requests, nonces=nonces, clock=surroundings.clock, telemetry=surroundings.telemetry
    )


def _redemption(parts: Parts) -> Redemption:
    tokens, issuer = parts.settings.tokens, parts.settings.server.issuer
    return Redemption(
        transactions=parts.stores.transactions,
        gate=parts.gate,
        devices=parts.stores.devices,
        issuance=Issuance(
            policy=TokenPolicy(
                issuer=issuer,
                audience=tokens.audience or issuer,
                access_token_lifetime=tokens.access_token_lifetime,
                id_token_lifetime=tokens.id_token_lifetime,
                access_token_alg=SignatureAlgorithm(tokens.access_token_alg),
            ),
            keys=parts.keys,
            random=parts.surroundings.random,
        ),
        clock=parts.surroundings.clock,
        telemetry=parts.surroundings.telemetry,
    )
