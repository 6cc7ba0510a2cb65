"""Runs: how checks end, what is said of a provider that is not there, and what is cleared."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import httpx2
import pytest

from ciba_client.conformance.check import (
    Check,
    NotApplicable,
    Outcome,
    Severity,
    Suspicion,
    Violation,
)
from ciba_client.conformance.checks.registry import CHECKS
from ciba_client.conformance.parties.approver import AutomationUrl, Decision
from ciba_client.conformance.parties.doors import Doors
from ciba_client.conformance.parties.wire import NoAnswer, Wire
from ciba_client.conformance.plan import Plan
from ciba_client.conformance.plan_file import ApprovalSection, Cleanup, TimeSection
from ciba_client.conformance.run import Run
from ciba_client.conformance.stage import Stage
from ciba_client.sdk.clock import SystemClock
from tests.client_time import ClientTime
from tests.conformance_runner.our_provider import Watcher
from tests.conformance_runner.sample_report import plan
from tests.fake_clock import FakeClock

ISSUER = "https://op.example"
METADATA = {
    "issuer": ISSUER,
    "token_endpoint": f"{ISSUER}/token",
    "backchannel_authentication_endpoint": f"{ISSUER}/bc",
    "jwks_uri": f"{ISSUER}/jwks",
}
Handler = Callable[[httpx2.Request], httpx2.Response]


@dataclass
class Approvals:
    """Writes down what it is told to decide."""

    told: list[tuple[str, Decision]] = field(default_factory=list)

    async def decide(self, auth_req_id: str, decision: Decision, wire: Wire) -> None:
        """Noted."""
        del wire
        self.told.append((auth_req_id, decision))


@dataclass
class Small:
    """A provider that acknowledges everything, and the requests that it got."""

    discovery: httpx2.Response = field(default_factory=lambda: httpx2.Response(200, json=METADATA))
    requests: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        self.requests.append(request)
        match request.url.path:
            case "/.well-known/openid-configuration":
                return self.discovery
            case "/jwks":
                return httpx2.Response(200, json={"keys": []})
            case "/bc":
                body = {"auth_req_id": f"id-{len(self.requests)}", "expires_in": 60}
                return httpx2.Response(200, json=body)
            case _:
                return httpx2.Response(204)


class Wired(httpx2.AsyncBaseTransport):
    """Answers by a function, with bodies that are still to be read as from a network."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask the function."""
        answer = self.handler(request)
        if not isinstance(answer.stream, httpx2.ByteStream):
            return answer
        stream = httpx2.ByteStream(answer.content)
        return httpx2.Response(answer.status_code, headers=answer.headers, stream=stream)


def run_against(handler: Handler, given: Plan | None = None, approver: object = None) -> Run:
    """A run without a network."""
    http = httpx2.AsyncClient(transport=Wired(handler))
    return Run(
        plan=given or plan(),
        doors=Doors(http),
        clock=SystemClock(),
        observer=Watcher(),
        approver=approver,  # type: ignore[arg-type]
    )


def check(name: str, run: object, severity: Severity = Severity.FAILURE) -> Check:
    """A check of this function."""
    return Check(
        id=name,
        title=name,
        run=run,  # type: ignore[arg-type]
        requirements=("ciba-7.1-1",),
        severity=severity,
    )


def ending(error: Exception | None, severity: Severity = Severity.FAILURE) -> Check:
    """A check that ends in this way."""

    async def run(_stage: Stage) -> None:
        if error is not None:
            raise error

    return check(f"ends-{type(error).__name__}", run, severity)


@pytest.mark.parametrize(
    ("error", "severity", "outcome"),
    [
        (None, Severity.FAILURE, Outcome.PASSED),
        (Violation("a", "b"), Severity.FAILURE, Outcome.FAILED),
        (Violation("a", "b"), Severity.WARNING, Outcome.WARNED),
        (Suspicion("a", "b"), Severity.FAILURE, Outcome.WARNED),
        (NotApplicable("there is none"), Severity.FAILURE, Outcome.SKIPPED),
        (NoAnswer("no route"), Severity.FAILURE, Outcome.ERROR),
    ],
)
async def test_how_a_check_ends(error: Exception | None, severity: Severity, outcome: Outcome):
    """By what it raises, and by how grave it is."""
    (result,) = await run_against(Small()).results([ending(error, severity)])
    assert result.outcome is outcome
    assert (result.expected, result.seen) == (("a", "b") if result.expected else (None, None))


async def test_a_check_that_sent_nothing_shows_what_it_looked_at():
    """The metadata and the keys."""
    (result,) = await run_against(Small()).results([ending(Violation("a", "b"))])
    assert [each.url for each in result.exchanges][-1] == METADATA["jwks_uri"]


@pytest.mark.parametrize(
    "discovery",
    [
        httpx2.Response(404),
        httpx2.Response(200, text="hello"),
        httpx2.Response(200, json={**METADATA, "token_endpoint": 7}),
        httpx2.Response(200, json={**METADATA, "jwks_uri": "http://op.example/jwks"}),
    ],
)
async def test_a_provider_without_usable_metadata_is_not_tested(discovery: httpx2.Response):
    """One check fails and shows why; the others are skipped."""
    run = run_against(Small(discovery))
    results = await run.results(CHECKS[:5])
    first, *others = results
    assert (first.check.id, first.outcome) == ("discovery-document", Outcome.FAILED)
    assert first.exchanges
    assert {each.outcome for each in others} == {Outcome.SKIPPED}


async def test_a_provider_that_is_not_there_is_an_error():
    """Nothing was learnt about it."""

    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route", request=request)

    first, *_ = await run_against(refuse).results(CHECKS[:2])
    assert (first.outcome, first.reason) == (Outcome.ERROR, "no route")
    assert first.exchanges[0].failure == "no route"


async def begins_two(stage: Stage) -> None:
    """Leave two requests open."""
    await stage.begin()
    await stage.begin()


async def test_what_is_left_open_is_denied():
    """The later one first."""
    approvals = Approvals()
    await run_against(Small(), approver=approvals).results([check("two", begins_two)])
    assert [decision for _, decision in approvals.told] == [Decision.DENY, Decision.DENY]


async def test_what_is_left_open_is_taken_back_where_that_can_be_done():
    """By a POST with client authentication, and the user is not asked."""
    approvals, provider = Approvals(), Small()
    given = replace(plan(), approval=ApprovalSection(cancel_url=f"{ISSUER}/cancel"))
    await run_against(provider, given, approvals).results([check("two", begins_two)])
    taken_back = [each for each in provider.requests if each.url.path == "/cancel"]
    assert len(taken_back) == 2
    assert b"client_assertion=" in taken_back[0].content
    assert approvals.told == []


async def test_what_is_left_open_may_be_left():
    """When the configuration says so."""
    approvals = Approvals()
    given = replace(plan(), approval=ApprovalSection(cleanup=Cleanup.LEAVE))
    await run_against(Small(), given, approvals).results([check("two", begins_two)])
    assert approvals.told == []


async def test_checks_that_wait_do_so_side_by_side_and_no_more_than_allowed():
    """Results keep the order whoever is first."""
    running, most, all_there = 0, 0, asyncio.Event()

    async def waits(_stage: Stage) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 2:
            all_there.set()
        await all_there.wait()
        running -= 1

    given = replace(plan(), time=TimeSection(parallel=2))
    checks = [check(f"waits-{number}", waits) for number in range(4)]
    results = await run_against(Small(), given).results(checks)
    assert most == 2
    assert [each.check for each in results] == checks


async def test_without_an_automation_url_nothing_is_decided():
    """The check is skipped, and says why."""

    async def decides(stage: Stage) -> None:
        await stage.completed()

    (result,) = await run_against(Small()).results([check("decides", decides)])
    assert (result.outcome, result.reason) == (Outcome.SKIPPED, "no approval.url is configured")


@pytest.mark.parametrize(
    ("template", "called"),
    [
        ("https://a.example/{action}/{auth_req_id}", "https://a.example/allow/a%2Fb"),
        ("https://a.example/d", "https://a.example/d?auth_req_id=a%2Fb&action=allow"),
        ("https://a.example/d?x=1", "https://a.example/d?x=1&auth_req_id=a%2Fb&action=allow"),
    ],
)
async def test_the_automation_url_is_filled_in(template: str, called: str):
    """In the places that it has for that, or at its end."""
    seen: list[str] = []

    def accept(request: httpx2.Request) -> httpx2.Response:
        seen.append(f"{request.method} {request.url}")
        return httpx2.Response(202)

    async with httpx2.AsyncClient(transport=Wired(accept)) as http:
        wire = Wire(SystemClock(), 5)
        await AutomationUrl(template, http).decide("a/b", Decision.ALLOW, wire)
    assert seen == [f"POST {called}"]


async def test_an_automation_url_that_refuses_is_an_error():
    """It says nothing about the provider."""
    transport = Wired(lambda _request: httpx2.Response(404))
    async with httpx2.AsyncClient(transport=transport) as http:
        with pytest.raises(NoAnswer, match="404"):
            await AutomationUrl("https://a.example", http).decide(
                "x", Decision.DENY, Wire(SystemClock(), 5)
            )


class _Endless(httpx2.AsyncByteStream):
    """Zeros for ever."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield bytes(64 * 1024)


async def test_an_answer_without_end_is_cut_off():
    """It is no answer."""
    transport = Wired(lambda _request: httpx2.Response(200, stream=_Endless()))
    async with httpx2.AsyncClient(transport=transport) as http:
        wire = Wire(SystemClock(), 5)
        with pytest.raises(NoAnswer, match="too large"):
            await wire.send(http, "GET", ISSUER)
    assert wire.exchanges[0].failure == "the answer is too large"


async def test_a_provider_that_is_busy_is_asked_again():
    """As late as it says; a poll is lost only when that does not help."""
    answers = [httpx2.Response(503, headers={"Retry-After": "7"})] * 2

    def busy(request: httpx2.Request) -> httpx2.Response:
        if request.url.path != "/token":
            return Small()(request)
        return answers.pop() if answers else httpx2.Response(400, json={"error": "slow_down"})

    async def polls(stage: Stage) -> None:
        answer = await stage.poll(await stage.begin())
        assert answer.error_code() == "slow_down"

    clock = ClientTime(FakeClock())
    run = replace(run_against(busy), clock=clock)
    (result,) = await run.results([check("polls", polls)])
    assert result.outcome is Outcome.PASSED
    assert result.seconds == pytest.approx(14)
    answers += [httpx2.Response(503, headers={"Retry-After": "1"})] * 9
    (result,) = await run.results([check("polls", polls)])
    assert (result.outcome, result.reason) == (Outcome.ERROR, "the provider was too busy: 503")
