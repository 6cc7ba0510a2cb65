"""Two processes over one store, killed again and again while approvals go on.

Whoever lives makes the callbacks of whoever was killed. The history of clients and phones decides:
what a phone saw accepted must have been brought to its client, or be written down as abandoned.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from benchmarks.installed import NO_LIMITS, preset
from ciba_service.sca.messages import transaction_id
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import transaction_key
from tests.redis_servers import redis_server
from tests.resilience.failing_endpoint import (
    FailingEndpoint,
    Plan,
    addresses,
    outbound_section,
    served,
)
from tests.service_process import Installation, Serving, installation
from tests.wire_client import WireClient
from tests.wire_phone import WirePhone

__all__ = ["KilledProcesses", "Survived", "kill_processes"]

_T = TypeVar("_T")

_BUSY = 503
_EXPIRY = 20
_LAST_WORD_SECONDS = 90
"""After the last approval: 60 s to redeem it, and a lease."""
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class KilledProcesses:
    """How it goes: approvals at ``rate`` for ``seconds``, a process killed now and then."""

    seed: int
    seconds: float = 40.0
    rate: float = 12.0
    clients: int = 6
    users: int = 24
    pause: tuple[float, float] = (2.0, 4.0)


@dataclass
class Survived:
    """What came of it; ``violations`` are sentences, and none is what is wanted."""

    approvals: int = 0
    kills: int = 0
    states: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    violations: list[str] = field(default_factory=list)


@dataclass
class _Driver:
    """Clients and phones that ask whichever process answers."""

    plan: KilledProcesses
    places: list[Installation]
    serving: list[Serving]
    clients: list[WireClient]
    phones: dict[str, WirePhone]
    chance: random.Random
    approved: list[str] = field(default_factory=list)
    kills: int = 0

    async def approve_steadily(self) -> None:
        """So many a second, each of a user who is not busy."""
        free: asyncio.Queue[str] = asyncio.Queue()
        for user in self.phones:
            free.put_nowait(user)
        async with asyncio.TaskGroup() as tasks:
            for number in range(int(self.plan.rate * self.plan.seconds)):
                user = await free.get()
                client = self.clients[number % len(self.clients)]
                tasks.create_task(self._approved(client, user, free))
                await asyncio.sleep(1 / self.plan.rate)

    async def _approved(self, client: WireClient, user: str, free: asyncio.Queue[str]) -> None:
        phone = self.phones[user]
        name = await self._answered(partial(_start, client, user))
        messages = await self._answered(partial(_said, phone, {"type": "fetch"}))
        for message in messages:  # older ones are of acknowledgements that got lost
            if message["type"] == "challenge":
                decide = {"type": "decide", "decision": phone.approval(message["challenge"])}
                (outcome,) = await self._answered(partial(_said, phone, decide))
                if outcome["type"] == "accepted" and _is_about(outcome, name):
                    self.approved.append(name)
        free.put_nowait(user)

    async def _answered(self, ask: Callable[[httpx2.AsyncClient], Awaitable[_T | None]]) -> _T:
        """What one of the processes answers, as soon as one does."""
        async with asyncio.timeout(60):
            while True:
                for place in self.chance.sample(self.places, len(self.places)):
                    try:
                        answer = await ask(place.http)
                    except httpx2.HTTPError:
                        continue
                    if answer is not None:
                        return answer
                await asyncio.sleep(_PAUSE_SECONDS)

    async def kill_and_restart(self) -> None:
        """One after the other, at random, until cancelled; the other one goes on."""
        while True:
            await asyncio.sleep(self.chance.uniform(*self.plan.pause))
            index = self.chance.randrange(len(self.places))
            await self.serving[index].kill()
            self.kills += 1
            self.serving[index] = await self.places[index].serve()


def _is_about(outcome: dict[str, Any], auth_req_id: str) -> bool:
    return bool(outcome["transaction_id"] == transaction_id(auth_req_id))


async def _start(client: WireClient, user: str, http: httpx2.AsyncClient) -> str | None:
    claims: dict[str, Any] = {
        "login_hint": user,
        "client_notification_token": f"token-for-{user}",
        "requested_expiry": _EXPIRY,
    }
    form = {**client.credentials(), "request": client.request_object(**claims)}
    answer = await http.post("/bc-authorize", data=form)
    if answer.status_code == _BUSY:
        return None
    return str(answer.raise_for_status().json()["auth_req_id"])


async def _said(
    phone: WirePhone, message: dict[str, Any], http: httpx2.AsyncClient
) -> list[dict[str, Any]] | None:
    answer = await replace(phone, http=http).send(message)
    if answer.status_code == _BUSY:
        return None
    return list(answer.raise_for_status().json()["messages"])


async def kill_processes(plan: KilledProcesses, directory: Path) -> Survived:
    """Run it; some two minutes as planned by default."""
    endpoint = FailingEndpoint(Plan(str(plan.seed)), retry_after=5)
    hosts = addresses(plan.clients)
    with redis_server("--appendonly", "yes", "--appendfsync", "always") as target:
        async with AsyncExitStack() as stack:
            urls = await stack.enter_async_context(served(endpoint, directory, hosts))
            driver = await _driver(plan, stack, directory, target, urls)
            killing = asyncio.create_task(driver.kill_and_restart())
            await driver.approve_steadily()
            states = await _until_settled(target, driver.approved)
            killing.cancel()
            await asyncio.wait({killing})
    return _judged(driver, endpoint, states)


async def _driver(
    plan: KilledProcesses,
    stack: AsyncExitStack,
    directory: Path,
    target: RedisTarget,
    urls: list[str],
) -> _Driver:
    places = []
    for name in ("one", "two"):
        home = directory / name
        await asyncio.to_thread(home.mkdir)
        places.append(await stack.enter_async_context(installation(home)))
    first = places[0]
    clients = [_client(first, number, url) for number, url in enumerate(urls)]
    users = {f"user-{number}": preset(number) for number in range(plan.users)}
    for place in places:
        place.configure(
            users=tuple({"sub": sub, "activation_code": code} for sub, code in users.items()),
            clients=clients,
            server={"issuer": first.issuer},
            store={"url": f"redis://127.0.0.1:{target.addresses[0].port}"},
            keys={"directory": str(directory / "keys")},
            device={"second_secret": False},
            requests={"open_prompts": 100},
            limits=NO_LIMITS,
            outbound=outbound_section(directory, addresses(plan.clients)),
            delivery={"callback_delay_ms": 500, "answer_timeout_ms": 1_000},
        )
    serving = [await place.serve() for place in places]
    phones = {sub: await first.phone().enrol(code) for sub, code in users.items()}
    chance = random.Random(plan.seed)  # noqa: S311 - a plan, no secret
    return _Driver(plan, places, serving, clients, phones, chance)


def _client(place: Installation, number: int, endpoint: str) -> WireClient:
    return WireClient(
        f"client-{number}",
        key=place.till.key,
        metadata={
            "backchannel_token_delivery_mode": ("ping", "push")[number % 2],
            "backchannel_client_notification_endpoint": endpoint,
        },
        issuer=place.issuer,
        clock=place.till.clock,
    )


async def _until_settled(target: RedisTarget, approved: list[str]) -> dict[str, tuple[str, str]]:
    """How each callback ended and why, by ``auth_req_id``; what is still due has no end."""
    commands = Commands(connect(target))
    states: dict[str, tuple[str, str]] = {}
    end = time.monotonic() + _LAST_WORD_SECONDS
    try:
        while time.monotonic() < end:
            for name in approved:
                if states.get(name, ("due", ""))[0] == "due":
                    key = transaction_key(transaction_id(name))
                    state, reason = await commands.call("HMGET", key, "y", "x")
                    states[name] = ((state or b"lost").decode(), (reason or b"").decode())
            if all(state != "due" for state, _ in states.values()):
                break
            await asyncio.sleep(1)
    finally:
        await commands.aclose()
    return states


def _judged(
    driver: _Driver, endpoint: FailingEndpoint, states: dict[str, tuple[str, str]]
) -> Survived:
    survived = Survived(approvals=len(driver.approved), kills=driver.kills)
    survived.faults.update(map(str, endpoint.faults.elements()))
    for name in driver.approved:
        state, reason = states[name]
        survived.states[f"{state} {reason}".strip()] += 1
        received = endpoint.received.get(name, [])
        survived.repeated += endpoint.taken[name] > 1
        if state == "delivered" and not endpoint.taken[name]:
            survived.violations.append("delivered, but the client never took it")
        if state == "abandoned" and not reason:
            survived.violations.append("abandoned without a reason")
        if state not in {"delivered", "abandoned"}:
            survived.violations.append(f"neither delivered nor abandoned: {state}")
        if any(each != received[0] for each in received):
            survived.violations.append("two attempts were not the same")
    return survived
