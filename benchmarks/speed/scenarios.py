"""What is measured of one provider; a ``Subject`` does it once, as often as it is asked."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from benchmarks.machine import resident_mib
from benchmarks.speed.generator import Load, Run
from benchmarks.speed.servers import Provider, redis_info

__all__ = ["Memory", "Plan", "Scenario", "Subject"]

_ACKNOWLEDGED: Final = '"auth_req_id"'
_PENDING: Final = '"authorization_pending"'
_TOKENS: Final = '"id_token"'
_HEADROOM: Final = 1.25
_CALM_SECONDS: Final = 11


class Scenario(StrEnum):
    """An operation, by the name it has in tables."""

    BACKCHANNEL = "backchannel authentication"
    POLL = "pending poll"
    REDEMPTION = "redemption"
    FLOW = "full flow with the approval"


@dataclass(frozen=True)
class Plan:
    """How long and how often; ``pending`` is how many requests are open when memory is read."""

    runs: int = 3
    seconds: float = 3.0
    warm_up: float = 0.8
    redemptions: int = 3_000
    pending: int = 20_000


@dataclass(frozen=True)
class Memory:
    """With ``Plan.pending`` requests open: of the process, and in Redis for each of them.

    ``challenge_bytes`` are what of the latter is what a phone is to show and sign, if there is one.
    """

    resident_mib: float
    redis_bytes: float
    challenge_bytes: int


@dataclass
class Subject:
    """A provider with requests that are open; ``rates`` are guesses, good for one file's length."""

    provider: Provider
    plan: Plan
    rates: dict[Scenario, float] = field(default_factory=dict)

    @property
    def _open(self) -> Path:
        return self.provider.stages.directory / "open"

    @property
    def _approved(self) -> Path:
        return self.provider.stages.directory / "approved"

    def fill(self) -> Memory:
        """Warm up, then open ``Plan.pending`` requests and look at the memory they take."""
        stages, plan = self.provider.stages, self.plan
        warm = min(2_000, plan.pending)
        Load([stages.requests(warm)], _ACKNOWLEDGED, flows=warm).run(self.provider)
        before = self._stored()
        file = stages.requests(plan.pending)
        run = Load([file], _ACKNOWLEDGED, flows=plan.pending, keep_ids=self._open).run(
            self.provider
        )
        if run.bad:
            raise RuntimeError(f"{self.provider.name}: {run.bad} refused: {run.first_error}")
        self.rates[Scenario.BACKCHANNEL] = run.rate
        time.sleep(_CALM_SECONDS)  # What is remembered for retries alone fades within that time.
        self.provider.post("/bench/gc")
        # Where the machine is so slow that not all were opened in time: of those that were.
        opened = len(self._open.read_text("ascii").splitlines())
        stored = (self._stored() - before) / opened
        return Memory(resident_mib(self.provider.pid), stored, self._challenge_bytes())

    def _challenge_bytes(self) -> int:
        with self._open.open(encoding="ascii") as file:
            answer = self.provider.post("/bench/challenge", file.readline().strip())
        return int(answer["content-length"])

    def measure(self, scenario: Scenario, rate: float | None = None) -> Run:
        """One run, closed loop or, with ``rate``, open."""
        ways: dict[Scenario, Callable[[float | None], Run]] = {
            Scenario.BACKCHANNEL: self._backchannel,
            Scenario.POLL: self._poll,
            Scenario.REDEMPTION: self._redemption,
            Scenario.FLOW: self._flow,
        }
        run = ways[scenario](rate)
        if rate is None:
            self.rates[scenario] = max(run.rate, self.rates.get(scenario, 0.0))
        return run

    def _backchannel(self, rate: float | None) -> Run:
        file = self.provider.stages.requests(self._lines(Scenario.BACKCHANNEL, rate))
        return self._timed([file], _ACKNOWLEDGED, rate)

    def _poll(self, rate: float | None) -> Run:
        file = self._token_requests(self._lines(Scenario.POLL, rate))
        return self._timed([file], _PENDING, rate, ids=self._open)

    def _redemption(self, rate: float | None) -> Run:
        stages, flows = self.provider.stages, self.plan.redemptions
        file = stages.requests(flows)
        approval = stages.approvals()
        Load([file, approval], "", flows=flows, keep_ids=self._approved).run(self.provider)
        # Where the machine is so slow that not all were approved in time: each of them once.
        flows = min(flows, len(self._approved.read_text("ascii").splitlines()))
        tokens = self._token_requests(flows)
        return Load([tokens], _TOKENS, flows=flows, rate=rate, ids=self._approved).run(
            self.provider
        )

    def _flow(self, rate: float | None) -> Run:
        stages = self.provider.stages
        lines = self._lines(Scenario.FLOW, rate)
        requests, tokens = stages.requests(lines), self._token_requests(lines)
        return self._timed([requests, stages.approvals(), tokens], _TOKENS, rate)

    def _timed(
        self, stages: list[Path], expect: str, rate: float | None, ids: Path | None = None
    ) -> Run:
        plan = self.plan
        return Load(
            stages, expect, seconds=plan.seconds, warm_up=plan.warm_up, rate=rate, ids=ids
        ).run(self.provider)

    def _token_requests(self, number: int) -> Path:
        return self.provider.stages.token_requests(number, self.provider.nonce())

    def _lines(self, scenario: Scenario, rate: float | None) -> int:
        """As many as can be used up; a first run of a kind is guessed from what is known."""
        fastest = rate or self.rates.get(scenario) or self._guess(scenario)
        return int(fastest * (self.plan.seconds + self.plan.warm_up) * _HEADROOM)

    def _guess(self, scenario: Scenario) -> float:
        known = self.rates[Scenario.BACKCHANNEL]
        return known / 2 if scenario is Scenario.FLOW else known * 1.5

    def _stored(self) -> int:
        return redis_info(self.provider.redis_port, "memory", "used_memory")
