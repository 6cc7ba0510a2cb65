"""Everything that a scenario needs: Redis, processes, clients, and phones that are enrolled."""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.installed import NO_LIMITS
from benchmarks.soak.callbacks import CallbackEndpoint
from benchmarks.soak.cluster_store import ClusterStore
from benchmarks.soak.faults import Fault, Faults
from benchmarks.soak.flows import Flows
from benchmarks.soak.history import History
from benchmarks.soak.jumping_service import ClockHand
from benchmarks.soak.killing_proxy import KillingProxy
from benchmarks.soak.participants import clients_of, enrolled, registered, user_name, users
from benchmarks.soak.phones import Phone
from benchmarks.soak.plan import Plan, drawn
from benchmarks.soak.processes import Processes, ServiceProcess
from benchmarks.soak.scenario import Scenario, Topology
from benchmarks.soak.stores import SentinelStore, SingleStore, Store
from benchmarks.soak.wire import Door
from tests.ports import free_port
from tests.services.running_service import _toml
from tests.wire.client import WireClient

__all__ = ["Setting", "setting"]

_PROXIED, _JUMPING = 1, 2
"""Which process Redis is reached from by a proxy, and which has a clock that jumps."""
_JUMPING_SERVICE: Final = Path(__file__).with_name("jumping_service.py")
_DRAIN_SECONDS: Final = 3
"""By when whoever asks must have taken notice, on a machine where everything is late."""


_STORES: Final[dict[Topology, Callable[[Path], Store]]] = {
    Topology.SINGLE: SingleStore,
    Topology.SENTINEL: SentinelStore,
    Topology.CLUSTER: ClusterStore,
}


@dataclass
class Setting:
    """What runs."""

    history: History
    processes: Processes
    flows: Flows
    phones: list[Phone]
    endpoint: CallbackEndpoint
    faults: Faults


@asynccontextmanager
async def setting(scenario: Scenario, directory: Path, seed: int) -> AsyncIterator[Setting]:
    """Start everything, and end it with the block."""
    history, store = History(), _STORES[scenario.topology](directory)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.end)
        await store.start()
        running = Processes(_planned(scenario, directory), history, seed)
        proxies = await _proxies(stack, running, store, scenario)
        flows, endpoint = _flows(scenario, seed, running, history)
        issuer = f"http://127.0.0.1:{running.door(0).port}"
        known = await registered(stack, endpoint)
        flows.take_clients(clients_of(known, issuer, history))
        for each in running.all:
            proxy = proxies.get(each.number)
            section = store.section(store.port if proxy is None else proxy.port)
            if scenario.replicas:
                section["wait_for_replicas"] = scenario.replicas
            _configure(scenario, each, issuer, [one.wire for one in known], section)
        hands = {
            each.number: ClockHand(each.config)
            for each in running.all
            if each.number == _JUMPING and Fault.CLOCKS in scenario.faults
        }
        await running.start_all()
        stack.push_async_callback(running.end)
        identities = await enrolled(scenario.users + scenario.guessers, issuer)
        phones = [
            Phone(
                identity,
                running,
                history,
                plan_of=flows.seen,
                decided=flows.decided,
                seed=seed * 1_000 + number,
            )
            for number, identity in enumerate(identities)
        ]
        faults = Faults(
            running, store, phones, proxies, hands, history, seed=seed, slower=scenario.slower
        )
        yield Setting(history, running, flows, phones, endpoint, faults)


def _planned(scenario: Scenario, directory: Path) -> list[ServiceProcess]:
    planned = []
    for index in range(scenario.processes):
        one = ServiceProcess(index, directory / f"service-{index}.toml", Door(free_port()))
        if index == _JUMPING and Fault.CLOCKS in scenario.faults:
            one.program = (sys.executable, str(_JUMPING_SERVICE))
        planned.append(one)
    return planned


async def _proxies(
    stack: AsyncExitStack, running: Processes, store: Store, scenario: Scenario
) -> dict[int, KillingProxy]:
    if Fault.POINTS not in scenario.faults:
        return {}
    proxy = KillingProxy(store.port, lambda: running.kill(_PROXIED))
    return {_PROXIED: await stack.enter_async_context(proxy)}


def _flows(
    scenario: Scenario, seed: int, running: Processes, history: History
) -> tuple[Flows, CallbackEndpoint]:
    def plan(number: int) -> Plan:
        return drawn(
            seed,
            number,
            users=scenario.users,
            guessers=scenario.guessers,
            brief=scenario.brief,
        )

    flows = Flows(processes=running, history=history, plan=plan, user_name=user_name, seed=seed)
    endpoint = CallbackEndpoint(
        history,
        seed=seed,
        percent=scenario.failing_percent,
        flow_of=flows.flow_of,
        called=flows.called,
    )
    return flows, endpoint


def _configure(
    scenario: Scenario,
    process: ServiceProcess,
    issuer: str,
    clients: Sequence[WireClient],
    store: dict[str, Any],
) -> None:
    directory = process.config.parent
    sections: dict[str, Any] = {
        "server": {
            "issuer": issuer,
            "port": process.door.port,
            "drain_seconds": _DRAIN_SECONDS,
            "log_level": "warning",
        },
        "store": {
            "data_directory": str(directory / f"data-{process.number}"),
            **store,
        },
        "keys": {"directory": str(directory / "keys")},
        "device": {"second_secret": False},
        "requests": {"open_prompts": 100},
        "limits": NO_LIMITS,
        "outbound": {"allow_loopback_http": True},
        "delivery": {"callback_delay_ms": 50, "answer_timeout_ms": 1_000},
        "resource": {"unbound_tokens": True},
    }
    everybody = users(scenario.users + scenario.guessers)
    process.config.write_text(_toml(issuer, clients, everybody, sections), "utf-8")
