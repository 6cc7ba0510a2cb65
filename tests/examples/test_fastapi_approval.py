"""``examples/fastapi_approval``: a server with tokens of its own that takes only the approval."""

from collections.abc import AsyncIterator

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from ciba_service.stores.driver.target import RedisTarget
from examples.fastapi_approval.authorization_server import create_server
from tests.ports import free_port
from tests.redis.servers import flush_all
from tests.services.hosts import Host, serving_host, settings_for
from tests.wire.client import ASSERTION_TYPE, CIBA, WireClient
from tests.wire.phone import WirePhone
from tests.wire.resource import PAYMENT, refusal

CODE = "ALICE-PHONE-ONE"


@pytest.fixture
async def server(
    embedded_target: RedisTarget, tmp_path_factory: pytest.TempPathFactory, till: WireClient
) -> AsyncIterator[Host]:
    """The server, and a till that is registered there."""
    await flush_all(embedded_target)
    port, keys = free_port(), tmp_path_factory.getbasetemp() / "keys"
    settings = settings_for(
        embedded_target,
        keys,
        f"http://127.0.0.1:{port}",
        [till.registration()],
        users=[{"sub": "alice", "activation_code": CODE}],
    )
    async with serving_host(create_server(settings), port) as host:
        host.lend(till)
        yield host


@pytest.fixture
async def phone(server: Host) -> WirePhone:
    """Alice's phone."""
    return await server.phone.enrol(CODE)


async def test_an_approval_becomes_a_token_of_the_server(
    server: Host, till: WireClient, phone: WirePhone
):
    """Its own keys, its own claims; the amount is the one that was signed."""
    auth_req_id = await till.started(authorization_details=[PAYMENT])
    assert refusal(await till.poll(auth_req_id)) == (400, "authorization_pending")
    assert refusal(await till.poll(auth_req_id)) == (400, "slow_down")
    await phone.approve_next()
    tokens = (await till.poll(auth_req_id)).json()
    keys = KeySet.import_key_set((await server.http.get("/jwks")).json())
    access = jwt.decode(tokens["access_token"], keys, algorithms=["ES256"]).claims
    assert (access["sub"], access["iss"]) == ("alice", server.issuer)
    assert access["authorization_details"] == [PAYMENT]
    assert jwt.decode(tokens["id_token"], keys, algorithms=["ES256"]).claims["aud"] == "till"
    assert refusal(await till.poll(auth_req_id)) == (400, "invalid_grant")


async def test_a_denial_and_a_stranger_get_nothing(till: WireClient, phone: WirePhone):
    """CIBA's refusals come from the service, those of authentication from the server."""
    auth_req_id = await till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    assert refusal(await till.poll(auth_req_id)) == (400, "access_denied")
    assert refusal(await till.poll("nonsense")) == (400, "invalid_grant")
    wrong = await till.poll(auth_req_id, grant_type="password")
    assert refusal(wrong) == (400, "unsupported_grant_type")
    replayed = till.credentials()
    await till.poll(auth_req_id, **replayed)
    stale, foreign = till.assertion(exp=1), till.assertion(aud="https://elsewhere.example")
    for assertion in (replayed["client_assertion"], stale, foreign, "", "a.b.c"):
        sent = {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
        assert refusal(await till.poll(auth_req_id, **sent)) == (401, "invalid_client")


async def test_forms_are_bounded_and_name_a_parameter_once(server: Host, till: WireClient):
    """Whatever else is in them, and however long they go on."""
    twice = {"grant_type": CIBA, "auth_req_id": ["A" * 43, "B" * 43], **till.credentials()}
    for form in (twice, {"grant_type": "A" * 65_536}):
        answer = await server.http.post("/token", data=form)
        assert refusal(answer) == (400, "invalid_request")


async def test_metadata_is_the_servers(server: Host):
    """It names the token endpoint of the server and the backchannel endpoint of the service."""
    metadata = (await server.http.get("/.well-known/openid-configuration")).json()
    assert metadata["token_endpoint"] == f"{server.issuer}/token"
    assert metadata["backchannel_authentication_endpoint"] == f"{server.issuer}/bc-authorize"
