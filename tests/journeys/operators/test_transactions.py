"""Operators follow transactions, cancel them, and have abandoned callbacks made once more."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ciba_service.flow.asking.open_streams import OPERATORS_PLACES
from ciba_service.ports import StoreUnavailable
from ciba_service.sca.messages import transaction_id
from ciba_service.stores.keys import transaction_key
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.callback_endpoint import (
    NO_CONTENT,
    CallbackEndpoint,
    answer,
    callback_endpoint,
    outbound_section,
)
from tests.wire.client import WireClient
from tests.wire.events import STREAM, EventReader
from tests.wire.operator import Operators, operating, operators_section, problem
from tests.wire.phone import WirePhone
from tests.wire.sca_receipt import receipt_of, verified_receipt


async def test_what_is_pending_is_listed_a_page_at_a_time(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """Each once, from whichever partition; what was decided is not among them."""
    decided = await service.till.started()
    await phone.approve_next()
    names = {transaction_id(await service.till.started()) for _ in range(4)}
    found: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        page = await operators.get("/transactions", params=params)
        found += [each["transaction_id"] for each in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert sorted(found) == sorted(names)
    assert transaction_id(decided) not in found
    service.clock.advance(180)
    assert (await operators.get("/transactions"))["items"] == []


async def test_a_transaction_is_shown_with_its_ledger(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """With the reason, which its client is not told; the path of its events shows the same."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    name = transaction_id(auth_req_id)
    shown = await operators.get(f"/transactions/{name}")
    assert (shown["client_id"], shown["state"], shown["complete"]) == ("till", "denied", True)
    denied = shown["events"][-1]
    assert (denied["event"], denied["reason"]) == ("denied", "declined")
    assert await operators.get(f"/transactions/{name}/events") == shown
    assert auth_req_id not in json.dumps(shown)
    head = await operators.ask("HEAD", f"/transactions/{name}/events", headers={"accept": STREAM})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == "application/json"


async def test_the_receipt_of_an_approval_is_shown(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """The one its client gets, with what it says; none where nobody approved."""
    pending = transaction_id(await service.till.started())
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    auth_req_id = await service.till.started()
    await phone.approve_next()
    name = transaction_id(auth_req_id)
    shown = await operators.get(f"/transactions/{name}/receipt")
    assert shown["transaction_id"] == name
    assert shown["claims"] == await verified_receipt(service, shown["sca_receipt"])
    own = await verified_receipt(service, await receipt_of(service.till, auth_req_id))
    assert shown["claims"] == own
    refused = await operators.ask("GET", f"/transactions/{pending}/receipt")
    assert problem(refused) == (409, "not_approved")
    for other in ("A" * 22, "none"):
        unknown = await operators.ask("GET", f"/transactions/{other}/receipt")
        assert problem(unknown) == (404, "not_found")


async def test_a_transaction_is_followed(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """As server-sent events: what was, and the end as it comes; then nothing is left to tell."""
    name = transaction_id(await service.till.started())
    headers = {"accept": STREAM, **operators.bearer()}
    path = f"/operator/transactions/{name}/events"
    async with operators.http.stream("GET", path, headers=headers) as answered:
        assert answered.headers["content-type"] == STREAM
        reader = EventReader(answered, answered.aiter_lines())
        assert (await next_of(reader))[0] == "requested"
        (challenge,) = await phone.fetch()
        await phone.decide(phone.denial(challenge))
        told = [await next_of(reader)]
        while told[-1][0] != "complete":
            told.append(await next_of(reader))
        facts = dict(told)
        assert facts["denied"]["reason"] == "declined"
        last = facts["denied"]["id"]
    over = await operators.http.get(path, headers={**headers, "last-event-id": str(last)})
    assert over.status_code == 204
    unknown = await operators.ask(
        "GET", f"/transactions/{'A' * 22}/events", headers={"accept": STREAM}
    )
    assert problem(unknown) == (404, "not_found")


async def next_of(reader: EventReader) -> tuple[str, dict[str, object]]:
    """Name and content of the next event."""
    told = await reader.next()
    assert told is not None
    return told.event, dict(told.data)


async def test_too_many_streams(
    run_service: ServiceRunner, till: WireClient, tokens: dict[str, str]
):
    """Operators have places that clients cannot take; beyond them the JSON form is still open."""
    sections = {"operators": operators_section(tokens), "server": {"max_event_streams": 0}}
    async with (
        run_service(clients=[till], sections=sections) as service,
        operating(service, tokens) as operators,
    ):
        await service.enrolled_phone("alice")
        name = transaction_id(await till.started())
        path = f"/transactions/{name}/events"
        headers = {"accept": STREAM, **operators.bearer()}
        async with operators.http.stream("GET", f"/operator{path}", headers=headers) as answered:
            assert answered.status_code == 200
        service.service.streams.open += OPERATORS_PLACES
        refused = await operators.ask("GET", path, headers={"accept": STREAM})
        assert problem(refused) == (503, "unavailable")
        assert refused.headers["retry-after"] == "1"
        assert (await operators.get(path))["state"] == "pending"


async def test_a_transaction_is_cancelled(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """The prompt vanishes, its client hears that it is over, and to do it again changes nothing."""
    auth_req_id = await service.till.started()
    name = transaction_id(auth_req_id)
    for _ in range(2):
        assert (await operators.ask("POST", f"/transactions/{name}/cancel")).status_code == 204
    await service.service.worker.work_off(0)
    assert (await service.till.poll(auth_req_id)).json()["error"] == "invalid_grant"
    assert await phone.fetch() == []
    (said,) = service.telemetry.named("transaction_cancelled")
    assert said.fields["by"] == "operator"
    assert [each["transaction_id"] for each in await operators.writes()] == [name, name]


async def test_what_is_over_cannot_be_cancelled(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """Denied is denied; what there is not cannot be, either."""
    name = transaction_id(await service.till.started())
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    settled = await operators.ask("POST", f"/transactions/{name}/cancel")
    assert problem(settled) == (409, "settled")
    for other in ("A" * 22, "nothing", "%2e%2e"):
        for method, path in (("POST", "/cancel"), ("GET", "")):
            answered = await operators.ask(method, f"/transactions/{other}{path}")
            assert problem(answered) == (404, "not_found")
    assert [each["outcome"] for each in await operators.writes()] == ["refused", "refused"]


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[CallbackEndpoint]:
    """Where the shop is pinged; it refuses."""
    async with callback_endpoint(tmp_path) as serving:
        serving.answers = [answer("401 Unauthorized")]
        yield serving


async def given_up(service: RunningService, shop: WireClient, phone: WirePhone, times: int) -> str:
    """An approved request whose ping was refused."""
    auth_req_id = await shop.started(client_notification_token="n" * 43)
    await phone.approve_next()
    await service.telemetry.seen("callback_abandoned", times)
    return auth_req_id


async def test_an_abandoned_callback_is_made_once_more(
    run_service: ServiceRunner,
    endpoint: CallbackEndpoint,
    tokens: dict[str, str],
    tmp_path: Path,
):
    """Listed and shown with its reason, made due by hand, and gone from the list."""
    metadata = {
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": endpoint.url,
    }
    shop = WireClient("shop", metadata=metadata)
    sections = {
        "operators": operators_section(tokens),
        "outbound": outbound_section(tmp_path),
        "delivery": {"callback_delay_ms": 0},
    }
    async with (
        run_service(clients=[shop], sections=sections) as service,
        operating(service, tokens) as operators,
    ):
        phone = await service.enrolled_phone("alice")
        first = transaction_id(await given_up(service, shop, phone, 1))
        service.clock.advance(1)
        collected = await given_up(service, shop, phone, 2)
        second = transaction_id(collected)
        await shop.poll(collected)
        page = await operators.get("/deliveries", params={"limit": "1"})
        assert [each["transaction_id"] for each in page["items"]] == [second]
        rest = await operators.get("/deliveries", params={"limit": "1", "cursor": page["next"]})
        (listed,) = rest["items"]
        assert (listed["transaction_id"], listed["reason"], rest["next"]) == (
            first, "refused", None,
        )  # fmt: skip
        none = await operators.get("/deliveries", params={"client_id": "nobody"})
        assert none["items"] == []
        assert (await operators.get("/deliveries?state=due"))["items"] == []
        shown = await operators.get(f"/deliveries/{first}")
        assert shown | listed == shown
        assert (shown["transaction"], shown["redeliver_until"] is None) == ("approved", False)
        assert (await operators.get(f"/deliveries/{second}"))["redeliver_until"] is None

        endpoint.answers = [NO_CONTENT]
        due = await operators.ask("POST", f"/deliveries/{first}/redeliver")
        assert (due.status_code, due.json()) == (200, {"transaction_id": first, "state": "due"})
        await service.telemetry.seen("callback_delivered")
        for name, code in ((first, "not_abandoned"), (second, "redeemed")):
            refused = await operators.ask("POST", f"/deliveries/{name}/redeliver")
            assert problem(refused) == (409, code)
        for name in ("A" * 22, "nothing"):
            for method, path in (("GET", ""), ("POST", "/redeliver")):
                unknown = await operators.ask(method, f"/deliveries/{name}{path}")
                assert problem(unknown) == (404, "not_found")


async def test_a_store_that_is_away_is_a_503(
    service: RunningService, operators: Operators, monkeypatch: pytest.MonkeyPatch
):
    """With a time to come back, and the write noted as failed."""

    async def gone(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    stores = service.service.stores
    monkeypatch.setattr(type(stores.attempts), "unlock", gone)
    answered = await operators.ask("POST", "/users/alice/unlock")
    assert problem(answered) == (503, "unavailable")
    assert answered.headers["retry-after"] == "1"
    assert [each["outcome"] for each in await operators.writes()] == ["failed"]
    service.telemetry.failures.clear()


async def test_a_receipt_without_a_key_to_sign_it_is_a_503(
    service: RunningService,
    operators: Operators,
    phone: WirePhone,
    monkeypatch: pytest.MonkeyPatch,
):
    """As where the keys were made before there were receipts, and none was added."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    monkeypatch.setattr(type(service.service.keys), "sca_receipt_signer", None)
    answered = await operators.ask("GET", f"/transactions/{transaction_id(auth_req_id)}/receipt")
    assert problem(answered) == (503, "unavailable")
    (failure,) = service.telemetry.failures
    assert failure.name == "signer_unavailable"
    service.telemetry.failures.clear()


async def test_a_record_of_another_version_is_a_503(service: RunningService, operators: Operators):
    """It is not taken for something else."""
    name = "A" * 22
    await service.commands.call("HSET", transaction_key(name), "v", "999")
    answered = await operators.ask("GET", f"/transactions/{name}")
    assert problem(answered) == (503, "unreadable")
    assert [each.name for each in service.telemetry.failures] == ["record_unreadable"]
    service.telemetry.failures.clear()
