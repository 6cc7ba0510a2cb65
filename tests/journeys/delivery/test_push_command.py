"""A push client at the command line, with the service as a process of its own."""

import json
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ciba_service.sca.messages import transaction_id
from tests.ports import free_port
from tests.services.service_process import Installation, installation
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone

AUTH_REQ_ID = "urn:openid:params:jwt:claim:auth_req_id"
ASK = ("start", "--config", "client.toml", "--login-hint", "alice", "--binding-message", "W4SCT")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation whose client is pushed to on this machine, and the client's file."""
    lines = {
        "backchannel_token_delivery_mode": "push",
        "backchannel_client_notification_endpoint": f"http://127.0.0.1:{free_port()}/push",
    }
    async with installation(tmp_path) as place:
        metadata = {**lines, "grant_types": [CIBA, "refresh_token"]}
        place.till = WireClient("till", metadata=metadata)
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


async def test_a_push_client_is_brought_its_tokens(place: Installation, alice: WirePhone):
    """It listens where it is registered, and verifies what comes."""
    async with alice.online() as socket:
        waiting = await client(place, *ASK, "--wait")
        offered = await socket.next("challenge")
        decided = await socket.decide(alice.approval(offered["challenge"]))
        out, err = await waiting.communicate()
    assert decided["type"] == "accepted"
    assert waiting.returncode == 0, err.decode()
    claims = json.loads(out)
    assert (claims["sub"], claims[AUTH_REQ_ID]) == ("alice", "(hidden)")
    story = [line.split(" s  ")[1] for line in err.decode().splitlines()]
    assert story[1:] == [
        "the user is being asked: 180 s to decide, the provider will push the outcome",
        "tokens received, the ID token is verified",
    ]


async def test_an_endpoint_that_misbehaves_is_pushed_to_again(
    place: Installation, alice: WirePhone
):
    """What came is shown decoded each time; the second answer ends it."""
    endpoint = place.till.metadata["backchannel_client_notification_endpoint"]
    address = endpoint.removeprefix("http://").removesuffix("/push")
    listening = ("listen", "--listen", address, "--json", "--count", "2")
    shown = await client(place, *listening, "--answer", "429", "--answer", "204")
    assert shown.stderr is not None
    await shown.stderr.readline()
    async with alice.online() as socket:
        started = await place.run("ciba-client", *ASK)
        offered = await socket.next("challenge")
        await socket.decide(alice.approval(offered["challenge"]))
    out, _ = await shown.communicate()
    first, second = (json.loads(line) for line in out.splitlines())
    assert [(seen["attempt"], seen["answered"]) for seen in (first, second)] == [
        (1, "429"),
        (2, "204"),
    ]
    assert set(started.json()) == {"auth_req_id", "expires_in"}
    assert first["transaction_id"] == transaction_id(started.json()["auth_req_id"])
    assert first["push"] == second["push"]
    assert first["push"]["id_token"]["claims"]["sub"] == "alice"
    assert first["push"]["access_token"]["claims"]["client_id"] == "till"
    assert started.json()["auth_req_id"] not in out.decode()


async def test_who_interrupts_the_wait_takes_the_prompt_from_the_phone(
    place: Installation, alice: WirePhone
):
    """Ctrl-C at the till."""
    async with alice.online() as socket:
        waiting = await client(place, *ASK, "--wait")
        await socket.next("challenge")
        assert waiting.stderr is not None
        while b"the user is being asked" not in (line := await waiting.stderr.readline()):
            assert line
        waiting.send_signal(signal.SIGINT)
        assert (await socket.next("withdrawn"))["reason"] == "cancelled"
        _, err = await waiting.communicate()
    assert waiting.returncode == 130
    assert "the request is cancelled" in err.decode()


async def test_a_request_is_cancelled_by_its_id(place: Installation, alice: WirePhone):
    """Once; what was decided is not."""
    started = (await place.run("ciba-client", *ASK)).json()
    cancel = ("ciba-client", "cancel", "--config", "client.toml", started["auth_req_id"])
    for _ in range(2):
        assert (await place.run(*cancel)).json() == {"outcome": "cancelled"}
    assert await alice.fetch() == []
    denied = (await place.run("ciba-client", *ASK)).json()
    (challenge,) = await alice.fetch()
    await alice.decide(alice.denial(challenge))
    refused = await place.run(*cancel[:-1], denied["auth_req_id"])
    assert (refused.status, refused.out) == (1, "")
    assert "nothing to cancel" in refused.err
