"""Where tokens are issued, told about and ended: token, introspection, revocation."""

from typing import Final

from starlette.routing import Route

from ciba_service.endpoints.oauth.introspection import IntrospectionEndpoint
from ciba_service.endpoints.oauth.nonce_header import NonceHeader
from ciba_service.endpoints.oauth.revocation import RevocationEndpoint
from ciba_service.endpoints.oauth.token import TokenEndpoint
from ciba_service.flow.clients.client_authentication import ClientAuthentication
from ciba_service.flow.clients.sender_constraint import SenderConstraint
from ciba_service.flow.granting.grant_redemption import GrantRedemption
from ciba_service.flow.granting.polls import Polls
from ciba_service.flow.granting.redemption import Redemption
from ciba_service.flow.granting.refresh import Refresh
from ciba_service.flow.granting.token_request import TokenRequests
from ciba_service.flow.tokens.introspection import Introspection
from ciba_service.flow.tokens.live_tokens import LiveTokens
from ciba_service.flow.tokens.revocation import Revocation
from ciba_service.flow.tokens.token_queries import TokenQueries
from ciba_service.protocol.names import CIBA_GRANT_TYPE, REFRESH_TOKEN_GRANT_TYPE
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces
from ciba_service.wiring.doors.resources import dpop_proofs, resource_routes
from ciba_service.wiring.parts import Parts

__all__ = ["dpop_nonces", "grant_redemption", "sender_constraint", "token_routes"]

_ENDPOINT: Final = "/token"


def token_routes(parts: Parts, authentication: ClientAuthentication) -> list[Route]:
    """Everything about tokens; DPoP nonces are the same everywhere."""
    endpoints, telemetry = parts.endpoints, parts.surroundings.telemetry
    tokens = LiveTokens(gate=parts.gate, clock=parts.surroundings.clock)
    queries = TokenQueries(
        authentication=authentication,
        grants=parts.stores.grants,
        new_operation=parts.surroundings.new_operation,
    )
    nonces = dpop_nonces(parts)
    introspection = Introspection(
        queries=queries,
        tokens=tokens,
        subjects=parts.subjects,
        keys=parts.keys,
        issuer=endpoints.issuer,
        clock=parts.surroundings.clock,
    )
    revocation = Revocation(
        queries=queries,
        grants=parts.stores.grants,
        index=parts.issuing.index,
        clock=parts.surroundings.clock,
        telemetry=telemetry,
    )
    return [
        Route(endpoints.path(_ENDPOINT), _token_endpoint(parts, authentication)),
        Route(endpoints.path("/introspect"), IntrospectionEndpoint(introspection, telemetry)),
        Route(endpoints.path("/revoke"), RevocationEndpoint(revocation, telemetry)),
        *resource_routes(parts, tokens, nonces),
    ]


def dpop_nonces(parts: Parts) -> DpopNonces | None:
    """Those that proofs must have; None where none are demanded."""
    if not parts.settings.tokens.require_dpop_nonce:
        return None
    return DpopNonces(parts.keys.ring.derive("dpop-nonces"))


def sender_constraint(parts: Parts, path: str) -> SenderConstraint:
    """What tokens are bound to by requests for an address."""
    proofs = dpop_proofs(parts, path, dpop_nonces(parts))
    return SenderConstraint(
        proofs=proofs, clock=parts.surroundings.clock, events=parts.surroundings.telemetry
    )


def _token_endpoint(parts: Parts, authentication: ClientAuthentication) -> TokenEndpoint:
    surroundings = parts.surroundings
    requests = TokenRequests(
        authentication=authentication,
        constraint=sender_constraint(parts, _ENDPOINT),
        grant_types={
            CIBA_GRANT_TYPE: _redemption(parts),
            REFRESH_TOKEN_GRANT_TYPE: _refresh(parts),
        },
        new_operation=surroundings.new_operation,
    )
    nonce = NonceHeader(dpop_nonces(parts), surroundings.clock)
    return TokenEndpoint(requests, nonce=nonce, telemetry=surroundings.telemetry)


def _redemption(parts: Parts) -> Redemption:
    return Redemption(polls=_polls(parts), completion=parts.issuing.completion)


def grant_redemption(parts: Parts) -> GrantRedemption:
    """For those who mint tokens of their own."""
    return GrantRedemption(
        polls=_polls(parts),
        completion=parts.issuing.completion,
        grants=parts.stores.grants,
        new_operation=parts.surroundings.new_operation,
    )


def _polls(parts: Parts) -> Polls:
    return Polls(
        transactions=parts.stores.transactions,
        held=parts.held,
        clock=parts.surroundings.clock,
        events=parts.surroundings.telemetry,
    )


def _refresh(parts: Parts) -> Refresh:
    return Refresh(
        grants=parts.stores.grants,
        gate=parts.gate,
        issuance=parts.issuing.issuance,
        index=parts.issuing.index,
        standing=parts.stores.standing,
        lifetime=parts.issuing.refresh_lifetime,
        clock=parts.surroundings.clock,
        telemetry=parts.surroundings.telemetry,
    )
