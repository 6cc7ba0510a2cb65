"""A ping client at the command line, with the service as a process of its own."""

import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ciba_service.sca.messages import transaction_id
from tests.ports import free_port
from tests.services.service_process import Installation, installation
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation whose client is pinged on this machine, and the client's file."""
    endpoint = f"http://127.0.0.1:{free_port()}/ping"
    lines = {
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": endpoint,
    }
    async with installation(tmp_path) as place:
        place.till = WireClient("till", metadata=lines)
        place.configure(outbound={"allow_loopback_http": True}, device={"second_secret": False})
        key = tmp_path / "till.pem"
        key.write_bytes(place.till.key.as_pem(private=True))
        key.chmod(0o600)
        told = {"issuer": place.issuer, "client_id": "till", "key": key.name, "kid": "key-1"}
        (tmp_path / "client.toml").write_text(
            "".join(f'{name} = "{value}"\n' for name, value in {**told, **lines}.items())
        )
        await place.serve()
        yield place


@pytest.fixture
async def alice(place: Installation) -> WirePhone:
    """Alice's phone."""
    made = (await place.command("users", "activate", "alice", "--json")).json()
    return await place.phone().enrol(made["activation_code"])


async def client(place: Installation, *arguments: str) -> Process:
    """Start ``ciba-client``."""
    return await place.start("ciba-client", *arguments, stdout=PIPE, stderr=PIPE)


ASK = ("start", "--config", "client.toml", "--login-hint", "alice", "--binding-message", "W4SCT")


async def test_a_ping_client_waits_without_polling(place: Installation, alice: WirePhone):
    """It listens where it is registered; the ping comes, then the tokens with one request."""
    async with alice.online() as socket:
        waiting = await client(place, *ASK, "--wait")
        offered = await socket.next("challenge")
        decided = await socket.decide(alice.approval(offered["challenge"]))
        out, err = await waiting.communicate()
    assert decided["type"] == "accepted"
    assert waiting.returncode == 0, err.decode()
    assert json.loads(out)["sub"] == "alice"
    listening, asked, *story = [line.split(" s  ")[1] for line in err.decode().splitlines()]
    assert listening.startswith("listening for notifications at http://127.0.0.1:")
    assert asked.endswith("the provider will notify")
    assert story == [
        "notified: the decision is there",
        "tokens received, the ID token is verified",
    ]


async def test_a_denial_is_notified_as_well(place: Installation, alice: WirePhone):
    """The ping says only that there is a decision."""
    async with alice.online() as socket:
        waiting = await client(place, *ASK, "--wait", "--json")
        offered = await socket.next("challenge")
        await socket.decide(alice.denial(offered["challenge"]))
        out, err = await waiting.communicate()
    assert waiting.returncode == 1
    assert json.loads(out)["error"] == "access_denied"
    assert "notified: the decision is there" in err.decode()


async def test_an_endpoint_that_misbehaves_shows_what_the_service_does(
    place: Installation, alice: WirePhone
):
    """A redirect is not followed, and the tokens are there all the same."""
    endpoint = place.till.metadata["backchannel_client_notification_endpoint"]
    address = endpoint.removeprefix("http://").removesuffix("/ping")
    shown = await client(place, "listen", "--listen", address, "--answer", "301", "--json")
    assert shown.stdout is not None
    assert shown.stderr is not None
    await shown.stderr.readline()
    async with alice.online() as socket:
        started = await place.run("ciba-client", *ASK)
        offered = await socket.next("challenge")
        await socket.decide(alice.approval(offered["challenge"]))
    seen = json.loads(await shown.stdout.readline())
    assert (seen["attempt"], seen["problem"], seen["answered"]) == (1, None, "301")
    assert seen["transaction_id"] == transaction_id(started.json()["auth_req_id"])
    polled = await place.run(
        *("ciba-client", "poll", "--config", "client.toml", "--interval", "1"),
        *("--auth-req-id", started.json()["auth_req_id"]),
    )
    assert polled.json()["sub"] == "alice"
    shown.terminate()
    rest, _ = await shown.communicate()
    assert rest == b""
