"""``serve --workers``: processes that are as one; none outlives the parent."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from ciba_service.protocol.client.logo import parse_logo
from tests.png import png
from tests.ports import free_port
from tests.redis.servers import redis_server
from tests.services.running_service import PLAIN
from tests.services.server_side import owner_of
from tests.services.service_process import (
    READY_SECONDS,
    Installation,
    Serving,
    gone,
    installation,
    parent_of,
)
from tests.wire.client import CIBA, WireClient
from tests.wire.operator import operator
from tests.wire.signing import claims_of

PRESET = "ALICE-PHONE-ONE"
ALICE = {"sub": "alice", "activation_code": PRESET}
DEVELOPMENT: dict[str, Any] = {"users": (ALICE,), "device": {"second_secret": False}}
MANY = 200
"""Connections, of which one worker will not get all."""
ROUNDS = 12
"""Enough for both processes to come first now and then."""


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation for development, with a preset activation code."""
    async with installation(tmp_path) as place:
        place.configure(**DEVELOPMENT)
        yield place


async def served_by_two(place: Installation) -> Serving:
    """A parent with two workers, both of which serve."""
    serving = await place.serve("--workers", "2")
    await said(serving, "listening")
    return serving


def workers_of(serving: Serving) -> list[int]:
    """The processes that a parent started and that serve."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes()
            if b"workers.worker" in line and parent_of(int(entry.name)) == serving.process.pid:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@asynccontextmanager
async def connected_to(place: Installation, pid: int, pids: list[int]) -> AsyncIterator[Any]:
    """HTTP over one connection, which this worker has accepted."""
    async with AsyncExitStack() as stack:
        for _ in range(MANY):
            http = await stack.enter_async_context(
                httpx2.AsyncClient(base_url=place.issuer, verify=PLAIN, timeout=READY_SECONDS)
            )
            answer = await http.get("/healthz")
            stream = answer.extensions["network_stream"]
            if owner_of(stream.get_extra_info("client_addr"), pids) == pid:
                break
        else:
            pytest.fail("the worker accepts nobody")
        yield http


async def held_poll(client: WireClient, auth_req_id: str) -> httpx2.Response:
    """A poll that waits for the decision."""
    form = {"grant_type": CIBA, "auth_req_id": auth_req_id, **client.credentials()}
    return await client.post("/token", form, headers={"prefer": "wait=20"})


async def test_a_request_is_the_same_in_every_process(place: Installation):
    """Made at one, shown by another, decided at a third, known at once to all, and redeemed once.

    No proxy in front need bring anybody back to where it was.
    """
    operators = {"operators": [operator("anna", "a-token-of-an-operator", "read")]}
    apart = {"CIBA_SERVER__PORT": str(free_port()), "CIBA_OPERATOR__PORT": str(free_port())}
    till = place.till
    till.metadata["polling_interval"] = 0
    with redis_server() as redis:
        (address,) = redis.addresses
        place.configure(
            **DEVELOPMENT,
            **operators,
            operator={"port": free_port()},
            store={"url": f"redis://{address.host}:{address.port}"},
        )
        serving = await served_by_two(place)
        first, second = pids = workers_of(serving)
        phone = await place.phone().enrol(PRESET)
        other = f"http://127.0.0.1:{apart['CIBA_SERVER__PORT']}"
        await place.start("ciba-service", "serve", "--config", str(place.config), env=apart)
        async with AsyncExitStack() as stack:
            here = await stack.enter_async_context(connected_to(place, first, pids))
            there = await stack.enter_async_context(connected_to(place, second, pids))
            elsewhere = await stack.enter_async_context(
                httpx2.AsyncClient(base_url=other, verify=PLAIN, timeout=READY_SECONDS)
            )
            await ready(elsewhere)
            online = await stack.enter_async_context(phone.online())
            shown_by = owner_of(online.raw.local_address, pids)
            till.http = here if shown_by == second else there
            auth_req_id = await till.started()
            async with asyncio.timeout(READY_SECONDS):
                challenge = (await online.next("challenge"))["challenge"]
            for door in (here, there, elsewhere):
                till.http = door
                assert (await till.poll(auth_req_id)).json()["error"] == "authorization_pending"
            till.http = here
            waiting = asyncio.create_task(held_poll(till, auth_req_id))
            phone.http = elsewhere
            assert (await phone.decide(phone.approval(challenge)))["type"] == "accepted"
            tokens = (await waiting).json()
            assert claims_of(tokens["id_token"])["sub"] == "alice"
            assert [await outcome(till, door, auth_req_id) for door in (there, elsewhere)] == [
                "invalid_grant"
            ] * 2
            async with asyncio.timeout(READY_SECONDS):
                assert (await online.next("withdrawn"))["transaction_id"]
        assert await serving.terminate() == 0


async def outcome(till: WireClient, door: httpx2.AsyncClient, auth_req_id: str) -> str:
    """What a poll there is told."""
    till.http = door
    return str((await till.poll(auth_req_id)).json()["error"])


async def ready(http: httpx2.AsyncClient) -> None:
    """Wait until it serves."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                if (await http.get("/readyz")).status_code == 200:
                    return
            except httpx2.ConnectError:
                await asyncio.sleep(0.02)


async def test_a_worker_that_is_killed_is_replaced_and_no_orphan_outlives_the_parent(
    place: Installation,
):
    """The embedded server is the parent's: it goes on, and ends with it.

    Who comes in its place knows the clients of the last reload, and has limits as all began with.
    """
    place.configure(**DEVELOPMENT, server={"workers": 2})
    serving = await place.serve()
    await said(serving, "listening")
    phone = await place.phone().enrol(PRESET)
    auth_req_id = await place.till.started()
    other = WireClient("other", place.till.alg, place.till.key, issuer=place.issuer)
    other.clock = place.till.clock
    changed = {"server": {"workers": 2, "max_connections": 1}, "clients": (place.till, other)}
    place.configure(**{**DEVELOPMENT, **changed})
    await told(serving, "configuration_reloaded", 2)
    server, workers = place.server_pid(), workers_of(serving)
    async with phone.online() as online:
        holder = owner_of(online.raw.local_address, workers)
        assert holder is not None
        os.kill(holder, signal.SIGKILL)
        async with asyncio.timeout(READY_SECONDS):
            with pytest.raises(ConnectionClosed):
                await online.next("nothing more")
    async with httpx2.AsyncClient(base_url=place.issuer, verify=PLAIN) as http:
        place.till.http = phone.http = http
        assert (await phone.approve_next())["type"] == "accepted"
        await said(serving, "worker_restarted")
        assert (await place.till.poll(auth_req_id)).status_code == 200
    replaced = workers_of(serving)
    assert len(replaced) == 2
    assert holder not in replaced
    assert place.server_pid() == server
    (renewed,) = set(replaced) - set(workers)
    async with connected_to(place, renewed, replaced) as other.http:
        assert (await other.start()).status_code == 200
    await serving.kill()
    await asyncio.gather(*map(gone, [server, *replaced]))
    assert place.leftovers() == []


async def test_a_worker_is_replaced_although_a_file_of_a_former_client_is_gone(
    place: Installation,
):
    """The configuration that all began with named it; that of the last reload names another."""
    former, present = (place.directory / name for name in ("former.png", "present.png"))

    def show(logo: Path) -> None:
        logo.write_bytes(png(width=len(logo.name)))
        shown = WireClient("shown", key=place.till.key, metadata={"logo_file": str(logo)})
        place.configure(**DEVELOPMENT, clients=(place.till, shown))

    show(former)
    serving = await served_by_two(place)
    show(present)
    former.unlink()
    await told(serving, "configuration_reloaded", 2)
    workers = workers_of(serving)
    os.kill(workers[0], signal.SIGKILL)
    await said(serving, "worker_restarted")
    replaced = workers_of(serving)
    (renewed,) = set(replaced) - set(workers)
    name = parse_logo(present.read_bytes()).name
    async with connected_to(place, renewed, replaced) as http:
        assert (await http.get(f"/device/logos/{name}")).content == present.read_bytes()
    assert await serving.terminate() == 0


async def test_a_reload_reaches_all_or_none_and_so_does_the_end(place: Installation):
    """What is refused is said once; phones of every worker are let go with the same code."""
    serving = await served_by_two(place)
    phone = await place.phone().enrol(PRESET)
    good = place.config.read_text("utf-8")
    place.config.write_text(good + "\n[nonsense]\n", "utf-8")
    await told(serving, "configuration_refused", 1)
    place.configure(**{**DEVELOPMENT, "users": (ALICE, {"sub": "bob"})})
    await told(serving, "configuration_reloaded", 2)
    reloaded = [each for each in serving.events() if each["event"] == "configuration_reloaded"]
    assert sorted((each["worker"], each["users"]) for each in reloaded) == [(0, 2), (1, 2)]
    assert names(serving).count("configuration_refused") == 1
    async with phone.online() as online, asyncio.timeout(READY_SECONDS):
        assert await serving.terminate() == 0
        with pytest.raises(ConnectionClosed) as closed:
            await online.next("nothing more")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert [names(serving).count(name) for name in ("listening", "stopped")] == [1, 1]
    assert names(serving)[-1] == "stopped"
    assert place.leftovers() == []


async def test_what_is_wrong_is_said_once(place: Installation):
    """Whatever it is with: here the second worker's port for metrics, which is taken."""
    place.configure(metrics={"port": place.port - 1})
    process = await place.start(
        "ciba-service", "serve", "--config", str(place.config), "--workers", "3", stderr=PIPE
    )
    async with asyncio.timeout(READY_SECONDS):
        _, complaint = await process.communicate()
    assert process.returncode == 1
    (line,) = complaint.decode().splitlines()
    assert line.startswith(f"ciba-service: cannot listen on 127.0.0.1:{place.port}: ")
    assert place.leftovers() == []


def names(serving: Serving) -> list[str]:
    """The events in its log so far."""
    return [each["event"] for each in serving.events()]


async def told(serving: Serving, name: str, number: int) -> None:
    """Send a hangup, and wait for what the log says of it."""
    serving.process.send_signal(signal.SIGHUP)
    await said(serving, name, number)


async def said(serving: Serving, name: str, number: int = 1) -> None:
    """Wait until the log says so."""
    async with asyncio.timeout(READY_SECONDS):
        while names(serving).count(name) < number:  # noqa: ASYNC110 - in its log
            await asyncio.sleep(0.02)


async def test_of_what_two_processes_are_told_at_once_one_counts(place: Installation):
    """Approved and denied, approved and taken back, collected twice: never both, and never none."""
    till = place.till
    till.metadata["polling_interval"] = 0
    # Whoever loses every race here is declined more often than a client may be.
    place.configure(**DEVELOPMENT, limits={"denials": 0})
    serving = await served_by_two(place)
    first, second = pids = workers_of(serving)
    phone = await place.phone().enrol(PRESET)
    async with (
        connected_to(place, first, pids) as here,
        connected_to(place, second, pids) as there,
    ):
        clients = [replace(till, http=door) for door in (here, there)]
        phones = [replace(phone, http=door) for door in (here, there)]
        for number in range(ROUNDS):
            one, other = number % 2, 1 - number % 2
            auth_req_id = await clients[one].started()
            (challenge,) = await phones[other].fetch()
            words = await asyncio.gather(
                phones[one].decide(phone.approval(challenge)),
                phones[other].decide(phone.denial(challenge)),
            )
            accepted = [each["type"] == "accepted" for each in words]
            assert sum(accepted) == 1
            answers = await asyncio.gather(*(each.poll(auth_req_id) for each in clients))
            codes = sorted(each.status_code for each in answers)
            assert codes == ([200, 400] if accepted[0] else [400, 400])

            auth_req_id = await clients[one].started()
            (challenge,) = await phones[other].fetch()
            word, cancelled = await asyncio.gather(
                phones[one].decide(phone.approval(challenge)),
                clients[other].cancel(auth_req_id),
            )
            assert cancelled.status_code == 204
            answers = await asyncio.gather(*(each.poll(auth_req_id) for each in clients))
            assert [each.status_code for each in answers] == [400, 400]
            assert word["type"] in {"accepted", "refused"}
    assert await serving.terminate() == 0
