"""The door of token endpoints elsewhere: the grant API, on a listener of its own or not."""

from typing import Final

from starlette.routing import Route, Router
from starlette.types import ASGIApp

from ciba_service.endpoints.grants import CancelGrantEndpoint, RedeemEndpoint
from ciba_service.endpoints.not_found import NotFound
from ciba_service.endpoints.outermost import Outermost
from ciba_service.endpoints.request_log import EndpointNames, ObservedRequests
from ciba_service.flow.clients.token_endpoint_parties import TokenEndpointParties
from ciba_service.flow.granting.grant_answers import GrantAnswers
from ciba_service.wiring.doors.tokens import grant_redemption
from ciba_service.wiring.parts import Parts
from ciba_service.wiring.running.admission import build_admission

__all__ = ["grant_answers", "grant_app", "grant_routes"]

_REDEEM: Final = "/grants/ciba/redeem"
_CANCEL: Final = "/grants/ciba/cancel"


def grant_answers(parts: Parts) -> GrantAnswers:
    """What token endpoints elsewhere may ask, over HTTP or in this process."""
    surroundings = parts.surroundings
    return GrantAnswers(
        redemption=grant_redemption(parts),
        clients=parts.clients,
        transactions=parts.stores.transactions,
        cancelling=parts.cancelling,
        new_operation=surroundings.new_operation,
        clock=surroundings.clock,
        events=surroundings.telemetry,
    )


def grant_routes(parts: Parts) -> list[Route]:
    """Two endpoints, or none where nobody may ask."""
    surroundings, endpoints = parts.surroundings, parts.endpoints
    if not parts.settings.token_endpoints:
        return []
    parties = TokenEndpointParties(
        [endpoint.party() for endpoint in parts.settings.token_endpoints],
        clock=surroundings.clock,
        events=surroundings.telemetry,
    )
    told = (grant_answers(parts), parties, surroundings.telemetry)
    return [
        Route(endpoints.path(_REDEEM), RedeemEndpoint(*told)),
        Route(endpoints.path(_CANCEL), CancelGrantEndpoint(*told)),
    ]


def grant_app(parts: Parts) -> ASGIApp:
    """The application of the listener of its own, with places and guards as the ordinary one."""
    routes, endpoints = grant_routes(parts), parts.endpoints
    telemetry = parts.surroundings.telemetry
    observed = ObservedRequests(
        Outermost(Router(routes, redirect_slashes=False, default=NotFound(telemetry)), telemetry),
        names=EndpointNames(routes, below=endpoints.path("")),
        telemetry=parts.log,
        meter=parts.measuring.requests,
    )
    return build_admission(observed, parts.admission, parts.settings, endpoints)
