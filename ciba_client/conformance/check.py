"""What a check is, and the ways in which one can end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ciba_client.conformance.profile import Profile
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.provider.exchange import Exchange

if TYPE_CHECKING:
    from ciba_client.conformance.stage import Stage

__all__ = [
    "EVERY_MODE",
    "FETCHED",
    "NOTIFIED",
    "Check",
    "CheckRun",
    "NotApplicable",
    "Outcome",
    "Result",
    "Severity",
    "Suspicion",
    "Violation",
]

CheckRun = Callable[["Stage"], Awaitable[None]]

EVERY_MODE = frozenset(TokenDeliveryMode)
FETCHED = frozenset({TokenDeliveryMode.POLL, TokenDeliveryMode.PING})
"""The modes in which tokens are fetched at the token endpoint."""
NOTIFIED = frozenset({TokenDeliveryMode.PING, TokenDeliveryMode.PUSH})


class Severity(StrEnum):
    """What a violation counts for: a MUST, or something that is merely wise."""

    FAILURE = "failure"
    WARNING = "warning"


class Outcome(StrEnum):
    """How a check ended; ``error`` means that nothing was learnt about the provider."""

    PASSED = "passed"
    FAILED = "failed"
    WARNED = "warned"
    SKIPPED = "skipped"
    ERROR = "error"


class Violation(Exception):
    """The provider did what it must not: ``expected`` and what was ``seen`` instead."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}, but {seen}")
        self.expected = expected
        self.seen = seen


class Suspicion(Violation):
    """Allowed, but not what it ought to be: a warning whatever the check's severity."""


class NotApplicable(Exception):
    """The check has nothing to look at here; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One test of a provider.

    ``requirements`` are the ids of what it tests. ``modules`` are those of the public FAPI-CIBA
    certification plan that cover the same ground, without the prefix they share. It runs for
    clients of these ``profiles`` and ``modes``.
    """

    id: str
    title: str
    run: CheckRun = field(repr=False)
    requirements: tuple[str, ...]
    modules: tuple[str, ...] = ()
    profiles: frozenset[Profile] = frozenset(Profile)
    modes: frozenset[TokenDeliveryMode] = EVERY_MODE
    severity: Severity = Severity.FAILURE


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one check ended, and everything that was sent for it.

    ``expected`` and ``seen`` are there for what failed or warned; ``reason`` for what was skipped
    or went wrong.
    """

    check: Check
    outcome: Outcome
    seconds: float
    expected: str | None = None
    seen: str | None = None
    reason: str | None = None
    exchanges: tuple[Exchange, ...] = field(default=(), repr=False)
