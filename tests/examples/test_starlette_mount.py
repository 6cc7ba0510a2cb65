"""``examples/starlette_mount``: a bank's own application with the whole service at /ciba."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ciba_service.stores.driver.target import RedisTarget
from examples.starlette_mount.bank import create_bank
from tests.ports import free_port
from tests.redis.servers import flush_all
from tests.services.hosts import Host, serving_host, settings_for
from tests.wire.client import WireClient


@pytest.fixture
async def bank(
    embedded_target: RedisTarget, tmp_path_factory: pytest.TempPathFactory, till: WireClient
) -> AsyncIterator[Host]:
    """The bank, and a till that asks for its customers."""
    await flush_all(embedded_target)
    port, keys = free_port(), tmp_path_factory.getbasetemp() / "keys"
    issuer = f"http://127.0.0.1:{port}/ciba"
    app = create_bank(settings_for(embedded_target, Path(keys), issuer, [till.registration()]))
    async with serving_host(app, port, "/ciba") as host:
        host.lend(till)
        yield host


async def test_a_customer_of_the_bank_approves(bank: Host, till: WireClient):
    """The service finds her by e-mail in the bank's directory, and the token names her number."""
    issued = (await bank.http.post(f"{bank.url}/customers/4711/phones")).json()
    phone = await bank.phone.enrol(issued["activation_code"])
    auth_req_id = await till.started(login_hint="alice@example.org")
    await phone.approve_next()
    answer = await till.poll(auth_req_id)
    assert answer.status_code == 200, answer.text
    userinfo = await bank.http.get(
        "/userinfo", headers={"authorization": f"Bearer {answer.json()['access_token']}"}
    )
    assert userinfo.json()["sub"] == "4711"
    again = await bank.http.post(f"{bank.url}/customers/4711/phones")
    assert again.status_code == 409


async def test_the_bank_goes_on_as_ever(bank: Host):
    """Its own routes are its own; metadata of the service is where clients look for it."""
    assert (await bank.http.get(bank.url)).json() == {"bank": "Example Bank", "path": "/"}
    below = await bank.http.get("/.well-known/openid-configuration")
    beside = await bank.http.get(f"{bank.url}/.well-known/oauth-authorization-server/ciba")
    assert below.json() == beside.json()
    assert below.json()["token_endpoint"] == f"{bank.issuer}/token"
    assert (await bank.http.get("/nowhere")).json()["error"] == "not_found"


@pytest.mark.usefixtures("bank")
async def test_a_closed_account_is_nobody(till: WireClient):
    """What the directory says at the moment counts."""
    answer = await till.start(login_hint="bob@example.org")
    assert answer.json()["error"] == "unknown_user_id"
