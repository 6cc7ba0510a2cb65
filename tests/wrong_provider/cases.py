"""Which check is meant for which fault, and what it says of it."""

from dataclasses import dataclass, replace

from ciba_client import TokenDeliveryMode
from ciba_client.conformance.profile import Profile
from tests.wrong_provider.faults import Fault

__all__ = ["Case", "accepted", "certified", "coded", "core", "fapi1", "ping", "push", "warns"]


@dataclass(frozen=True)
class Case:
    """A check that must find a fault; ``says`` is part of what it expected and what it saw.

    ``warns``: what it finds is only worth a warning. ``profile`` and ``mode`` are those of the
    client that it runs with; ``certified`` has a certificate, ``coded`` needs a user code.
    """

    fault: Fault
    check: str
    says: str
    profile: Profile = Profile.FAPI2_CIBA
    mode: TokenDeliveryMode = TokenDeliveryMode.POLL
    warns: bool = False
    certified: bool = False
    coded: bool = False

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
    return replace(case, profile=Profile.CIBA_CORE)


def fapi1(case: Case) -> Case:
    """The same for a client of FAPI-CIBA."""
    return replace(case, profile=Profile.FAPI_CIBA)


def ping(case: Case) -> Case:
    """The same for a client that is pinged."""
    return replace(case, mode=TokenDeliveryMode.PING)


def push(case: Case) -> Case:
    """The same for a client of CIBA Core to which tokens are pushed."""
    return core(replace(case, mode=TokenDeliveryMode.PUSH))


def certified(case: Case) -> Case:
    """The same for a client of FAPI-CIBA with a certificate."""
    return fapi1(replace(case, certified=True))


def coded(case: Case) -> Case:
    """The same for a client that must give a user code."""
    return replace(case, coded=True)
