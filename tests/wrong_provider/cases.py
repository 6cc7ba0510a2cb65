"""Which check is meant for which fault, and what it says of it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from ciba_client import TokenDeliveryMode
from ciba_client.conformance.profile import Profile
from tests.wrong_provider.faults import Fault

__all__ = [
    "Case",
    "Certificate",
    "Registration",
    "accepted",
    "by_certificate",
    "certified",
    "coded",
    "core",
    "fapi1",
    "noncing",
    "ping",
    "push",
    "rsa",
    "warns",
]


class Certificate(StrEnum):
    """What the clients' certificates are good for."""

    NONE = "none"
    BINDS = "binds"
    AUTHENTICATES = "authenticates"


@dataclass(frozen=True)
class Registration:
    """How the two clients of the runner are registered; ``coded`` ones must give a user code.

    ``nonces_at``: the paths at which their proofs must have a nonce. ``differently``: the provider
    uses the liberties that it has.
    """

    profile: Profile = Profile.FAPI2_CIBA
    mode: TokenDeliveryMode = TokenDeliveryMode.POLL
    certificate: Certificate = Certificate.NONE
    coded: bool = False
    signs: bool = True
    alg: str = "ES256"
    nonces_at: tuple[str, ...] = ()
    differently: bool = False


@dataclass(frozen=True)
class Case:
    """A check that must find a fault; ``says`` is part of what it expected and what it saw.

    ``warns``: what it finds is only worth a warning.
    """

    fault: Fault
    check: str
    says: str
    registration: Registration = Registration()
    warns: bool = False

    def __str__(self) -> str:
        return f"{self.fault}-{self.check}"


def accepted(fault: Fault, check: str) -> Case:
    """A request that ought to be refused was let through."""
    return Case(fault, check, "the request was accepted")


def warns(case: Case) -> Case:
    """The same for something that is merely unwise."""
    return replace(case, warns=True)


def core(case: Case) -> Case:
    """The same for a client of CIBA Core."""
    return _registered(case, profile=Profile.CIBA_CORE)


def fapi1(case: Case) -> Case:
    """The same for a client of FAPI-CIBA."""
    return _registered(case, profile=Profile.FAPI_CIBA)


def ping(case: Case) -> Case:
    """The same for a client that is pinged."""
    return _registered(case, mode=TokenDeliveryMode.PING)


def push(case: Case) -> Case:
    """The same for a client of CIBA Core to which tokens are pushed."""
    return core(_registered(case, mode=TokenDeliveryMode.PUSH))


def certified(case: Case) -> Case:
    """The same for a client of FAPI-CIBA whose tokens are bound to its certificate."""
    return fapi1(_registered(case, certificate=Certificate.BINDS))


def by_certificate(case: Case) -> Case:
    """The same for a client of FAPI-CIBA whose certificate is its authentication."""
    return fapi1(_registered(case, certificate=Certificate.AUTHENTICATES))


def rsa(case: Case) -> Case:
    """The same for a client with an RSA key."""
    return _registered(case, alg="PS256")


def noncing(case: Case) -> Case:
    """The same where proofs must have a nonce."""
    return _registered(case, nonces_at=("/token", "/userinfo"))


def coded(case: Case) -> Case:
    """The same for a client that must give a user code."""
    return _registered(case, coded=True)


def _registered(case: Case, **changed: object) -> Case:
    return replace(case, registration=replace(case.registration, **changed))  # type: ignore[arg-type]
