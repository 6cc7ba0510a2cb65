"""The report of a run: all that there is to tell, with secrets shortened. Its form is versioned."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec

from ciba_client.conformance.check import Outcome, Result, Severity
from ciba_client.conformance.checks.registry import MODULE_PREFIX
from ciba_client.conformance.plan import Plan
from ciba_client.conformance.reports.clauses import Clause, clauses
from ciba_client.conformance.reports.redaction import Redaction
from ciba_client.sdk.provider.exchange import Exchange

__all__ = [
    "FORMAT",
    "Report",
    "ReportedCheck",
    "ReportedExchange",
    "Reporting",
    "counted",
    "module_name",
]

FORMAT: Final = 1
_MAIN_MODULE: Final = "fapi-ciba-id1"
_TOLD: Final = frozenset({Outcome.FAILED, Outcome.WARNED, Outcome.ERROR})


class ReportedExchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request and its answer; ``failure`` says why there was none."""

    method: str
    url: str
    request_headers: list[tuple[str, str]]
    request_body: str
    seconds: float
    status: int | None = None
    response_headers: list[tuple[str, str]] = []
    response_body: str = ""
    failure: str | None = None


class ReportedCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a check ended; its exchanges are there where it did not end well."""

    id: str
    title: str
    outcome: Outcome
    severity: Severity
    seconds: float
    requirements: list[Clause]
    certification_modules: list[str]
    expected: str | None = None
    seen: str | None = None
    reason: str | None = None
    exchanges: list[ReportedExchange] = []


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run; ``started_at`` is in UTC, ``totals`` count outcomes."""

    format: int
    issuer: str
    client_id: str
    profile: str
    mode: str
    started_at: str
    seconds: float
    totals: dict[str, int]
    checks: list[ReportedCheck]

    @property
    def is_clean(self) -> bool:
        """Whether nothing failed, and everything could be judged."""
        return not (self.totals["failed"] or self.totals["error"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """How a report is made; ``all_exchanges`` adds those of checks that passed."""

    redaction: Redaction = field(default_factory=Redaction)
    all_exchanges: bool = False

    def report(
        self, plan: Plan, results: Sequence[Result], *, started_at: float, seconds: float
    ) -> Report:
        """Tell of these results."""
        began = datetime.fromtimestamp(started_at, UTC)
        return Report(
            format=FORMAT,
            issuer=plan.issuer,
            client_id=plan.client.client_id,
            profile=str(plan.profile),
            mode=str(plan.mode),
            started_at=began.isoformat(timespec="seconds").replace("+00:00", "Z"),
            seconds=round(seconds, 1),
            totals=counted(each.outcome for each in results),
            checks=[self._check(each) for each in results],
        )

    def _check(self, result: Result) -> ReportedCheck:
        check, known = result.check, clauses()
        told = self.all_exchanges or result.outcome in _TOLD
        return ReportedCheck(
            id=check.id,
            title=check.title,
            outcome=result.outcome,
            severity=check.severity,
            seconds=round(result.seconds, 3),
            requirements=[known[each] for each in check.requirements],
            certification_modules=[module_name(each) for each in check.modules],
            expected=result.expected,
            seen=result.seen,
            reason=result.reason,
            exchanges=[self._exchange(each) for each in result.exchanges] if told else [],
        )

    def _exchange(self, exchange: Exchange) -> ReportedExchange:
        redacted = self.redaction
        return ReportedExchange(
            method=exchange.method,
            url=redacted.url(exchange.url),
            request_headers=redacted.headers(exchange.request_headers),
            request_body=redacted.body(exchange.request_body),
            seconds=round(exchange.seconds, 3),
            status=exchange.status,
            response_headers=redacted.headers(exchange.response_headers),
            response_body=redacted.body(exchange.response_body),
            failure=exchange.failure,
        )


def counted(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How often each outcome is there, none left out."""
    counts = Counter(outcomes)
    return {str(each): counts[each] for each in Outcome}


def module_name(module: str) -> str:
    """A module of the certification plan by its full name."""
    return module if module == _MAIN_MODULE else MODULE_PREFIX + module
