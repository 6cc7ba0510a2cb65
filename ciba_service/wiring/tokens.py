"""Where tokens are issued, told about and ended: token, introspection, revocation."""

from starlette.routing import Route

from ciba_service.endpoints.oauth.introspection import IntrospectionEndpoint
from ciba_service.endpoints.oauth.revocation import RevocationEndpoint
from ciba_service.endpoints.oauth.token import TokenEndpoint
from ciba_service.flow.access_index import AccessIndex
from ciba_service.flow.client_authentication import ClientAuthentication
from ciba_service.flow.introspection import Introspection
from ciba_service.flow.issuance import Issuance, TokenPolicy
from ciba_service.flow.live_tokens import LiveTokens
from ciba_service.flow.redemption import Redemption
from ciba_service.flow.refresh import Refresh
from ciba_service.flow.revocation import Revocation
from ciba_service.flow.sender_constraint import SenderConstraint
from ciba_service.flow.token_queries import TokenQueries
from ciba_service.flow.token_request import TokenRequests
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.names import CIBA_GRANT_TYPE, REFRESH_TOKEN_GRANT_TYPE
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces
from ciba_service.protocol.tokens.refresh_token import RefreshLifetime
from ciba_service.wiring.parts import Parts
from ciba_service.wiring.resources import default_audience, dpop_proofs, resource_routes

__all__ = ["token_routes"]


def token_routes(parts: Parts, authentication: ClientAuthentication) -> list[Route]:
    """Everything about tokens; DPoP nonces are the same everywhere."""
    endpoints, telemetry = parts.endpoints, parts.surroundings.telemetry
    tokens = LiveTokens(gate=parts.gate, clock=parts.surroundings.clock)
    queries = TokenQueries(
        authentication=authentication,
        grants=parts.stores.grants,
        new_operation=parts.surroundings.new_operation,
    )
    nonces = _nonces(parts)
    introspection = Introspection(
        queries=queries,
        tokens=tokens,
        keys=parts.keys,
        issuer=endpoints.issuer,
        clock=parts.surroundings.clock,
    )
    index = _access_index(parts)
    revocation = Revocation(
        queries=queries,
        grants=parts.stores.grants,
        index=index,
        clock=parts.surroundings.clock,
        telemetry=telemetry,
    )
    return [
        Route(endpoints.path("/token"), _token_endpoint(parts, authentication, nonces, index)),
        Route(endpoints.path("/introspect"), IntrospectionEndpoint(introspection, telemetry)),
        Route(endpoints.path("/revoke"), RevocationEndpoint(revocation, telemetry)),
        *resource_routes(parts, tokens, nonces),
    ]


def _nonces(parts: Parts) -> DpopNonces | None:
    if not parts.settings.tokens.require_dpop_nonce:
        return None
    return DpopNonces(parts.keys.ring.derive("dpop-nonces"))


def _token_endpoint(
    parts: Parts,
    authentication: ClientAuthentication,
    nonces: DpopNonces | None,
    index: AccessIndex,
) -> TokenEndpoint:
    surroundings, issuance = parts.surroundings, _issuance(parts)
    requests = TokenRequests(
        authentication=authentication,
        constraint=SenderConstraint(
            proofs=dpop_proofs(parts, "/token", nonces), clock=surroundings.clock
        ),
        grant_types={
            CIBA_GRANT_TYPE: _redemption(parts, issuance, index),
            REFRESH_TOKEN_GRANT_TYPE: _refresh(parts, issuance, index),
        },
        new_operation=surroundings.new_operation,
    )
    return TokenEndpoint(
        requests, nonces=nonces, clock=surroundings.clock, telemetry=surroundings.telemetry
    )


def _redemption(parts: Parts, issuance: Issuance, index: AccessIndex) -> Redemption:
    return Redemption(
        transactions=parts.stores.transactions,
        gate=parts.gate,
        issuance=issuance,
        index=index,
        held=parts.held,
        clock=parts.surroundings.clock,
        telemetry=parts.surroundings.telemetry,
    )


def _refresh(parts: Parts, issuance: Issuance, index: AccessIndex) -> Refresh:
    return Refresh(
        grants=parts.stores.grants,
        gate=parts.gate,
        issuance=issuance,
        index=index,
        lifetime=_refresh_lifetime(parts),
        clock=parts.surroundings.clock,
        telemetry=parts.surroundings.telemetry,
    )


def _access_index(parts: Parts) -> AccessIndex:
    return AccessIndex(
        accesses=parts.stores.accesses,
        grants=parts.stores.grants,
        lifetime=_refresh_lifetime(parts),
        telemetry=parts.surroundings.telemetry,
    )


def _refresh_lifetime(parts: Parts) -> RefreshLifetime:
    tokens = parts.settings.tokens
    return RefreshLifetime(
        idle=tokens.refresh_token_idle_lifetime, absolute=tokens.refresh_token_lifetime
    )


def _issuance(parts: Parts) -> Issuance:
    tokens, issuer = parts.settings.tokens, parts.settings.server.issuer
    return Issuance(
        policy=TokenPolicy(
            issuer=issuer,
            audience=default_audience(parts),
            access_token_lifetime=tokens.access_token_lifetime,
            id_token_lifetime=tokens.id_token_lifetime,
            access_token_alg=SignatureAlgorithm(tokens.access_token_alg),
            access_token_format=tokens.access_token_format,
            refresh_lifetime=_refresh_lifetime(parts),
            demands_dpop_nonces=tokens.require_dpop_nonce,
        ),
        users=parts.users,
        keys=parts.keys,
        random=parts.surroundings.random,
    )
