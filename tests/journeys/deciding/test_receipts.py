"""Phones say that they have a request, and that they show it: for its ledger only."""

import pytest

from ciba_service.protocol.transaction.ledger import LedgerKind
from ciba_service.sca.messages import transaction_id
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.keys import transaction_key
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone


async def told(service: RunningService, name: str) -> list[str]:
    """The receipts in the ledger of a request."""
    ledger = await service.service.stores.ledgers.read(name, now=service.clock.now_ms())
    assert ledger is not None
    return [entry.kind for entry in ledger.entries if entry.kind in {"received", "shown"}]


async def says(phone: WirePhone, kind: str, name: str) -> None:
    """Give a receipt over HTTPS; nothing is answered."""
    answer = await phone.send({"type": kind, "transaction_id": name})
    assert (answer.status_code, answer.json()) == (200, {"messages": []})


async def test_each_phone_is_told_once_of_each_kind(service: RunningService, phone: WirePhone):
    """On a socket or over HTTPS; what is said again is not told again."""
    tablet = await service.enrolled_phone("alice", "Tablet")
    name = transaction_id(await service.till.started())
    async with tablet.online() as socket:
        for _ in "ab":
            await socket.send({"type": "received", "transaction_id": name})
            await says(phone, "received", name)
            await says(phone, "shown", name)
        await socket.send({"type": "fetch"})
        await socket.next("fetched")
    assert sorted(await told(service, name)) == ["received", "received", "shown"]


async def test_receipts_of_others_and_of_what_is_decided_are_not_told(
    service: RunningService, phone: WirePhone
):
    """Another user's phone, a request that is over, one that never was."""
    bobs = await service.enrolled_phone("bob")
    auth_req_id = await service.till.started()
    name = transaction_id(auth_req_id)
    await says(bobs, "shown", name)
    await phone.approve_next()
    await says(phone, "shown", name)
    await says(phone, "shown", "A" * 22)
    assert await told(service, name) == []
    assert (await service.till.poll(auth_req_id)).status_code == 200


async def test_a_receipt_says_nothing_of_a_decision(service: RunningService, phone: WirePhone):
    """A phone that says it showed nothing, or everything, approves just the same."""
    auth_req_id = await service.till.started()
    await says(phone, "shown", transaction_id(auth_req_id))
    assert (await service.till.poll(auth_req_id)).json()["error"] == "authorization_pending"


async def test_receipts_are_bounded(service: RunningService, phone: WirePhone):
    """However many phones come and go while a request is open."""
    name = transaction_id(await service.till.started())
    ledgers = service.service.stores.ledgers
    for number in range(60):
        await ledgers.receipt(
            name,
            user_tag("alice"),
            f"{phone.device_id}{number}",
            LedgerKind.SHOWN,
            now=service.clock.now_ms(),
        )
    assert len(await told(service, name)) == 40


async def test_a_revoked_phone_gives_no_receipt(service: RunningService, phone: WirePhone):
    """On a socket that is still open neither."""
    name = transaction_id(await service.till.started())
    async with phone.online() as socket:
        await service.service.stores.devices.revoke(phone.device_id, now=service.clock.now_ms())
        await socket.send({"type": "shown", "transaction_id": name})
        await socket.raw.wait_closed()
    assert socket.raw.close_code == 4403
    assert await told(service, name) == []


@pytest.mark.parametrize("name", ["", "A" * 23, "é" * 22, None])
async def test_what_names_no_request_is_no_receipt(phone: WirePhone, name: str | None):
    """It is refused before anything is looked up."""
    answer = await phone.send({"type": "shown", "transaction_id": name})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_record_of_another_format_is_reported(run_service: ServiceRunner, till: WireClient):
    """To the operator; the phone hears nothing of it."""
    async with run_service(clients=[till]) as service:
        phone = await service.enrolled_phone("alice")
        name = transaction_id(await till.started())
        await service.commands.call("HSET", transaction_key(name), "v", "99")
        await says(phone, "shown", name)
        assert "receipt_not_noted" in {failure.name for failure in service.telemetry.failures}
