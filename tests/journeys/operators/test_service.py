"""Operators look at clients, at evidence, and at the service itself."""

import pytest

from ciba_service.ports import StoreUnavailable
from ciba_service.stores.health import RedisHealth
from tests.services.running_service import RunningService
from tests.wire.operator import Operators, problem
from tests.wire.phone import WirePhone
from tests.wire.registration import configure, metadata_of, register, registered
from tests.wire.signing import new_key


async def test_clients_are_listed_a_page_at_a_time(service: RunningService, operators: Operators):
    """Those of the configuration first, by name, then those that registered, each once."""
    names = ["other-till", "till"]
    for _ in range(3):
        names.append((await registered(service))[0].client_id)
        service.clock.advance(1)
    for limit in (1, 2, 3, 4, 5, 6):
        found: list[str] = []
        params = {"limit": str(limit)}
        while True:
            page = await operators.get("/clients", params=params)
            assert len(page["items"]) <= limit
            found += [each["client_id"] for each in page["items"]]
            if page["next"] is None:
                break
            params["cursor"] = page["next"]
        assert found == names


async def test_a_client_is_shown_without_its_keys(service: RunningService, operators: Operators):
    """What decides what it may do, wherever it comes from."""
    client, told = await registered(service)
    configured = await operators.get("/clients/till")
    assert (configured["origin"], configured["since"], configured["scope"]) == (
        "configured", None, "openid profile",
    )  # fmt: skip
    shown = await operators.get(f"/clients/{client.client_id}")
    assert (shown["origin"], shown["name"], shown["enabled"]) == (
        "registered", "Corner shop", True,
    )  # fmt: skip
    assert shown["since"].endswith("Z")
    for text in (told["registration_access_token"], 'jwks":', "token_hash"):
        assert text not in str(shown)
    assert problem(await operators.ask("GET", "/clients/nobody")) == (404, "not_found")


async def test_a_pairwise_client_is_shown_with_its_sector(
    service: RunningService, operators: Operators
):
    """Whoever looks into a complaint sees whose names it has for users."""
    published = {"jwks": None, "jwks_uri": "https://shop.example/jwks"}
    metadata = metadata_of(new_key(), **published, subject_type="pairwise")
    told = (await register(service, metadata)).json()
    shown = await operators.get(f"/clients/{told['client_id']}")
    assert shown["sector"] == "shop.example"
    assert (await operators.get("/clients/till"))["sector"] is None


async def test_a_client_that_registered_is_removed(service: RunningService, operators: Operators):
    """It is unknown at once; the configuration is not changed from here."""
    client, _ = await registered(service)
    path = f"/clients/{client.client_id}"
    assert (await operators.ask("DELETE", path)).status_code == 204
    assert (await client.start()).json()["error"] == "invalid_client"
    assert problem(await operators.ask("DELETE", path)) == (404, "not_found")
    assert problem(await operators.ask("DELETE", "/clients/till")) == (409, "configured")
    outcomes = [each["outcome"] for each in await operators.writes()]
    assert outcomes == ["done", "refused", "refused"]
    (said,) = service.telemetry.named("client_removed")
    assert said.fields == {"client_id": client.client_id, "by": "operator"}
    assert await operators.security_events("client_removed") == [said.fields]


async def test_a_client_that_registered_is_disabled_for_a_while(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """It is unknown, does not enable itself by an update, and goes on where it was afterwards."""
    client, told = await registered(service)
    auth_req_id = await client.started()
    await phone.approve_next()
    path = f"/clients/{client.client_id}"
    for _ in range(2):
        assert (await operators.ask("POST", f"{path}/disable")).status_code == 204
    members = {**metadata_of(client.key), "client_id": client.client_id}
    assert (await configure(service, "PUT", told, members)).status_code == 200
    assert not (await operators.get(path))["enabled"]
    assert (await client.poll(auth_req_id)).json()["error"] == "invalid_client"
    assert (await operators.ask("POST", f"{path}/enable")).status_code == 204
    assert (await client.poll(auth_req_id)).status_code == 200
    for verb in ("disable", "enable"):
        unknown = await operators.ask("POST", f"/clients/nobody/{verb}")
        assert problem(unknown) == (404, "not_found")
        configured = await operators.ask("POST", f"/clients/till/{verb}")
        assert problem(configured) == (409, "configured")
    done = [each["action"] for each in await operators.writes() if each["outcome"] == "done"]
    assert done == ["clients disable", "clients disable", "clients enable"]


async def test_how_far_evidence_goes(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """A decision waits, then stands in the chain of its partition."""
    await service.till.started()
    await phone.approve_next()
    await service.service.drainer.drain()
    told = await operators.get("/evidence")
    assert (told["enabled"], told["waiting"]) == (True, 0)
    (head,) = told["heads"]
    assert (head["number"], len(head["hash"])) == (1, 64)


async def test_how_the_service_is(service: RunningService, operators: Operators, phone: WirePhone):
    """It is ready, at this time, with one phone and nobody who waits."""
    async with phone.online():
        told = await operators.get("/status")
    assert told.pop("time").endswith("Z")
    assert told == {
        "issuer": service.issuer,
        "ready": True,
        "missing": None,
        "connected_phones": 1,
        "held_polls": 0,
        "event_streams": 0,
        "evidence_waiting": 0,
    }


async def test_phones_of_all_processes_are_counted(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """What another process has said counts, until it has not said so for a while."""
    now, presence = service.clock.now_ms(), service.service.stores.presence
    await presence.report("another", 4, now=now, until=now + 25_000)
    async with phone.online():
        assert (await operators.get("/status"))["connected_phones"] == 5
    service.clock.advance(25)
    assert (await operators.get("/status"))["connected_phones"] == 0


async def test_the_status_says_that_the_store_is_gone(
    operators: Operators, monkeypatch: pytest.MonkeyPatch
):
    """It is an answer and no failure; of evidence nothing can be said."""

    async def gone(_: RedisHealth) -> int:
        raise StoreUnavailable("away")

    monkeypatch.setattr(RedisHealth, "server_time_ms", gone)
    told = await operators.get("/status")
    assert (told["ready"], told["missing"], told["evidence_waiting"]) == (False, "store", None)
