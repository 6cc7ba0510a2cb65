"""Runs checks: each on a stage of its own, several at once where they mostly wait."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, assert_never

from ciba_client.conformance.answer import Answer
from ciba_client.conformance.check import (
    Check,
    NotApplicable,
    Outcome,
    Result,
    Severity,
    Suspicion,
    Violation,
)
from ciba_client.conformance.parties.approver import Approver
from ciba_client.conformance.parties.client import ScriptedClient
from ciba_client.conformance.parties.desk import Desk
from ciba_client.conformance.parties.doors import Doors
from ciba_client.conformance.parties.wire import NoAnswer, Wire
from ciba_client.conformance.plan import Plan, PlannedClient
from ciba_client.conformance.provider import Provider, parse_provider
from ciba_client.conformance.stage import Stage
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.dpop.nonces import DpopNonces
from ciba_client.sdk.provider.addresses import discovery_address
from ciba_client.sdk.provider.exchange import Exchange

__all__ = ["Observer", "Run"]

_DISCOVERY: Final = "discovery-document"
_NO_PROVIDER: Final = "the provider's metadata could not be used"


class Observer(Protocol):
    """Hears how a run gets on; it must neither wait nor raise."""

    def began(self, check: Check) -> None:
        """A check has begun."""
        ...

    def waits(self, check: Check, seconds: float, why: str) -> None:
        """It waits for so long at most."""
        ...

    def ended(self, result: Result) -> None:
        """It is over."""
        ...


@dataclass(frozen=True, slots=True)
class _Introduction:
    """The provider and what it was known by."""

    provider: Provider
    discovery: Answer
    jwks: Answer
    exchanges: tuple[Exchange, ...]


class _Unknown(Exception):
    """The provider did not introduce itself; what was tried, and how that ended."""

    def __init__(self, ending: "_Ending", exchanges: Sequence[Exchange]) -> None:
        super().__init__(ending.reason or ending.seen)
        self.ending = ending
        self.exchanges = tuple(exchanges)


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a check ended."""

    outcome: Outcome
    expected: str | None = None
    seen: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run against the provider of a plan."""

    plan: Plan
    doors: Doors
    clock: Clock
    observer: Observer
    approver: Approver | None = None
    desk: Desk | None = None

    async def results(self, checks: Sequence[Check]) -> tuple[Result, ...]:
        """Run these; the results are in their order."""
        try:
            introduced = await self._introduced()
        except _Unknown as unknown:
            return tuple(self._of_unknown(check, unknown) for check in checks)
        turns, nonces = asyncio.Semaphore(self.plan.time.parallel), DpopNonces()

        async def in_turn(check: Check) -> Result:
            async with turns:
                return await self._result(check, introduced, nonces)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(check)) for check in checks]
        return tuple(task.result() for task in tasks)

    async def _introduced(self) -> _Introduction:
        wire = Wire(self.clock, self.plan.time.request)
        try:
            address = discovery_address(self.plan.issuer)
            discovery = await wire.send(self.doors.anonymous, "GET", address)
            provider = parse_provider(discovery, self.plan.issuer)
            jwks = await wire.send(self.doors.anonymous, "GET", provider.endpoint("jwks_uri"))
        except (Violation, NoAnswer) as error:
            raise _Unknown(_ending(error, Severity.FAILURE), wire.exchanges) from error
        return _Introduction(provider, discovery, jwks, tuple(wire.exchanges))

    def _of_unknown(self, check: Check, unknown: _Unknown) -> Result:
        """The check of discovery tells of it; no other could begin."""
        ending, exchanges = unknown.ending, unknown.exchanges
        if check.id != _DISCOVERY:
            ending, exchanges = _Ending(Outcome.SKIPPED, reason=_NO_PROVIDER), ()
        result = _result(check, ending, 0.0, exchanges)
        self.observer.ended(result)
        return result

    async def _result(self, check: Check, introduced: _Introduction, nonces: DpopNonces) -> Result:
        stage = self._stage(check, introduced, nonces)
        self.observer.began(check)
        began = self.clock.monotonic()
        try:
            await check.run(stage)
            ending = _Ending(Outcome.PASSED)
        except (Violation, NotApplicable, NoAnswer) as error:
            ending = _ending(error, check.severity)
        exchanges = tuple(stage.wire.exchanges) or introduced.exchanges
        seconds = self.clock.monotonic() - began
        await stage.clear()
        result = _result(check, ending, seconds, exchanges)
        self.observer.ended(result)
        return result

    def _stage(self, check: Check, introduced: _Introduction, nonces: DpopNonces) -> Stage:
        wire, plan = Wire(self.clock, self.plan.time.request), self.plan

        def client(planned: PlannedClient) -> ScriptedClient:
            return ScriptedClient(
                planned=planned,
                asked=plan.request,
                mode=plan.mode,
                provider=introduced.provider,
                wire=wire,
                http=self.doors.of(planned),
                clock=self.clock,
                nonces=nonces,
            )

        return Stage(
            plan=plan,
            provider=introduced.provider,
            client=client(plan.client),
            second=None if plan.second_client is None else client(plan.second_client),
            wire=wire,
            clock=self.clock,
            discovery=introduced.discovery,
            jwks=introduced.jwks,
            anonymous=self.doors.anonymous,
            approver=self.approver,
            desk=self.desk,
            waiting=partial(self.observer.waits, check),
        )


def _ending(error: Violation | NotApplicable | NoAnswer, severity: Severity) -> _Ending:
    match error:
        case NotApplicable():
            return _Ending(Outcome.SKIPPED, reason=str(error))
        case NoAnswer():
            return _Ending(Outcome.ERROR, reason=str(error))
        case Violation():
            mild = severity is Severity.WARNING or isinstance(error, Suspicion)
            outcome = Outcome.WARNED if mild else Outcome.FAILED
            return _Ending(outcome, expected=error.expected, seen=error.seen)
        case _:
            assert_never(error)


def _result(
    check: Check, ending: _Ending, seconds: float, exchanges: tuple[Exchange, ...]
) -> Result:
    return Result(
        check=check,
        outcome=ending.outcome,
        seconds=seconds,
        expected=ending.expected,
        seen=ending.seen,
        reason=ending.reason,
        exchanges=exchanges,
    )
