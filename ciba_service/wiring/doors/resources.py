"""Where access tokens are used: userinfo, and the demo resource if there is to be one."""

from typing import Final

from starlette.routing import Route

from ciba_service.endpoints.oauth.userinfo import UserinfoEndpoint
from ciba_service.endpoints.protected import ProtectedSurroundings
from ciba_service.endpoints.resource.accounts import AccountsEndpoint
from ciba_service.endpoints.resource.payments import PaymentsEndpoint
from ciba_service.flow.clients.dpop_proofs import DpopProofs
from ciba_service.flow.tokens.account_information import AccountInformation
from ciba_service.flow.tokens.live_tokens import LiveTokens
from ciba_service.flow.tokens.payment_execution import PaymentExecution
from ciba_service.flow.tokens.resource_access import ResourceAccess, ResourcePolicy
from ciba_service.flow.tokens.userinfo import Userinfo
from ciba_service.protocol.tokens.dpop.http_uri import parse_http_uri
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces
from ciba_service.protocol.transaction.gate import Step
from ciba_service.wiring.doors.issuing import default_audience
from ciba_service.wiring.parts import Parts

__all__ = ["dpop_proofs", "resource_routes"]

_USERINFO: Final = "/userinfo"
_RESOURCE: Final = "/resource"
_ACCOUNTS: Final = "/resource/accounts"
_PAYMENTS: Final = "/resource/payments"


def resource_routes(parts: Parts, tokens: LiveTokens, nonces: DpopNonces | None) -> list[Route]:
    """Everything that takes an access token."""
    surroundings = ProtectedSurroundings(
        nonces, parts.surroundings.clock, parts.surroundings.random, parts.surroundings.telemetry
    )
    access = _access(parts, tokens, nonces, path=_USERINFO, policy=_userinfo_policy(parts))
    userinfo = UserinfoEndpoint(Userinfo(access=access, users=parts.users), surroundings)
    routes = [Route(parts.endpoints.path(_USERINFO), userinfo)]
    if parts.settings.serves_resource:
        routes += _demo_routes(parts, tokens, surroundings)
    return routes


def dpop_proofs(parts: Parts, path: str, nonces: DpopNonces | None) -> DpopProofs:
    """The proofs for an address, wherever it is reached."""
    return DpopProofs(
        replays=parts.stores.replays,
        addresses=frozenset(map(parse_http_uri, parts.endpoints.urls(path))),
        nonces=nonces,
        clock=parts.surroundings.clock,
    )


def _demo_routes(
    parts: Parts, tokens: LiveTokens, surroundings: ProtectedSurroundings
) -> list[Route]:
    policy, ours = _resource_policy(parts), parts.surroundings
    information = AccountInformation(
        access=_access(parts, tokens, surroundings.nonces, path=_ACCOUNTS, policy=policy),
        scope=parts.settings.resource.accounts_scope,
        clock=ours.clock,
    )
    execution = PaymentExecution(
        access=_access(parts, tokens, surroundings.nonces, path=_PAYMENTS, policy=policy),
        payments=parts.stores.payments,
        new_operation=ours.new_operation,
        clock=ours.clock,
        telemetry=ours.telemetry,
    )
    return [
        Route(parts.endpoints.path(_ACCOUNTS), AccountsEndpoint(information, surroundings)),
        Route(parts.endpoints.path(_PAYMENTS), PaymentsEndpoint(execution, surroundings)),
    ]


def _userinfo_policy(parts: Parts) -> ResourcePolicy:
    # A client that named no resource may ask about the user, whatever the default audience is.
    audience = frozenset({default_audience(parts.settings), parts.settings.server.issuer})
    return ResourcePolicy(step=Step.USERINFO, audience=audience, takes_unbound=True)


def _resource_policy(parts: Parts) -> ResourcePolicy:
    # The demo resource stands for the API behind the default audience, and has a name of its own.
    audience = frozenset({default_audience(parts.settings), parts.endpoints.url(_RESOURCE)})
    return ResourcePolicy(
        step=Step.RESOURCE,
        audience=audience,
        takes_unbound=parts.settings.resource.unbound_tokens,
    )


def _access(
    parts: Parts,
    tokens: LiveTokens,
    nonces: DpopNonces | None,
    *,
    path: str,
    policy: ResourcePolicy,
) -> ResourceAccess:
    return ResourceAccess(
        policy=policy,
        grants=parts.stores.grants,
        clients=parts.clients,
        tokens=tokens,
        proofs=dpop_proofs(parts, path, nonces),
        events=parts.surroundings.telemetry,
        new_operation=parts.surroundings.new_operation,
    )
