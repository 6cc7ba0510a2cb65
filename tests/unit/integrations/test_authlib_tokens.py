"""The tokens of a host: saved before the grant is taken, and thrown away when it is not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ciba_service.ports import StoreUnavailable
from ciba_service.sca.messages import transaction_id
from ciba_service.stores.asking.transactions import RedisTransactions
from ciba_service.stores.driver.target import RedisTarget
from examples.authlib_flask.authorization_server import BankGrant
from examples.authlib_flask.tokens import TokenTable
from tests.services.doors import Door, authlib_door
from tests.wire.client import CIBA, WireClient

SIGNING = {"token_endpoint_auth_method": "private_key_jwt"}


@pytest.fixture
def shop() -> WireClient:
    """A client of the bank."""
    return WireClient("shop", metadata=SIGNING)


@pytest.fixture
async def door(
    embedded_target: RedisTarget, tmp_path_factory: pytest.TempPathFactory, shop: WireClient
) -> AsyncIterator[Door]:
    """The bank."""
    keys = tmp_path_factory.getbasetemp() / "keys"
    async with authlib_door(embedded_target, Path(keys), [shop], {}) as entered:
        yield entered


async def approved(door: Door, shop: WireClient) -> str:
    """A request that can be collected."""
    auth_req_id = await door.started(shop)
    await door.phone.approve_next()
    return auth_req_id


def tokens_of(door: Door) -> TokenTable:
    """The bank's table."""
    assert door.bank is not None
    table: TokenTable = door.bank.extensions["bank"].tokens
    return table


async def test_tokens_that_lost_are_thrown_away(door: Door, shop: WireClient):
    """Of all that were saved those remain that were sent."""
    auth_req_id = await approved(door, shop)
    answers = await asyncio.gather(*(shop.poll(auth_req_id) for _ in range(5)))
    (sent,) = (answer.json() for answer in answers if answer.status_code == 200)
    table = tokens_of(door)
    assert len(table._saved) == 1
    saved = table.find(sent["access_token"])
    assert saved is not None
    assert saved.grant.subject == door.subject


async def test_what_cannot_be_saved_can_still_be_collected(
    door: Door, shop: WireClient, monkeypatch: pytest.MonkeyPatch
):
    """The host's failure is the host's to tell; the approval is not lost."""
    auth_req_id = await approved(door, shop)
    table, once = tokens_of(door), [OSError("the disk is full")]
    saving = TokenTable.save

    def save(self: TokenTable, token: dict[str, Any], request: Any) -> None:
        if once:
            raise once.pop()
        saving(self, token, request)

    assert door.bank is not None
    server = door.bank.extensions["bank"].server
    monkeypatch.setattr(server, "_save_token", lambda *args: save(table, *args))
    assert (await shop.poll(auth_req_id)).status_code == 500
    assert (await shop.poll(auth_req_id)).status_code == 200


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "not told"])
async def test_access_lasts_where_the_user_was_told_so(
    door: Door, shop: WireClient, monkeypatch: pytest.MonkeyPatch, *, is_told: bool
):
    """A client that registers for refresh tokens after it has asked gets none for that."""
    made: list[bool] = []
    generate = BankGrant.generate_token

    def generated(grant: BankGrant, **wanted: Any) -> Any:
        made.append(wanted["include_refresh_token"])
        return generate(grant, **wanted)

    monkeypatch.setattr(BankGrant, "generate_token", generated)
    assert door.bank is not None
    row = door.bank.extensions["bank"].server.query_client("shop").client_metadata
    row["grant_types"] = [CIBA, "refresh_token"] if is_told else [CIBA]
    auth_req_id = await approved(door, shop)
    row["grant_types"] = [CIBA, "refresh_token"]
    assert (await shop.poll(auth_req_id)).status_code == 200
    assert made == [is_told]


async def test_a_user_whom_the_host_does_not_know_gets_no_tokens(
    door: Door, shop: WireClient, monkeypatch: pytest.MonkeyPatch
):
    """Nothing is taken: were the user found later, there would be tokens."""
    auth_req_id = await approved(door, shop)
    with monkeypatch.context() as patched:
        patched.setattr(BankGrant, "find_user", lambda *_: None)
        answer = await shop.poll(auth_req_id)
        assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")
    assert (await shop.poll(auth_req_id)).status_code == 200


async def test_a_store_that_fails_is_said_to_be_unavailable(
    door: Door, shop: WireClient, monkeypatch: pytest.MonkeyPatch
):
    """The tokens are thrown away, and the grant is there when the store is."""
    auth_req_id = await approved(door, shop)

    async def fail(*_: object) -> None:
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(RedisTransactions, "swap", fail)
        answer = await shop.poll(auth_req_id)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert tokens_of(door)._saved == {}
    assert [each.name for each in door.telemetry.failures] == ["store_unavailable"]
    assert (await shop.poll(auth_req_id)).status_code == 200


async def test_the_log_has_the_reason_and_no_secret(door: Door, shop: WireClient):
    """What the client is not told is told to the operator."""
    auth_req_id = await door.started(shop)
    await shop.poll("A" * 43)
    refused = [each for each in door.telemetry.events if each.name == "request_refused"]
    assert [each.fields["error"] for each in refused] == ["invalid_grant"]
    assert refused[0].fields["reason"] == "unknown, or of another client"
    assert refused[0].fields["transaction_id"] == transaction_id("A" * 43)
    assert auth_req_id not in repr(door.telemetry.events)
