"""The whole service on a cluster of six, and behind three sentinels: journeys, failover, moves."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ciba_service.sca.messages import transaction_id
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import devices_key, due_key, partition_of, transaction_key
from tests.redis.topologies import (
    CALM_MS,
    HASTY_MS,
    RedisCluster,
    WatchedMaster,
    cluster_of_six,
    watched_by_three,
)
from tests.services.running_service import RunningService, running_service
from tests.wire.callback_endpoint import CallbackEndpoint, callback_endpoint, outbound_section
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

TOKEN = "notify-me-with-this-token"
USERS = [f"user-{number}" for number in range(40)]
_FREE = itertools.count()


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    """Three masters and three replicas."""
    with cluster_of_six(CALM_MS) as running:
        yield running


@pytest.fixture(scope="module")
def watched() -> Iterator[WatchedMaster]:
    """One master, two replicas, three sentinels."""
    with watched_by_three(CALM_MS) as running:
        yield running


@dataclass
class Bank:
    """A service on one of them, with a client for each way of delivery."""

    running: RunningService
    endpoint: CallbackEndpoint

    async def customer(self) -> tuple[str, WirePhone]:
        """A user whom no other test has, with a phone."""
        name = USERS[next(_FREE)]
        return name, await self.running.enrolled_phone(name)

    async def asked(self, mode: str, name: str) -> str:
        """A request of the client with this delivery."""
        more = {} if mode == "poll" else {"client_notification_token": TOKEN}
        return await self.running.clients[mode].started(login_hint=name, **more)

    async def collected(self, mode: str, auth_req_id: str) -> str:
        """The subject of the tokens, however they come to the client."""
        if mode != "poll":
            brought = (await self.endpoint.next()).json
            assert brought["auth_req_id"] == auth_req_id
            if mode == "push":
                return str(claims_of(brought["id_token"])["sub"])
        answer = await self.running.clients[mode].poll(auth_req_id)
        assert answer.status_code == 200, answer.text
        return str(claims_of(answer.json()["id_token"])["sub"])

    async def approved(self, phone: WirePhone) -> None:
        """The open challenge is approved, however often the phone has to come again."""
        async with asyncio.timeout(60):
            while (answer := await phone.send({"type": "fetch"})).status_code == 503:
                assert answer.headers["retry-after"]
            (offered,) = (
                message for message in answer.json()["messages"] if message["type"] == "challenge"
            )
            decision = phone.approval(offered["challenge"])
            order = {"type": "decide", "decision": decision}
            while (answer := await phone.send(order)).status_code == 503:
                assert answer.headers["retry-after"]
        (outcome,) = answer.json()["messages"]
        assert outcome["type"] == "accepted"

    async def journey(self, mode: str) -> None:
        """Asked, shown, approved, collected, and not once more."""
        name, phone = await self.customer()
        auth_req_id = await self.asked(mode, name)
        assert (await phone.approve_next())["type"] == "accepted"
        assert await self.collected(mode, auth_req_id) == name
        if mode != "push":
            again = await self.running.clients[mode].poll(auth_req_id)
            assert again.json()["error"] == "invalid_grant"


@asynccontextmanager
async def bank_on(target: RedisTarget, directory: Path) -> AsyncIterator[Bank]:
    """A service on this store, patient enough for a failover."""
    async with callback_endpoint(directory) as endpoint:
        clients = [client(mode, endpoint) for mode in ("poll", "ping", "push")]
        async with running_service(
            target,
            directory / "keys",
            clients=clients,
            users=[{"sub": name} for name in USERS],
            sections={
                "outbound": outbound_section(directory),
                "delivery": {"callback_delay_ms": 0},
                "store": {"deadline_ms": 20_000},
            },
        ) as running:
            yield Bank(running, endpoint)


def client(mode: str, endpoint: CallbackEndpoint) -> WireClient:
    """One that is named after its delivery."""
    metadata = {"backchannel_token_delivery_mode": mode, "polling_interval": 0}
    if mode != "poll":
        metadata["backchannel_client_notification_endpoint"] = endpoint.url
    return WireClient(mode, metadata=metadata)


@pytest.mark.parametrize("topology", ["cluster", "watched"])
async def test_every_delivery_is_had_on_it(
    request: pytest.FixtureRequest, tmp_path: Path, topology: str
):
    """Poll, ping and push, side by side; nothing failed on the way."""
    target: RedisTarget = request.getfixturevalue(topology).target
    async with bank_on(target, tmp_path) as bank:
        for mode in ("poll", "ping", "push"):
            await bank.journey(mode)
        assert bank.running.telemetry.failures == []


async def test_a_request_outlives_the_master_of_its_slot(tmp_path: Path):
    """Killed between request and approval: what was replicated is there, and nobody starts anew.

    A connected phone goes on being told.
    """
    with cluster_of_six(HASTY_MS) as cluster:
        async with bank_on(cluster.target, tmp_path) as bank:
            name, phone = await bank.customer()
            auth_req_id = await bank.asked("ping", name)
            port = cluster.owner(cluster.slot_of(transaction_key(transaction_id(auth_req_id))))
            await asyncio.to_thread(cluster.replicated, port)
            cluster.kill(port)
            await bank.approved(phone)
            assert await bank.collected("ping", auth_req_id) == name
            await until_heard(bank)
            async with phone.online() as online:
                await bank.asked("poll", name)
                async with asyncio.timeout(20):
                    await online.next("challenge")


async def test_a_request_outlives_the_master_that_sentinels_watch(tmp_path: Path):
    """They agree on a replica, and the service finds it."""
    with watched_by_three(HASTY_MS) as watched:
        async with bank_on(watched.target, tmp_path) as bank:
            name, phone = await bank.customer()
            auth_req_id = await bank.asked("ping", name)
            former = watched.master()
            await asyncio.to_thread(watched.kill_master)
            await bank.approved(phone)
            assert await bank.collected("ping", auth_req_id) == name
            assert watched.master() != former
            await bank.journey("push")


async def test_slots_move_while_requests_are_under_way(cluster: RedisCluster, tmp_path: Path):
    """Every slot that belongs to them, between all steps, whatever the nodes answer meanwhile."""
    async with bank_on(cluster.target, tmp_path) as bank:
        flows = [(*(await bank.customer()),) for _ in range(6)]
        asked = [await bank.asked("poll", name) for name, _ in flows]
        slots = {cluster.slot_of(key) for key in keys_of(asked, [name for name, _ in flows])}
        for step in (0, 1):
            moving = asyncio.create_task(asyncio.to_thread(move_all, cluster, slots))
            if step == 0:
                done = await asyncio.gather(*(phone.approve_next() for _, phone in flows))
                assert {each["type"] for each in done} == {"accepted"}
            else:
                names = await asyncio.gather(*(bank.collected("poll", each) for each in asked))
                assert names == [name for name, _ in flows]
            await moving
        await bank.journey("push")


async def test_keys_of_slots_half_way_are_found_where_they_are(cluster: RedisCluster):
    """Each at the first attempt, also while it is believed to be where its slot comes back to."""
    commands = Commands(connect(cluster.target))
    slots = [(tag, cluster.slot_of(tag)) for tag in map("{{moving-{}}}".format, range(4))]
    keys = [[f"{tag}:{number}" for number in range(10)] for tag, _ in slots]
    everything = [key for each in keys for key in each]
    under_way: list[tuple[int, int, int]] = []
    try:
        await asyncio.gather(*(commands.call("SET", key, key) for key in everything))
        await spread(commands, everything * 4)
        for _, slot in slots:
            cluster.move(slot)
        for (_, slot), half_way in zip(slots, keys, strict=True):
            source, target = cluster.start_move(slot)
            under_way.append((slot, source, target))
            for key in half_way[::2]:
                cluster.carry(key, source, target)
            assert await spread(commands, half_way * 4) == [each.encode() for each in half_way * 4]
        assert await spread(commands, everything) == [each.encode() for each in everything]
        for slot, source, target in under_way:
            cluster.finish_move(slot, source, target)
        assert await spread(commands, everything) == [each.encode() for each in everything]
    finally:
        await commands.aclose()


async def spread(commands: Commands, keys: Iterable[str]) -> list[bytes]:
    """What stands under each, asked in several batches at once, so over several connections."""
    waiting = []
    for position, key in enumerate(keys):
        waiting.append(commands.issue("GET", key))
        if position % 8 == 7:
            await asyncio.sleep(0)
    return await asyncio.gather(*waiting)


def keys_of(asked: list[str], names: list[str]) -> list[str]:
    """A key of each transaction, of its partition and of its user."""
    found = [transaction_id(auth_req_id) for auth_req_id in asked]
    return [
        *map(transaction_key, found),
        *(due_key(partition_of(each)) for each in found),
        *(devices_key(user_tag(name)) for name in names),
    ]


def move_all(cluster: RedisCluster, slots: set[int]) -> None:
    """One after the other, to another master."""
    for slot in slots:
        cluster.move(slot)


async def until_heard(bank: Bank) -> None:
    """Words of other processes arrive again."""
    async with asyncio.timeout(20):
        await bank.running.service.stores.subscription.ready.wait()
