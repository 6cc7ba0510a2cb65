"""Does a dead client hold up another's callback? Healthy clients beside dead ones and without.

Two services run at the same time, with the same clients. In one all are well, in the other each
fifth client's endpoint is dead. They get the same approvals at the same rate in turn, window by
window; the first window of each only fills the queues of the dead.
"""

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.endpoints import Arrivals, Death, dead_endpoints, healthy_endpoints
from benchmarks.installed import Installed, installed, own_pid
from benchmarks.machine import Lag, Noise, Usage, environment
from benchmarks.report import milliseconds, quantile, table
from tests.unit.channels.outbound.far_ends import ca_file
from tests.wire.client import WireClient

__all__ = ["Bulkheads", "Measured", "measure_bulkheads"]

GOAL = 2.0
_PATIENCE = 5.0
_DELAY_MS = 100
_SEED = 4


@dataclass(frozen=True)
class Bulkheads:
    """How it is measured: ``rate`` approvals a second in windows of ``seconds``."""

    clients: int = 50
    users: int = 40
    rate: float = 30.0
    seconds: float = 6.0
    rounds: int = 4

    @property
    def dead(self) -> int:
        """Each fifth client."""
        return self.clients // 5

    @property
    def healthy(self) -> int:
        """Those that are measured, in both services."""
        return self.clients - self.dead


@dataclass
class Measured:
    """Latencies in seconds, from acceptance to arrival without the configured delay."""

    without: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    lost: int = 0
    dead_attempts: int = 0
    lag: list[float] = field(default_factory=list)
    noise: Noise | None = None

    @property
    def ratio(self) -> float:
        """The p99 beside dead clients as a multiple of that without."""
        return quantile(self.beside, 0.99) / quantile(self.without, 0.99)

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached and nothing was lost."""
        return self.ratio <= GOAL and not self.lost

    def chapter(self, plan: Bulkheads) -> str:
        """What is written down."""
        kinds = ", ".join(Death)
        rows = [_row("none dead", self.without), _row("20 % dead", self.beside)]
        how = (
            f"{plan.clients} ping clients, each on a host of its own; in one of two services"
            f" {plan.dead} of them have an endpoint that is dead, beside a healthy one on the same"
            f" host; in turn: {kinds}."
            f" {plan.rate:g} approvals a second by phones on sockets, over all clients evenly,"
            f" in windows of {plan.seconds:g} s, {plan.rounds - 1} counted for each service,"
            f" in turn. Measured at the {plan.healthy} clients that are well in both: from the"
            " acceptance of the decision to the arrival of the callback (TLS), less"
            f" `callback_delay_ms` ({_DELAY_MS})."
        )
        result = (
            f"**p99 with dead clients / without: {self.ratio:.2f}** (goal: at most {GOAL:g})."
            f" Callbacks that did not arrive within {_PATIENCE:g} s: {self.lost}."
            f" Attempts at dead endpoints meanwhile: {self.dead_attempts}."
        )
        noise = (
            f"Noise: {self.noise}; the driver itself was late by"
            f" {milliseconds(quantile(self.lag, 0.5))} (p50) and"
            f" {milliseconds(quantile(self.lag, 0.99))} (p99)."
        )
        head = ["endpoints", "callbacks", "p50", "p99", "longest"]
        return "\n\n".join([f"{environment()}.", how, table(head, rows), result, noise])


def _row(name: str, values: Sequence[float]) -> list[str]:
    return [
        name,
        str(len(values)),
        milliseconds(quantile(values, 0.5)),
        milliseconds(quantile(values, 0.99)),
        milliseconds(max(values)),
    ]


async def measure_bulkheads(plan: Bulkheads, directory: Path) -> Measured:
    """Run it; about a minute as planned by default."""
    arrivals, measured, lag = Arrivals(), Measured(), Lag()
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(healthy_endpoints(arrivals, directory, plan.clients))
        dead = await stack.enter_async_context(dead_endpoints(directory, plan.dead))
        sections: dict[str, dict[str, Any]] = {
            "outbound": {
                "ca_bundle": ca_file(directory),
                "allowed_networks": ["127.1.0.0/16"],
            },
            "delivery": {"callback_delay_ms": _DELAY_MS},
        }
        well, ill = [
            await stack.enter_async_context(
                installed(directory / name, endpoints, users=plan.users, **sections)
            )
            for name, endpoints in (("well", urls), ("ill", urls[: plan.healthy] + dead))
        ]
        watching = asyncio.create_task(lag.watch())
        stack.callback(watching.cancel)
        pids = _pids(well, ill)
        before = {pid: Usage.of(pid) for pid in pids}
        for number in range(plan.rounds):
            for running, values in _turns(number, (ill, measured.beside), (well, measured.without)):
                window = _Window(plan, running, arrivals, random.Random(_SEED + number))  # noqa: S311
                latencies, lost = await window.run()
                if number:
                    values.extend(latencies)
                    measured.lost += lost
        measured.noise = Noise.between(before, {pid: Usage.of(pid) for pid in pids})
        measured.lag = lag.late
        measured.dead_attempts = _attempts(ill, {f"client-{n}" for n in range(plan.healthy)})
    return measured


def _turns(
    number: int, *turns: tuple[Installed, list[float]]
) -> Sequence[tuple[Installed, list[float]]]:
    """Who goes first changes with each round."""
    return turns if number % 2 == 0 else turns[::-1]


def _pids(*services: Installed) -> list[int]:
    stores = [service.place.server_pid() for service in services]
    return [own_pid(), *(service.pid for service in services), *stores]


def _attempts(service: Installed, others: set[str]) -> int:
    events = service.serving.events()
    attempts = (event for event in events if event["event"] == "callback_attempted")
    return sum(event["client_id"] not in others for event in attempts)


@dataclass(frozen=True)
class _Window:
    plan: Bulkheads
    service: Installed
    arrivals: Arrivals
    chance: random.Random

    async def run(self) -> tuple[list[float], int]:
        """Latencies at healthy clients, and how many callbacks did not come."""
        clients = self._evenly(self.service.clients)
        number = int(self.plan.rate * self.plan.seconds)
        begun = asyncio.get_running_loop().time()
        tasks: list[tuple[bool, asyncio.Task[str]]] = []
        for index in range(number):
            client = clients()
            is_counted = client in self.service.clients[: self.plan.healthy]
            tasks.append((is_counted, asyncio.create_task(self.service.approved(client))))
            due = begun + (index + 1) / self.plan.rate
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        approved = [(is_counted, await task) for is_counted, task in tasks]
        counted = [name for is_counted, name in approved if is_counted]
        lost = await self.arrivals.all_of(counted, patience=_PATIENCE)
        delay = _DELAY_MS / 1000
        came = [name for name in counted if name not in set(lost)]
        return [self.arrivals.at[name] - self.service.accepted[name] - delay for name in came], len(
            lost
        )

    def _evenly(self, clients: Sequence[WireClient]) -> Callable[[], WireClient]:
        order = list(clients)
        self.chance.shuffle(order)
        endless = itertools.cycle(order)
        return lambda: next(endless)
