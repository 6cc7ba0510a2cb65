"""``examples/node_token_endpoint``: another language's token endpoint asks for the grant."""

import asyncio
import json
import os
import secrets
import socket
import struct
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from ciba_service.embedding import create_service
from ciba_service.stores.driver.target import RedisTarget
from tests.interop.node_program import NODE, SECONDS
from tests.ports import free_port
from tests.redis.servers import flush_all
from tests.services.hosts import Host, serving_host, settings_for
from tests.services.running_service import PLAIN
from tests.wire.client import CIBA, WireClient
from tests.wire.grants import token_endpoint
from tests.wire.phone import WirePhone
from tests.wire.resource import PAYMENT, refusal

PROGRAM = Path(__file__).parents[2] / "examples" / "node_token_endpoint" / "token_endpoint.mjs"
CODE = "ALICE-PHONE-ONE"


@asynccontextmanager
async def node_server(
    directory: Path, config: dict[str, object], token: str
) -> AsyncIterator[Host]:
    """The program until the end of the block."""
    assert NODE.exists(), "run scripts/ensure-node.sh"
    file, issuer = directory / "server.json", str(config["issuer"])
    file.write_text(json.dumps(config), "utf-8")
    process = await asyncio.create_subprocess_exec(
        NODE, PROGRAM, file, stdout=PIPE, env={**os.environ, "GRANT_TOKEN": token}
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(SECONDS):
            assert b"token endpoint at" in await process.stdout.readline()
        async with httpx2.AsyncClient(base_url=issuer, verify=PLAIN, timeout=SECONDS) as http:
            yield Host(issuer, http, issuer)
    finally:
        process.kill()
        await process.communicate()


@pytest.fixture
async def server(
    embedded_target: RedisTarget,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    till: WireClient,
) -> AsyncIterator[Host]:
    """The token endpoint in front of an approval backend; all of them call it the issuer."""
    await flush_all(embedded_target)
    port, own_port, token = free_port(), free_port(), secrets.token_urlsafe(32)
    issuer, keys = f"http://127.0.0.1:{port}", tmp_path_factory.getbasetemp() / "keys"
    settings = settings_for(
        embedded_target,
        keys,
        issuer,
        [till.registration()],
        server={"issuer": issuer, "doors": "approval_backend"},
        token_endpoints=[token_endpoint("node", token, clients=["till"])],
        users=[{"sub": "alice", "activation_code": CODE}],
    )
    config = {
        "issuer": issuer,
        "port": port,
        "ciba_service": f"http://127.0.0.1:{own_port}",
        "clients": {"till": {"jwks": till.registration()["jwks"]}},
    }
    async with (
        serving_host(create_service(settings).app, own_port),
        node_server(tmp_path, config, token) as host,
    ):
        host.lend(till)
        yield host


@pytest.fixture
async def phone(server: Host) -> WirePhone:
    """Alice's phone."""
    return await server.phone.enrol(CODE)


async def test_the_phone_approves_and_node_mints(server: Host, till: WireClient, phone: WirePhone):
    """A whole flow at one address: asked, shown on a socket, approved, redeemed, signed by Node."""
    async with phone.online() as socket:
        auth_req_id = await till.started(authorization_details=[PAYMENT])
        assert refusal(await till.poll(auth_req_id)) == (400, "authorization_pending")
        assert refusal(await till.poll(auth_req_id)) == (400, "slow_down")
        assert (await socket.receive())["type"] == "challenge"
    await phone.approve_next()
    answer = await till.poll(auth_req_id)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    keys = KeySet.import_key_set((await server.http.get("/jwks")).json())
    access = jwt.decode(answer.json()["access_token"], keys, algorithms=["ES256"]).claims
    assert (access["sub"], access["client_id"], access["iss"]) == ("alice", "till", server.issuer)
    assert access["authorization_details"] == [PAYMENT]
    assert refusal(await till.poll(auth_req_id)) == (400, "invalid_grant")
    denied = await till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    assert refusal(await till.poll(denied)) == (400, "access_denied")


async def test_node_knows_its_clients_itself(server: Host, till: WireClient):
    """Assertions that are forged, stale, for others or used never reach the service."""
    used = till.credentials()
    assert refusal(await till.poll("A" * 43, **used)) == (400, "invalid_grant")
    stale, foreign = till.assertion(exp=1), till.assertion(aud="https://elsewhere.example")
    unsigned = till.assertion(header={"alg": "none"})[:-4] + "AAAA"
    for each in (used["client_assertion"], stale, foreign, unsigned, "", "a.b.c"):
        assert refusal(await till.poll("A" * 43, client_assertion=each)) == (401, "invalid_client")
    wrong = await till.poll("A" * 43, grant_type="password")
    assert refusal(wrong) == (400, "unsupported_grant_type")
    metadata = (await server.http.get("/.well-known/openid-configuration")).json()
    assert metadata["token_endpoint"] == f"{server.issuer}/token"


async def test_whatever_strangers_send_it_goes_on(server: Host, till: WireClient):
    """What is no URL, and a phone that is cut off before the service has answered."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    for line, headers in ((b"GET //", b""), (b"GET http://[", b""), (b"GET /elsewhere", upgrade)):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.http.base_url.port)
        writer.write(line + b" HTTP/1.1\r\nHost: node\r\n" + headers + b"\r\n")
        assert await reader.readline() == b"HTTP/1.1 404 Not Found\r\n"
        writer.close()
    _, writer = await asyncio.open_connection("127.0.0.1", server.http.base_url.port)
    writer.write(b"GET /device/socket HTTP/1.1\r\nHost: node\r\n" + upgrade + b"\r\n")
    await writer.drain()
    writer.transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    writer.transport.abort()
    assert refusal(await till.poll("A" * 43)) == (400, "invalid_grant")


async def test_the_grant_api_is_not_for_the_world(server: Host):
    """What is passed on is what phones and clients call, however its path is written."""
    for path in ("/grants/ciba/redeem", "/%67rants/ciba/redeem", "/bc-authorized", "/healthz"):
        assert (await server.http.post(path)).status_code == 404


async def test_a_parameter_is_named_once(server: Host, till: WireClient):
    """RFC 6749 3.2: which of two counts must not depend on who reads them."""
    sent = {"grant_type": CIBA, "auth_req_id": ["A" * 43, "B" * 43], **till.credentials()}
    assert refusal(await server.http.post("/token", data=sent)) == (400, "invalid_request")
