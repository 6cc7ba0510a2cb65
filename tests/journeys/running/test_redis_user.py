"""The ACL users that the pages print may do all the service does, and nothing else."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from ciba_service.settings import StoreSettings
from ciba_service.store_access import failover_risks, open_store
from ciba_service.stores.driver.target import RedisTarget
from tests.redis.servers import redis_server
from tests.redis.topologies import CALM_MS, cluster_of_six
from tests.services.running_service import RunningService, running_service
from tests.wire.callback_endpoint import CallbackEndpoint, callback_endpoint, outbound_section
from tests.wire.client import WireClient

DOCS = Path(__file__).parents[3] / "docs"
PASSWORD = "correct-horse"
TOKEN = "n" * 22


def of_the_reference() -> tuple[list[str], list[str]]:
    """The rules for one server, and those that a cluster with replicas needs beside them."""
    page = (DOCS / "configuration.md").read_text("utf-8")
    told = page.partition("An ACL user that may do all the service does:")[2]
    single, cluster, wait = re.findall(r"`(.+?)`", told)[:3]
    return single.split(), [*cluster.split(), *wait.split()]


def of_the_tutorial() -> list[str]:
    """The rules for a cluster with replicas, between the password and the end of the line."""
    page = (DOCS / "tutorials/production.md").read_text("utf-8")
    found = re.search(r"^user ciba on >PASSWORD (.+)$", page, re.MULTILINE)
    assert found
    return found[1].split()


@dataclass(frozen=True)
class Guarded:
    """Servers that know the user, and how the service is told to reach them."""

    ports: tuple[int, ...]
    store: dict[str, Any]

    def refused(self) -> list[object]:
        """What any server has refused since it began, to whomever."""
        return [entry for port in self.ports for entry in as_operator(port, "ACL", "LOG")]


def as_operator(port: int, *words: str) -> Any:
    """What a server answers to somebody who may do everything."""
    with Redis(port=port) as operator:
        return operator.execute_command(*words)


def guarded(target: RedisTarget, rules: list[str], **store: Any) -> Guarded:
    """Have every server know the user by these rules."""
    ports = tuple(address.port for address in target.addresses)
    for port in ports:
        as_operator(port, "ACL", "SETUSER", "ciba", "on", f">{PASSWORD}", *rules)
    urls = [f"redis://127.0.0.1:{port}" for port in ports]
    return Guarded(ports, {"urls": urls, "username": "ciba", "password": PASSWORD, **store})


@pytest.fixture(scope="module", params=["reference", "tutorial"])
def redis(request: pytest.FixtureRequest) -> Iterator[Guarded]:
    """One server with the user of the reference, and a cluster with that of the tutorial."""
    with ExitStack() as stack:
        if request.param == "reference":
            server = stack.enter_context(redis_server())
            yield guarded(server, of_the_reference()[0])
        else:
            cluster = stack.enter_context(cluster_of_six(CALM_MS))
            yield guarded(cluster.target, of_the_tutorial(), mode="cluster", wait_for_replicas=1)


def test_both_pages_print_the_same_user():
    """What the reference adds up for a cluster with replicas is what the tutorial has."""
    single, more = of_the_reference()
    assert sorted([*single, *more]) == sorted(of_the_tutorial())


def test_the_user_of_a_cluster_may_follow_a_slot_on_its_way():
    """What is sent only while slots move, and what both pages leave out without it."""
    with redis_server() as server:
        (port,) = guarded(server, of_the_tutorial()).ports
        assert as_operator(port, "ACL", "DRYRUN", "ciba", "ASKING") == b"OK"


async def test_nothing_that_the_service_does_is_refused(redis: Guarded, tmp_path: Path):
    """Checked at the start; enrolled, asked, approved, pinged, redeemed; asked, taken back."""
    async with callback_endpoint(tmp_path) as endpoint:
        till, shop = WireClient("till"), WireClient("shop", metadata=pinged_at(endpoint))
        sections = {
            "outbound": outbound_section(tmp_path),
            "delivery": {"callback_delay_ms": 0},
            "store": redis.store,
        }
        settings = StoreSettings(**redis.store)
        async with open_store(settings, own=False) as store:
            await failover_risks(settings, store)
        async with running_service(
            settings.target(), tmp_path / "keys", clients=[till, shop], sections=sections
        ) as bank:
            await flow(bank, shop, endpoint)
            assert bank.telemetry.failures == []
    assert redis.refused() == []


def pinged_at(endpoint: CallbackEndpoint) -> dict[str, str]:
    """What a client registers that is pinged there."""
    return {
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": endpoint.url,
    }


async def flow(bank: RunningService, shop: WireClient, endpoint: CallbackEndpoint) -> None:
    """One request comes to its end in tokens, another is taken back while a phone shows it."""
    assert (await bank.http.get("/readyz")).status_code == 200
    phone = await bank.enrolled_phone("alice")
    async with phone.online() as socket:
        auth_req_id = await shop.started(client_notification_token=TOKEN)
        challenge = (await socket.next("challenge"))["challenge"]
        assert (await socket.decide(phone.approval(challenge)))["type"] == "accepted"
        assert (await endpoint.next()).json == {"auth_req_id": auth_req_id}
        assert (await shop.poll(auth_req_id)).status_code == 200
        taken_back = await bank.till.started()
        await socket.next("challenge")
        assert (await bank.till.cancel(taken_back)).status_code == 204
        assert (await socket.next("withdrawn"))["reason"] == "cancelled"


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET maxmemory",
        "CONFIG SET maxmemory-policy allkeys-lru",
        "KEYS ciba:*",
        "SHUTDOWN NOSAVE",
        "ACL LIST",
        "REPLICAOF NO ONE",
        "CLIENT LIST",
        "SCRIPT FLUSH",
        "GET other:key",
        "SPUBLISH other:channel word",
    ],
)
def test_the_user_may_do_nothing_else(redis: Guarded, command: str):
    """Neither end or empty a server, nor look around in it, nor touch what is not ours."""
    with (
        Redis(port=redis.ports[0], username="ciba", password=PASSWORD) as user,
        pytest.raises(NoPermissionError),
    ):
        user.execute_command(*command.split())
    as_operator(redis.ports[0], "ACL", "LOG", "RESET")
