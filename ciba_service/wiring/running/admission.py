"""Who is let in: places, the addresses whose turn it is, and those that have failed too often."""

from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp

from ciba_service.listening.admission.addresses import Addresses
from ciba_service.listening.admission.failures import FailureGuard
from ciba_service.listening.admission.gate import Gate, GateBounds
from ciba_service.listening.admission.layer import Admission
from ciba_service.listening.admission.strangers import Strangers
from ciba_service.ports import Telemetry
from ciba_service.protocol.admission.failures import FailureBuckets
from ciba_service.protocol.client.certificates.proxies import TrustedProxies
from ciba_service.protocol.metadata import Endpoints
from ciba_service.sca.messages import DevicePath
from ciba_service.settings import LimitSettings, Settings
from ciba_service.wiring.running.measuring import Measuring

__all__ = ["HEALTH_PATHS", "LIVE_PATH", "READY_PATH", "build_admission", "build_gate"]

LIVE_PATH: Final = "/healthz"
READY_PATH: Final = "/readyz"
# What watches the service is answered however crowded it is.
HEALTH_PATHS: Final = frozenset({LIVE_PATH, READY_PATH})
# Where whoever asks authenticates, but for polls, which are never told 429.
_AUTHENTICATED: Final = (
    "/bc-authorize",
    "/bc-authorize/cancel",
    "/bc-authorize/events",
    "/bc-authorize/receipt",
    "/introspect",
    "/revoke",
    "/register",
    "/grants/ciba/redeem",
    "/grants/ciba/cancel",
)
_POLLED: Final = "/token"


def build_gate(settings: Settings, log: Telemetry, measuring: Measuring) -> Gate:
    """Places for requests; what it tells is of no request."""
    server = settings.server
    bounds = GateBounds(
        requests=server.max_requests,
        waiting=server.max_waiting_requests,
        wait_seconds=server.request_wait_ms / 1000,
    )
    return Gate(bounds, log, on_shed=measuring.shed, on_lag=measuring.lag)


def build_admission(
    app: ASGIApp, gate: Gate, settings: Settings, endpoints: Endpoints
) -> Admission:
    """The outermost layer around the application."""
    return Admission(
        app,
        gate,
        open_paths=HEALTH_PATHS,
        addresses=Addresses(
            TrustedProxies.parse(settings.mtls.proxies), settings.server.address_header
        ),
        guards=_guards(settings.limits, gate, endpoints),
        strangers=Strangers(settings.server.sockets),
    )


def _guards(limits: LimitSettings, gate: Gate, endpoints: Endpoints) -> dict[str, FailureGuard]:
    window = float(limits.failed_authentications_window)
    clients = FailureBuckets(limits.failed_authentications, window)
    phones = FailureBuckets(limits.failed_enrolments, float(limits.failed_enrolments_window))
    unauthorized, known = HTTPStatus.UNAUTHORIZED, gate.shares.knows
    asking = FailureGuard(clients, unauthorized, is_excused=known)
    return {
        **{endpoints.path(path): asking for path in _AUTHENTICATED},
        endpoints.path(_POLLED): FailureGuard(clients, unauthorized, refuses=False),
        endpoints.path(DevicePath.ENROLMENTS): FailureGuard(phones, HTTPStatus.BAD_REQUEST),
    }
