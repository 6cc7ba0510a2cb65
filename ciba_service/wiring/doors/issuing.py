"""How grants come to be and get their tokens, whether those are fetched or pushed."""

from dataclasses import dataclass

from ciba_service.flow.account_gate import AccountGate
from ciba_service.flow.granting.access_index import AccessIndex
from ciba_service.flow.granting.completion import Completion
from ciba_service.flow.granting.issuance import Issuance, TokenPolicy
from ciba_service.flow.granting.token_writing import SignedTokens
from ciba_service.ports import TokenIssuer, UserDirectory
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.tokens.refresh_token import RefreshLifetime
from ciba_service.settings import Settings
from ciba_service.wiring.service_keys import ServiceKeys
from ciba_service.wiring.stores import Stores
from ciba_service.wiring.surroundings import Surroundings

__all__ = ["Issuing", "build_issuing", "default_audience"]


@dataclass(frozen=True, slots=True)
class Issuing:
    """The one instance of what issues."""

    issuance: Issuance
    index: AccessIndex
    completion: Completion
    refresh_lifetime: RefreshLifetime


def build_issuing(
    settings: Settings,
    stores: Stores,
    keys: ServiceKeys,
    surroundings: Surroundings,
    *,
    users: UserDirectory,
    gate: AccountGate,
    writing: TokenIssuer | None = None,
) -> Issuing:
    """Build it out of the settings for tokens; ``writing`` is another's way to write them."""
    tokens = settings.tokens
    lifetime = RefreshLifetime(
        idle=tokens.refresh_token_idle_lifetime, absolute=tokens.refresh_token_lifetime
    )
    policy = TokenPolicy(
        issuer=settings.server.issuer,
        audience=default_audience(settings),
        access_token_lifetime=tokens.access_token_lifetime,
        id_token_lifetime=tokens.id_token_lifetime,
        access_token_alg=SignatureAlgorithm(tokens.access_token_alg),
        access_token_format=tokens.access_token_format,
        refresh_lifetime=lifetime,
        demands_dpop_nonces=tokens.require_dpop_nonce,
    )
    own = SignedTokens(policy=policy, keys=keys, random=surroundings.random)
    issuance = Issuance(
        policy=policy, users=users, tokens=writing or own, random=surroundings.random
    )
    index = AccessIndex(
        accesses=stores.accesses,
        grants=stores.grants,
        lifetime=lifetime,
        telemetry=surroundings.telemetry,
    )
    completion = Completion(
        transactions=stores.transactions,
        gate=gate,
        issuance=issuance,
        index=index,
        standing=stores.standing,
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )
    return Issuing(issuance, index, completion, lifetime)


def default_audience(settings: Settings) -> str:
    """Whom access tokens are for when the client named no resource (RFC 9068 3)."""
    return settings.tokens.audience or settings.server.issuer
