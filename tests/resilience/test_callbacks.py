"""Callbacks of processes that are killed: made by whoever is there next, never lost.

What may come twice is what the client had got and could not acknowledge, and then to the letter.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.redis.servers import redis_server
from tests.services.service_process import (
    READY_SECONDS,
    Installation,
    Serving,
    gone,
    installation,
    killed,
    restarted,
)
from tests.wire.callback_endpoint import CallbackEndpoint, callback_endpoint, outbound_section
from tests.wire.phone import WirePhone

TOKEN = "notify-me-with-this-token"
PRESET = "ALICE-PHONE-ONE"
ALICE = {"sub": "alice", "activation_code": PRESET}
SHORTEST_TIMEOUT = 1_000


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[CallbackEndpoint]:
    """Where the till is pinged."""
    async with callback_endpoint(tmp_path) as serving:
        yield serving


def configure(place: Installation, directory: Path, delay: int, **sections: dict[str, Any]) -> None:
    """Callbacks after ``delay`` milliseconds, to an endpoint with the least time to answer."""
    place.configure(
        users=(ALICE,),
        device={"second_secret": False},
        outbound=outbound_section(directory),
        delivery={"callback_delay_ms": delay, "answer_timeout_ms": SHORTEST_TIMEOUT},
        **sections,
    )


@pytest.fixture
async def place(tmp_path: Path, endpoint: CallbackEndpoint) -> AsyncIterator[Installation]:
    """An installation whose till is pinged."""
    async with pinging(tmp_path, endpoint) as place:
        yield place


@asynccontextmanager
async def pinging(directory: Path, endpoint: CallbackEndpoint) -> AsyncIterator[Installation]:
    """An installation in a directory; its till is a client that is pinged."""
    async with installation(directory) as place:
        place.till.metadata |= {
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": endpoint.url,
        }
        yield place


async def approved(place: Installation, phone: WirePhone) -> str:
    """A request of the till that the user has approved."""
    auth_req_id = await place.till.started(client_notification_token=TOKEN)
    assert (await phone.approve_next())["type"] == "accepted"
    return auth_req_id


async def delivered(serving: Serving) -> None:
    """Wait until a process has delivered a callback."""
    async with asyncio.timeout(READY_SECONDS):
        while "callback_delivered" not in [line["event"] for line in serving.events()]:
            assert serving.process.returncode is None
            await asyncio.sleep(0.05)


def hold_same(endpoint: CallbackEndpoint, auth_req_id: str, times: int) -> None:
    """Hold that one ping came so often, always the same."""
    assert len(endpoint.received) == times
    for ping in endpoint.received:
        assert ping == endpoint.received[0]
        assert ping.json == {"auth_req_id": auth_req_id}
        assert ping.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.clause("ciba-10.2-1")
async def test_a_service_killed_before_its_callback_makes_it_when_it_is_back(
    place: Installation, endpoint: CallbackEndpoint, tmp_path: Path
):
    """Decided, killed, started again: one ping, and the tokens."""
    configure(place, tmp_path, delay=5_000)
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    auth_req_id = await approved(place, phone)
    assert endpoint.received == []
    serving = await restarted(place, serving)
    await delivered(serving)
    hold_same(endpoint, auth_req_id, 1)
    assert (await place.till.poll(auth_req_id)).status_code == 200
    assert await serving.terminate() == 0


@pytest.mark.clause("ciba-10.2-1")
async def test_a_service_killed_while_its_callback_is_under_way_makes_it_again(
    place: Installation, endpoint: CallbackEndpoint, tmp_path: Path
):
    """The client had it and answers too late: it comes once more, to the letter, and no more."""
    configure(place, tmp_path, delay=0)
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    endpoint.may_answer.clear()
    auth_req_id = await approved(place, phone)
    await endpoint.next()
    await killed(place, serving)
    endpoint.may_answer.set()
    serving = await place.serve()
    await delivered(serving)
    hold_same(endpoint, auth_req_id, 2)
    assert (await place.till.poll(auth_req_id)).status_code == 200
    assert await serving.terminate() == 0


@pytest.mark.clause("ciba-10.2-1")
@pytest.mark.parametrize(
    ("delay", "times"), [(5_000, 1), (0, 2)], ids=["before its callback", "while under way"]
)
async def test_another_process_makes_the_callback_of_one_that_was_killed(
    place: Installation, endpoint: CallbackEndpoint, tmp_path: Path, delay: int, times: int
):
    """Two services over one Redis: the one that lives does it, and nobody comes back."""
    other_directory = tmp_path / "other"
    other_directory.mkdir()
    with redis_server() as target:
        async with pinging(other_directory, endpoint) as other:
            other.till = place.till
            shared = {
                "store": {"url": f"redis://127.0.0.1:{target.addresses[0].port}"},
                "keys": {"directory": str(tmp_path / "keys")},
            }
            configure(place, tmp_path, delay, **shared)
            configure(other, tmp_path, delay, server={"issuer": place.issuer}, **shared)
            serving = await place.serve()
            living = await other.serve()
            phone = await place.phone().enrol(PRESET)
            if delay == 0:
                endpoint.may_answer.clear()
            auth_req_id = await approved(place, phone)
            if delay == 0:
                await endpoint.next()
            await serving.kill()
            endpoint.may_answer.set()
            await delivered(living)
            hold_same(endpoint, auth_req_id, times)
            assert await living.terminate() == 0


@pytest.mark.clause("ciba-10.3-1")
@pytest.mark.parametrize(("delay", "times"), [(5_000, 1), (0, 2)], ids=["before it", "under way"])
async def test_a_push_of_a_service_that_was_killed_comes_with_the_same_tokens(
    place: Installation, endpoint: CallbackEndpoint, tmp_path: Path, delay: int, times: int
):
    """Decided, killed, started again: the same bytes if it had been sent, and tokens that work."""
    place.till.metadata["backchannel_token_delivery_mode"] = "push"
    configure(place, tmp_path, delay)
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    if delay == 0:
        endpoint.may_answer.clear()
    auth_req_id = await approved(place, phone)
    if delay == 0:
        await endpoint.next()
    await killed(place, serving)
    endpoint.may_answer.set()
    serving = await place.serve()
    await delivered(serving)
    assert len(endpoint.received) == times
    assert len({push.body for push in endpoint.received}) == 1
    told = endpoint.received[0].json
    assert told["auth_req_id"] == auth_req_id
    bearer = {"Authorization": f"Bearer {told['access_token']}"}
    answer = await place.http.get(f"{place.issuer}/userinfo", headers=bearer)
    assert answer.status_code == 200
    assert await serving.terminate() == 0


@pytest.mark.clause("ciba-10.2-1")
@pytest.mark.parametrize(
    ("delay", "times"), [(2_000, 1), (0, 2)], ids=["before its callback", "while under way"]
)
async def test_a_callback_is_made_although_the_store_was_killed(
    place: Installation, endpoint: CallbackEndpoint, tmp_path: Path, delay: int, times: int
):
    """The server comes back with its append-only file, and in it the callback that is due."""
    configure(place, tmp_path, delay)
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    if delay == 0:
        endpoint.may_answer.clear()
    auth_req_id = await approved(place, phone)
    if delay == 0:
        await endpoint.next()
    server = place.server_pid()
    os.kill(server, signal.SIGKILL)
    await gone(server)
    endpoint.may_answer.set()
    await delivered(serving)
    assert place.server_pid() != server
    hold_same(endpoint, auth_req_id, times)
    assert (await place.till.poll(auth_req_id)).status_code == 200
    assert await serving.terminate() == 0
