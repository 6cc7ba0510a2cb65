"""Operators look after users: who they are, what they may do, and a way back in."""

import asyncio

import pytest

from ciba_service.flow.phones.device_revocation import DeviceRevocation
from ciba_service.sca.phones.devices import user_tag
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.operator import (
    READER,
    WRITER,
    Operators,
    operating,
    operators_section,
    problem,
)
from tests.wire.phone import WirePhone
from tests.wire.signing import new_key
from tests.wire.tokens import API, REFRESHING, granted, refresh

ALICE = user_tag("alice")


async def test_users_are_listed_a_page_at_a_time(operators: Operators, phone: WirePhone):
    """In the order of their names; the cursor leads on, and the last page has none."""
    assert phone.device_id
    first = await operators.get("/users?limit=1")
    assert first["items"] == [
        {"sub": "alice", "enabled": True, "phones": 1, "failed_attempts": 0, "locked": False}
    ]
    second = await operators.get("/users", params={"limit": "1", "cursor": first["next"]})
    assert [each["sub"] for each in second["items"]] == ["bob"]
    assert second["next"] is None


async def test_users_are_searched_for(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """By a part of the name, and by their lock; a page of locked ones goes on where it ended."""

    async def names(**params: str) -> list[str]:
        return [each["sub"] for each in (await operators.get("/users", params=params))["items"]]

    assert await names(search="LIC") == ["alice"]
    assert await names(search="nobody") == []
    assert await names(search="%") == []
    assert await names(locked="true") == []
    await service.till.started()
    (challenge,) = await phone.fetch()
    for _ in range(5):
        await phone.decide(phone.approval(challenge, pin=False))
    assert await names(locked="true") == ["alice"]
    assert await names(locked="true", search="bob") == []
    for query in ("locked=false", "locked=", "search=", f"search={'a' * 65}"):
        answer = await operators.ask("GET", f"/users?{query}")
        assert problem(answer) == (400, "invalid_query"), query


async def test_pages_of_locked_users(run_service: ServiceRunner, tokens: dict[str, str]):
    """Full where there are more, and a thousand users at most are looked at for one."""
    subjects = [f"user-{number:04}" for number in range(1_001)]
    async with (
        run_service(
            clients=[WireClient("shop", key=new_key(kid="shop"))],
            users=[{"sub": subject} for subject in subjects],
            sections={"operators": operators_section(tokens)},
        ) as service,
        operating(service, tokens) as operators,
    ):
        locked = [subjects[0], subjects[1], subjects[150], subjects[1_000]]
        for subject in locked:
            for number in range(5):
                await service.service.stores.attempts.reserve(
                    user_tag(subject), operation=f"{number}", knowledge=True, now=0
                )
        pages, params = [], {"locked": "true", "limit": "2"}
        while True:
            page = await operators.get("/users", params=params)
            pages.append([each["sub"] for each in page["items"]])
            if page["next"] is None:
                break
            params["cursor"] = page["next"]
        assert pages == [locked[:2], [locked[2], locked[3]]]
        first = await operators.get("/users", params={"locked": "true", "limit": "1"})
        assert [each["sub"] for each in first["items"]] == locked[:1]
        whole = await operators.get("/users", params={"locked": "true"})
        assert [each["sub"] for each in whole["items"]] == locked[:3]
        assert whole["next"] is not None


async def test_a_user_is_shown_whole(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """Phones, and what is open; of prompts that are gone nothing is said."""
    await service.till.started()
    (transaction,) = (await operators.get("/transactions"))["items"]
    await service.service.stores.prompts.reserve(
        ALICE,
        "till",
        "A" * 22,
        now=service.clock.now_ms(),
        until=service.clock.now_ms() + 60_000,
    )
    shown = await operators.get("/users/alice")
    (device,) = shown.pop("phones")
    about = (device["device_id"], device["name"], device["sub"])
    assert about == (phone.device_id, "Phone", "alice")
    assert shown == {
        "sub": "alice",
        "enabled": True,
        "failed_attempts": 0,
        "locked": False,
        "blocked_clients": [],
        "open_prompts": [{"transaction_id": transaction["transaction_id"], "client_id": "till"}],
        "lasting_accesses": [],
    }


@pytest.mark.clause("sca-art4-11")
async def test_a_locked_user_is_unlocked(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """Failed attempts are forgotten; to do it again changes nothing."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    for _ in range(5):
        await phone.decide(phone.approval(challenge, pin=False))
    assert (await operators.get("/users/alice"))["locked"]
    for _ in range(2):
        assert (await operators.ask("POST", "/users/alice/unlock")).status_code == 204
    shown = await operators.get("/users/alice")
    assert (shown["locked"], shown["failed_attempts"]) == (False, 0)
    written = {"operator": WRITER, "action": "users unlock", "outcome": "done", "user": ALICE}
    assert await operators.writes() == [written] * 2


async def test_a_block_is_seen_and_lifted(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """The client may ask again at once."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge, reason="not_me"))
    await service.telemetry.seen("not_me_reported")
    (blocked,) = (await operators.get("/users/alice"))["blocked_clients"]
    assert (blocked["client_id"], blocked["until"].endswith("Z")) == ("till", True)
    assert (await operators.ask("DELETE", "/users/alice/blocks/till")).status_code == 204
    assert (await operators.get("/users/alice"))["blocked_clients"] == []
    await service.till.started()
    (written,) = await operators.writes()
    assert (written["action"], written["client_id"]) == ("users unblock", "till")


async def test_a_code_for_a_first_phone(operators: Operators, service: RunningService):
    """With a second secret; while there is a phone only a code that says so is made."""
    made = (await operators.ask("POST", "/users/bob/activation")).json()
    assert made.keys() == {"activation_code", "second_secret", "expires_in"}
    phone = await service.phone().enrol(
        made["activation_code"], second_secret=made["second_secret"]
    )
    assert phone.device_id
    refused = await operators.ask("POST", "/users/bob/activation", json={"further": False})
    assert problem(refused) == (409, "has_phone")
    further = await operators.ask("POST", "/users/bob/activation", json={"further": True})
    assert further.status_code == 201
    assert further.json()["needs_approval"] is True
    assert [each["outcome"] for each in await operators.writes()] == ["done", "refused", "done"]


async def test_a_phone_that_waits_is_seen_and_turned_away(
    operators: Operators, service: RunningService, phone: WirePhone
):
    """Listed last of its user, with its end; the phone learns that it is not to be."""
    tablet = service.phone()
    await tablet.enrol(await service.activation_code("alice"), name="Tablet")
    listed = (await operators.get("/devices"))["items"]
    assert [each["device_id"] for each in listed] == [phone.device_id, tablet.device_id]
    assert ["waits_until" in each for each in listed] == [False, True]
    assert await operators.get(f"/devices/{tablet.device_id}") == listed[1]
    for status in (204, 404):
        gone = await operators.ask("DELETE", f"/devices/{tablet.device_id}")
        assert gone.status_code == status
    assert (await tablet.send({"type": "fetch"})).json()["error"] == "device_revoked"


async def test_a_reset_takes_every_phone_and_makes_a_code(
    operators: Operators, service: RunningService, phone: WirePhone
):
    """The phone learns that it is revoked; the new one needs code and second secret."""
    made = await operators.ask("POST", "/users/alice/reset", json={})
    assert made.status_code == 200
    assert (await operators.get("/users/alice"))["phones"] == []
    assert (await phone.send({"type": "fetch"})).status_code == 403
    code = made.json()
    new = await service.phone().enrol(code["activation_code"], second_secret=code["second_secret"])
    assert new.device_id != phone.device_id


async def test_a_phone_that_is_enrolled_during_a_reset_is_told_of(
    operators: Operators,
    service: RunningService,
    phone: WirePhone,
    monkeypatch: pytest.MonkeyPatch,
):
    """The operator tries again; the log says that it was refused."""
    revoke = DeviceRevocation.revoke

    async def revoke_late(self: DeviceRevocation, device_id: str) -> str | None:
        name = await revoke(self, device_id)
        await service.enrolled_phone("alice", "Faster")
        return name

    monkeypatch.setattr(DeviceRevocation, "revoke", revoke_late)
    assert phone.device_id
    refused = await operators.ask("POST", "/users/alice/reset")
    assert problem(refused) == (409, "has_phone")
    assert [each["outcome"] for each in await operators.writes()] == ["refused"]


async def test_of_an_unknown_user_nothing_is_said(operators: Operators):
    """The answer is that of a path that there is not; so is that of an unknown phone."""
    nowhere = await operators.ask("GET", "/nowhere")
    for method, path in (
        ("GET", ""),
        ("POST", "/unlock"),
        ("POST", "/reset"),
        ("POST", "/activation"),
        ("DELETE", "/blocks/till"),
    ):
        unknown = await operators.ask(method, f"/users/nobody{path}")
        assert problem(unknown) == (404, "not_found")
        assert unknown.content == nowhere.content
    for name in ("nothing", "A" * 43, "é", "%00", "a" * 600):
        for method in ("GET", "DELETE"):
            unknown = await operators.ask(method, f"/devices/{name}")
            assert unknown.content == nowhere.content
    assert "nobody" not in str(operators.service.telemetry.events)


@pytest.mark.clause("nist63b-4.3-1")
async def test_phones_are_listed_shown_and_revoked(
    operators: Operators, service: RunningService, phone: WirePhone
):
    """Of all users; the socket of one that is revoked is cut, and it is gone."""
    other = await service.enrolled_phone("bob", "Bob's")
    tablet = await service.enrolled_phone("bob", "Tablet")
    first = await operators.get("/devices", params={"limit": "1"})
    assert [each["device_id"] for each in first["items"]] == [phone.device_id]
    rest = await operators.get("/devices", params={"limit": "1", "cursor": first["next"]})
    assert {each["device_id"] for each in rest["items"]} == {other.device_id, tablet.device_id}
    assert rest["next"] is None
    for each in (other, tablet):
        assert (await operators.get(f"/devices/{each.device_id}"))["sub"] == "bob"
    shown = await operators.get(f"/devices/{phone.device_id}")
    assert shown == first["items"][0]
    assert shown.keys() == {"device_id", "sub", "name", "enrolled_at"}
    async with phone.online() as socket:
        gone = await operators.ask("DELETE", f"/devices/{phone.device_id}")
        assert gone.status_code == 204
        await asyncio.wait_for(socket.raw.wait_closed(), 10)
    for method in ("GET", "DELETE"):
        answer = await operators.ask(method, f"/devices/{phone.device_id}")
        assert problem(answer) == (404, "not_found")
    done, refused = await operators.writes()
    assert (done["device_id"], done["outcome"]) == (phone.device_id, "done")
    assert refused["outcome"] == "refused"


async def test_who_has_access_that_lasts_is_shown(
    run_service: ServiceRunner, tokens: dict[str, str]
):
    """And ended, also twice; a code comes without a second secret where that is off."""
    shop = WireClient("shop", key=new_key(kid="shop"), metadata=REFRESHING)
    sections = {
        "operators": operators_section(tokens),
        "tokens": {"audience": API},
        "device": {"second_secret": False},
    }
    async with (
        run_service(clients=[shop], sections=sections) as service,
        operating(service, tokens) as operators,
    ):
        phone = await service.enrolled_phone("alice")
        tokens_of = await granted(shop, phone)
        (access,) = (await operators.get("/users/alice", by=READER))["lasting_accesses"]
        assert access["client_name"] == "Shop shop"
        assert access["since"] < access["until"]
        path = f"/users/alice/accesses/{access['transaction_id']}"
        assert (await operators.ask("DELETE", path)).status_code == 204
        assert (await operators.get("/users/alice"))["lasting_accesses"] == []
        assert (await refresh(shop, tokens_of["refresh_token"])).json()["error"] == "invalid_grant"
        assert (await operators.ask("DELETE", path)).status_code == 204
        assert service.telemetry.named("grant_ended")[0].fields["reason"] == "operator"
        nobodys = "A" * 22
        for other in (
            f"/users/alice/accesses/{nobodys}",
            "/users/alice/accesses/nothing",
            f"/users/nobody/accesses/{nobodys}",
        ):
            assert problem(await operators.ask("DELETE", other)) == (404, "not_found")
        made = await operators.ask("POST", "/users/bob/activation")
        assert made.json().keys() == {"activation_code", "expires_in"}
