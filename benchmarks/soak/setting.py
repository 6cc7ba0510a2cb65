"""Everything that a scenario needs: Redis, processes, clients, and phones that are enrolled."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import httpx2

from benchmarks.installed import NO_LIMITS
from benchmarks.soak.callbacks import CallbackEndpoint
from benchmarks.soak.clients import Client
from benchmarks.soak.decisions import Identity, ServiceKeys
from benchmarks.soak.faults import Fault, Faults
from benchmarks.soak.flows import Flows
from benchmarks.soak.history import History
from benchmarks.soak.jumping_service import ClockHand
from benchmarks.soak.killing_proxy import KillingProxy
from benchmarks.soak.phones import Phone
from benchmarks.soak.plan import Plan, drawn
from benchmarks.soak.processes import Processes, ServiceProcess
from benchmarks.soak.stores import ClusterStore, SentinelStore, SingleStore, Store
from benchmarks.soak.wire import Door
from benchmarks.speed.signing import Es256Key
from tests.running_service import PLAIN, _toml
from tests.service_process import WallClock, free_port
from tests.wire_client import WireClient
from tests.wire_phone import WirePhone

__all__ = ["Setting", "Topology", "setting"]

_CLIENTS_OF_A_MODE: Final = 6
_PROXIED, _JUMPING = 1, 2
"""Which process Redis is reached from by a proxy, and which has a clock that jumps."""
_JUMPING_SERVICE: Final = Path(__file__).with_name("jumping_service.py")
_AT_ONCE: Final = 8
_DRAIN_SECONDS: Final = 3
"""By when whoever asks must have taken notice, on a machine where everything is late."""


class Topology(StrEnum):
    """How Redis runs."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


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


@dataclass(frozen=True)
class _Wanted:
    directory: Path
    seed: int
    users: int
    guessers: int
    failing_percent: int
    brief: bool


@asynccontextmanager
async def setting(
    directory: Path,
    kinds: Sequence[Fault],
    *,
    seed: int,
    users: int,
    guessers: int,
    processes: int,
    failing_percent: int,
    topology: Topology = Topology.SINGLE,
    slower: float = 1.0,
    brief: bool = False,
    replicas: int = 0,
) -> AsyncIterator[Setting]:
    """Start everything, and end it with the block."""
    wanted = _Wanted(directory, seed, users, guessers, failing_percent, brief)
    history, store = History(), _STORES[topology](directory)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.end)
        await store.start()
        running = Processes(_planned(directory, kinds, processes), history, seed)
        proxies = await _proxies(stack, running, store, kinds)
        flows, endpoint = _flows(wanted, running, history)
        issuer = f"http://127.0.0.1:{running.door(0).port}"
        registered = await _registered(stack, endpoint)
        clients = _clients(registered, issuer, history)
        flows.take_clients(clients)
        for each in running.all:
            proxy = proxies.get(each.number)
            section = store.section(store.port if proxy is None else proxy.port)
            if replicas:
                section["wait_for_replicas"] = replicas
            _configure(wanted, each, issuer, [one.wire for one in registered], section)
        hands = {
            each.number: ClockHand(each.config)
            for each in running.all
            if each.number == _JUMPING and Fault.CLOCKS in kinds
        }
        await running.start_all()
        stack.push_async_callback(running.end)
        identities = await _enrolled(wanted, issuer)
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
        faults = Faults(running, store, phones, proxies, hands, history, seed=seed, slower=slower)
        yield Setting(history, running, flows, phones, endpoint, faults)


@dataclass(frozen=True)
class _Registered:
    mode: str
    wire: WireClient
    key: Es256Key


def _planned(directory: Path, kinds: Sequence[Fault], number: int) -> list[ServiceProcess]:
    planned = []
    for index in range(number):
        one = ServiceProcess(index, directory / f"service-{index}.toml", Door(free_port()))
        if index == _JUMPING and Fault.CLOCKS in kinds:
            one.program = (sys.executable, str(_JUMPING_SERVICE))
        planned.append(one)
    return planned


async def _proxies(
    stack: AsyncExitStack, running: Processes, store: Store, kinds: Sequence[Fault]
) -> dict[int, KillingProxy]:
    if Fault.POINTS not in kinds:
        return {}
    proxy = KillingProxy(store.port, lambda: running.kill(_PROXIED))
    return {_PROXIED: await stack.enter_async_context(proxy)}


def _flows(wanted: _Wanted, running: Processes, history: History) -> tuple[Flows, CallbackEndpoint]:
    def plan(number: int) -> Plan:
        return drawn(
            wanted.seed,
            number,
            users=wanted.users,
            guessers=wanted.guessers,
            brief=wanted.brief,
        )

    flows = Flows(
        processes=running, history=history, plan=plan, user_name=_user_name, seed=wanted.seed
    )
    endpoint = CallbackEndpoint(
        history,
        seed=wanted.seed,
        percent=wanted.failing_percent,
        flow_of=flows.flow_of,
        called=flows.called,
    )
    return flows, endpoint


async def _registered(stack: AsyncExitStack, endpoint: CallbackEndpoint) -> list[_Registered]:
    found = []
    for mode in ("poll", "ping", "push"):
        for number in range(_CLIENTS_OF_A_MODE):
            key = Es256Key.generate("key-1")
            metadata: dict[str, Any] = {
                "backchannel_token_delivery_mode": mode,
                "polling_interval": 0,
                "jwks": {"keys": [key.jwk()]},
            }
            if mode != "poll":
                address = f"127.0.{1 + (mode == 'push')}.{number + 1}"
                url = await stack.enter_async_context(endpoint.served(address))
                metadata["backchannel_client_notification_endpoint"] = url
            found.append(_Registered(mode, WireClient(f"{mode}-{number}", metadata=metadata), key))
    return found


def _clients(
    registered: Sequence[_Registered], issuer: str, history: History
) -> dict[str, list[Client]]:
    clients: dict[str, list[Client]] = {}
    for each in registered:
        client = Client(each.wire.client_id, each.key, issuer, history)
        clients.setdefault(each.mode, []).append(client)
    return clients


def _user_name(number: int) -> str:
    return f"user-{number}"


def _code(number: int) -> str:
    return f"SOAK-PHONE-{number:05d}"


def _configure(
    wanted: _Wanted,
    process: ServiceProcess,
    issuer: str,
    clients: Sequence[WireClient],
    store: dict[str, Any],
) -> None:
    directory = wanted.directory
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
    users = [
        {"sub": _user_name(number), "activation_code": _code(number)}
        for number in range(wanted.users + wanted.guessers)
    ]
    process.config.write_text(_toml(issuer, clients, users, sections), "utf-8")


async def _enrolled(wanted: _Wanted, issuer: str) -> list[Identity]:
    """A phone for each user, a few at a time."""
    numbers = iter(range(wanted.users + wanted.guessers))
    found: dict[int, Identity] = {}

    async def enrol_some(http: httpx2.AsyncClient) -> None:
        for number in numbers:
            phone = await WirePhone(http, issuer, WallClock()).enrol(_code(number))  # type: ignore[arg-type]
            key = Es256Key.load(phone.key.as_pem(private=True), "phone")
            found[number] = Identity(
                user=_user_name(number),
                issuer=issuer,
                device_id=phone.device_id,
                key=key,
                pin_key=phone.pin_key,
                service=ServiceKeys(phone.service_keys),
            )

    async with httpx2.AsyncClient(base_url=issuer, verify=PLAIN, timeout=60) as http:
        await asyncio.gather(*(enrol_some(http) for _ in range(_AT_ONCE)))
    return [found[number] for number in sorted(found)]
