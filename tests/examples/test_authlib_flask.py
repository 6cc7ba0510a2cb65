"""``examples/authlib_flask``: a bank's own Flask application, to which CIBA was added."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ciba_service.sca.messages import transaction_id
from ciba_service.stores.driver.target import RedisTarget
from examples.authlib_flask.clients import ClientTable
from examples.authlib_flask.site import HERE, create_site
from tests.ports import free_port
from tests.redis.servers import flush_all
from tests.services.hosts import Host, serving_host, settings_for
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

METHOD = {"token_endpoint_auth_method": "private_key_jwt"}
KIOSK = ("kiosk", "kiosk-secret-for-trying-out")


@pytest.fixture
def shop() -> WireClient:
    """A client of the bank that signs."""
    return WireClient("shop", metadata=METHOD)


@pytest.fixture
async def bank(
    embedded_target: RedisTarget, tmp_path_factory: pytest.TempPathFactory, shop: WireClient
) -> AsyncIterator[Host]:
    """The bank with the door of its phones, and the shop among its clients."""
    await flush_all(embedded_target)
    port, keys = free_port(), tmp_path_factory.getbasetemp() / "keys"
    settings = settings_for(embedded_target, Path(keys), f"http://127.0.0.1:{port}")
    written = ClientTable.read(HERE / "clients.toml")
    kiosk = written.find("kiosk")
    assert kiosk is not None
    clients = ClientTable([shop.registration(), kiosk.client_metadata])
    async with serving_host(create_site(settings, clients), port) as host:
        host.lend(shop)
        yield host


@pytest.fixture
async def alice(bank: Host) -> WirePhone:
    """The phone of customer 4711."""
    issued = (await bank.http.post("/customers/4711/phones")).json()
    return await bank.phone.enrol(issued["activation_code"])


async def test_a_client_that_signs_gets_the_banks_tokens(
    bank: Host, alice: WirePhone, shop: WireClient
):
    """The ID token says who approved and how; the bank's own table knows the access token."""
    auth_req_id = await shop.started(login_hint="alice@example.org")
    assert (await shop.poll(auth_req_id)).json()["error"] == "authorization_pending"
    await alice.approve_next()
    answer = await shop.poll(auth_req_id)
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    claims = claims_of(tokens["id_token"])
    assert (claims["iss"], claims["sub"], claims["aud"]) == (bank.issuer, "4711", "shop")
    assert claims["txn"] == transaction_id(auth_req_id)
    assert "pin" in claims["amr"]
    userinfo = await bank.http.get(
        "/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"}
    )
    assert userinfo.json()["name"] == "Alice Example"


async def test_a_client_with_a_secret_gets_them_too(bank: Host, alice: WirePhone):
    """The bank keeps its own ways of authenticating clients."""
    form = {"scope": "openid", "login_hint": "4711", "binding_message": "W4SCT"}
    started = await bank.http.post("/bc-authorize", data=form, auth=KIOSK)
    assert started.status_code == 200, started.text
    await alice.approve_next()
    poll = {"grant_type": CIBA, "auth_req_id": started.json()["auth_req_id"]}
    answer = await bank.http.post("/token", data=poll, auth=KIOSK)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) >= {"access_token", "id_token", "expires_in", "scope"}


async def test_the_banks_customers_and_endpoints(bank: Host, alice: WirePhone, shop: WireClient):
    """One first phone each, a closed account is nobody, and metadata is where clients look."""
    assert alice.device_id
    assert (await bank.http.post("/customers/4711/phones")).status_code == 409
    assert (await bank.http.post("/customers/0000/phones")).status_code == 404
    answer = await shop.start(login_hint="bob@example.org")
    assert (answer.status_code, answer.json()["error"]) == (400, "unknown_user_id")
    told = (await bank.http.get("/.well-known/openid-configuration")).json()
    assert told["backchannel_authentication_endpoint"] == f"{bank.issuer}/bc-authorize"
    assert (await bank.http.get("/jwks")).json()["keys"][0]["kid"] == "bank"
