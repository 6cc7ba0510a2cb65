"""Users see which clients hold access that lasts, and end it from the phone."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from authenticator_sim.connection.addresses import tls_context
from authenticator_sim.connection.http import HttpClient
from authenticator_sim.connection.https import HttpsConnection
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import (
    AccessListCompleted,
    AccessNotFound,
    AccessShown,
    AccessStopped,
)
from authenticator_sim.core.identity.pin import parse_pin
from authenticator_sim.ports import system_random
from ciba_service.ports import StoreUnavailable
from ciba_service.protocol.tokens.token_text import transaction_of
from ciba_service.sca.messages import CloseCode
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.keys import accesses_key, grant_key
from tests.journeys.asking.test_prompt_storms import deny, settle
from tests.journeys.deciding.test_payment import PAYMENT
from tests.journeys.running.test_whole_product import enrolled
from tests.services.recording_telemetry import Event
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import new_key
from tests.wire.tokens import (
    API,
    REFRESHING,
    granted,
    is_active,
    refresh,
    resource_server,
    revoke,
    userinfo,
)

DAY = 86_400
TOKENS = {
    "audience": API,
    "refresh_token_idle_lifetime": 10 * DAY,
    "refresh_token_lifetime": 30 * DAY,
}
ACCOUNTS: dict[str, Any] = {"type": "account_information", "actions": ["read_balances"]}
TYPES = ["payment_initiation", "account_information"]
NOBODYS = "A" * 22
ALICE = accesses_key(user_tag("alice"))


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A client that gets refresh tokens."""
    metadata = {
        **REFRESHING,
        "client_name": "Corner Shop",
        "scope": "openid profile",
        "authorization_details_types": TYPES,
    }
    return WireClient("shop", metadata=metadata)


@pytest.fixture(scope="module")
def rival() -> WireClient:
    """Another one."""
    return WireClient("rival", key=new_key(kid="rival"), metadata=REFRESHING)


@pytest.fixture(scope="module")
def api() -> WireClient:
    """The resource server."""
    return resource_server()


@pytest.fixture
async def bank(
    run_service: ServiceRunner, shop: WireClient, rival: WireClient, api: WireClient
) -> AsyncIterator[RunningService]:
    """A service with these, and a till without the grant."""
    clients = [shop, rival, api, WireClient("till")]
    async with run_service(clients=clients, sections={"tokens": TOKENS}) as running:
        yield running


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


async def listed(phone: WirePhone) -> list[dict[str, Any]]:
    """The accesses a phone is told of; the last message names them all."""
    answer = await phone.send({"type": "list_accesses"})
    assert answer.status_code == 200, answer.text
    *accesses, end = answer.json()["messages"]
    assert {access["type"] for access in accesses} <= {"access"}
    assert end == {"type": "accesses", "lasting": [each["transaction_id"] for each in accesses]}
    return accesses


async def names(phone: WirePhone) -> list[str]:
    """Their transactions."""
    return [access["transaction_id"] for access in await listed(phone)]


async def end(phone: WirePhone, name: str) -> str:
    """What the answer to ending one is."""
    (answer,) = (await phone.send({"type": "end_access", "transaction_id": name})).json()[
        "messages"
    ]
    assert answer == {"type": answer["type"], "transaction_id": name}
    return str(answer["type"])


def ended(bank: RunningService, reason: str) -> list[Event]:
    """Which accesses were ended for this reason."""
    return [
        event for event in bank.telemetry.named("grant_ended") if event.fields["reason"] == reason
    ]


def name_of(tokens: dict[str, Any]) -> str:
    """The transaction that tokens came from."""
    return transaction_of(tokens["refresh_token"]) or ""


@pytest.mark.clause("fapi1-p1-5.2.2-18")
async def test_a_user_ends_the_access_of_a_client(
    bank: RunningService, shop: WireClient, rival: WireClient, alice: WirePhone, api: WireClient
):
    """Refresh and introspection know at once; the access of another client stays."""
    theirs, other = await granted(shop, alice), await granted(rival, alice)
    second = (await refresh(shop, theirs["refresh_token"])).json()
    assert set(await names(alice)) == {name_of(theirs), name_of(other)}
    for _ in range(2):
        assert await end(alice, name_of(theirs)) == "access_ended"
        assert await names(alice) == [name_of(other)]
    refused = await refresh(shop, theirs["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    for token in (theirs["access_token"], second["access_token"]):
        assert not await is_active(api, token)
    assert await bank.commands.call("EXISTS", grant_key(name_of(theirs))) == 0
    assert (await refresh(rival, other["refresh_token"])).status_code == 200
    (event,) = bank.telemetry.named("grant_ended")
    assert event.fields == {
        "transaction_id": name_of(theirs),
        "reason": "user",
        "device_id": alice.device_id,
    }
    assert bank.telemetry.failures == []


@pytest.mark.clause("rfc10027-6.1.6-1")
async def test_not_me_ends_all_access_of_the_client(
    bank: RunningService, shop: WireClient, rival: WireClient, alice: WirePhone, api: WireClient
):
    """Whoever asks in the user's name without the user keeps nothing; others keep theirs."""
    theirs, other = [await granted(shop, alice) for _ in range(2)], await granted(rival, alice)
    name = await deny(shop, alice, "not_me")
    await settle(bank, name)
    assert await names(alice) == [name_of(other)]
    for tokens in theirs:
        refused = await refresh(shop, tokens["refresh_token"])
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert not await is_active(api, tokens["access_token"])
        assert await end(alice, name_of(tokens)) == "access_ended"
    assert (await refresh(rival, other["refresh_token"])).status_code == 200
    assert sorted(event.fields["transaction_id"] for event in ended(bank, "not_me")) == sorted(
        map(name_of, theirs)
    )


async def test_not_me_leaves_nothing_lasting_to_be_fetched_later(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """What was approved before is had, but for what would last."""
    auth_req_id = await shop.started()
    await alice.approve_next()
    await settle(bank, await deny(shop, alice, "not_me"))
    answer = await shop.poll(auth_req_id)
    assert answer.status_code == 200
    assert "access_token" in answer.json()
    assert "refresh_token" not in answer.json()
    assert await names(alice) == []


async def test_a_grant_that_cannot_be_read_keeps_no_other_from_its_end(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """It is told to the operator; what the client holds beside it is ended."""
    strange, plain = await granted(shop, alice), await granted(shop, alice)
    await bank.commands.call("HSET", grant_key(name_of(strange)), "v", "99")
    await settle(bank, await deny(shop, alice, "not_me"))
    assert {failure.name for failure in bank.telemetry.failures} == {"grant_unreadable"}
    assert [event.fields["transaction_id"] for event in ended(bank, "not_me")] == [name_of(plain)]


async def test_not_me_ends_access_that_is_on_no_list(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """An older version granted it, or it was just being granted: the next refresh ends it."""
    tokens = await granted(shop, alice)
    await bank.commands.call("DEL", ALICE)
    await settle(bank, await deny(shop, alice, "not_me"))
    for _ in range(2):
        refused = await refresh(shop, tokens["refresh_token"])
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        bank.clock.advance(DAY)
    assert await names(alice) == []


async def test_access_is_ended_though_the_store_was_away_when_not_me_was_heeded(
    bank: RunningService, shop: WireClient, alice: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """What the deciding script wrote stays due until all of it is done."""
    tokens = await granted(shop, alice)

    async def unreachable(*_: object) -> bool:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(type(bank.service.stores.grants), "end", unreachable)
        name = await deny(shop, alice, "not_me")
        with pytest.raises(StoreUnavailable):
            await settle(bank, name)
    assert await names(alice) == [name_of(tokens)]
    await settle(bank, name)
    assert await names(alice) == []


@pytest.mark.clause("fapi1-p1-5.2.2-18")
async def test_userinfo_refuses_what_the_user_has_ended(
    run_service: ServiceRunner, shop: WireClient
):
    """A token that was good for it a moment ago is invalid."""
    async with run_service(clients=[shop]) as bank:
        phone = await bank.enrolled_phone("alice")
        tokens = await granted(shop, phone)
        assert (await userinfo(bank, tokens["access_token"])).status_code == 200
        assert await end(phone, name_of(tokens)) == "access_ended"
        answer = await userinfo(bank, tokens["access_token"])
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


async def test_an_access_is_told_in_the_words_in_which_it_was_approved(
    bank: RunningService, shop: WireClient, rival: WireClient, alice: WirePhone
):
    """The client's name, what is shared, since when, and until when if it is not used."""
    began = bank.clock.now()
    tokens = await granted(shop, alice, scope="openid profile", authorization_details=[ACCOUNTS])
    bank.clock.advance(60)
    other = await granted(rival, alice)
    newer, older = await listed(alice)
    assert (newer["transaction_id"], newer["client"]) == (name_of(other), "Shop rival")
    assert "details" not in newer
    (detail,) = older.pop("details")
    assert detail["title"] == "Account information"
    assert detail["lines"][0]["texts"] == ["Balances"]
    assert older == {
        "type": "access",
        "transaction_id": name_of(tokens),
        "client": "Corner Shop",
        "shares": ["Your identity", "Your name and profile"],
        "since": began,
        "until": began + 10 * DAY,
    }


async def test_use_puts_the_end_off_and_idleness_ends_it(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """Each refresh counts anew, up to the end since the approval; then nothing is listed."""
    began = bank.clock.now()
    tokens = await granted(shop, alice)
    for day in (9, 18, 27):
        bank.clock.advance(9 * DAY)
        assert (await refresh(shop, tokens["refresh_token"])).status_code == 200
        (access,) = await listed(alice)
        assert access["until"] == began + min(day + 10, 30) * DAY
    bank.clock.advance(3 * DAY - 1)
    assert await names(alice) == [name_of(tokens)]
    bank.clock.advance(1)
    assert await names(alice) == []
    assert await end(alice, name_of(tokens)) == "access_unknown"


async def test_what_does_not_last_is_not_listed(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """Neither a payment nor a sign-in without refresh token, nor what is not redeemed yet."""
    await granted(shop, alice, authorization_details=[PAYMENT])
    await granted(bank.till, alice)
    await shop.started()
    await alice.approve_next()
    assert await names(alice) == []
    assert await bank.commands.call("EXISTS", ALICE) == 0


async def test_the_simulator_lists_and_ends_access(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """Another phone of the user than the one that approved, over HTTPS."""
    tokens = await granted(shop, alice)
    device = Device(await enrolled(bank, parse_pin("493817")), random_bytes=system_random)
    async with HttpClient(bank.issuer, tls=tls_context(None)) as http:
        https = HttpsConnection(device, http=http, clock=bank.clock, random_bytes=system_random)
        shown, completed = await https.list_accesses()
        assert isinstance(shown, AccessShown)
        assert (shown.client, shown.transaction_id) == ("Corner Shop", name_of(tokens))
        assert completed == AccessListCompleted((name_of(tokens),))
        assert await https.end_access(shown.transaction_id) == (AccessStopped(name_of(tokens)),)
        assert await https.list_accesses() == (AccessListCompleted(()),)
        assert await https.end_access(NOBODYS) == (AccessNotFound(NOBODYS),)
    assert (await refresh(shop, tokens["refresh_token"])).status_code == 400


async def test_nobody_ends_or_sees_the_access_of_another_user(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """It is refused like one that never was, and goes on."""
    tokens = await granted(shop, alice)
    bob = await bank.enrolled_phone("bob")
    assert await names(bob) == []
    assert await end(bob, name_of(tokens)) == "access_unknown"
    assert await end(bob, NOBODYS) == "access_unknown"
    assert (await refresh(shop, tokens["refresh_token"])).status_code == 200


async def test_a_name_that_got_into_the_list_of_another_user_is_not_shown(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """The list stands in the store unsealed; whose a grant is does not."""
    tokens = await granted(shop, await bank.enrolled_phone("bob"), login_hint="bob")
    await bank.commands.call("ZADD", ALICE, 2 * bank.clock.now_ms(), name_of(tokens))
    assert await names(alice) == []
    await bank.commands.call("DEL", ALICE)


async def test_access_is_ended_on_a_socket_too(shop: WireClient, alice: WirePhone):
    """The frames are the same."""
    name = name_of(await granted(shop, alice))
    async with alice.online() as socket:
        await socket.send({"type": "list_accesses"})
        assert (await socket.next("access"))["transaction_id"] == name
        assert (await socket.next("accesses"))["lasting"] == [name]
        await socket.send({"type": "end_access", "transaction_id": name})
        assert (await socket.receive()) == {"type": "access_ended", "transaction_id": name}
        await socket.send({"type": "end_access", "transaction_id": NOBODYS})
        assert (await socket.receive()) == {"type": "access_unknown", "transaction_id": NOBODYS}


@pytest.mark.parametrize("message", ["list_accesses", "end_access"])
async def test_a_phone_that_was_revoked_unnoticed_is_told_nothing(
    bank: RunningService, shop: WireClient, alice: WirePhone, message: str
):
    """Its socket ends with 4403, over HTTPS it gets 403, and no access ends."""
    tokens = await granted(shop, await bank.enrolled_phone("alice", "Tablet"))
    said = {"type": message, "transaction_id": name_of(tokens)}
    async with alice.online() as socket:
        await bank.service.stores.devices.revoke(alice.device_id, now=bank.clock.now_ms())
        await socket.send(said)
        await socket.raw.wait_closed()
        assert socket.raw.close_code == CloseCode.REVOKED
    answer = await alice.send(said)
    assert (answer.status_code, answer.json()["error"]) == (403, "device_revoked")
    assert (await refresh(shop, tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    "name", [None, 7, "", "A" * 21, "A" * 23, "A" * 22 + "\n", "A" * 21 + "=", "é" * 22, "\ud800"]
)
async def test_what_is_no_transaction_id_breaks_the_protocol(alice: WirePhone, name: object):
    """400 over HTTPS, 4400 on a socket."""
    said = {"type": "end_access", "transaction_id": name}
    answer = await alice.send(said)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    async with alice.online() as socket:
        await socket.send(said)
        await socket.raw.wait_closed()
        assert socket.raw.close_code == CloseCode.MALFORMED


async def test_an_approval_on_a_phone_that_is_lost_is_not_listed(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """It is worth nothing any more; what the other phone approved is listed."""
    tablet = await bank.enrolled_phone("alice", "Tablet")
    await granted(shop, alice)
    kept = await granted(shop, tablet)
    await bank.service.stores.devices.revoke(alice.device_id, now=bank.clock.now_ms())
    assert await names(tablet) == [name_of(kept)]


async def test_what_a_client_gave_back_is_not_listed(shop: WireClient, alice: WirePhone):
    """To end it as well is no mistake for half an hour; later nobody remembers."""
    tokens = await granted(shop, alice)
    await revoke(shop, tokens["refresh_token"])
    assert await names(alice) == []
    assert await end(alice, name_of(tokens)) == "access_ended"
    alice.clock.advance(1800)
    assert await end(alice, name_of(tokens)) == "access_unknown"


async def test_access_from_before_the_list_is_listed_once_it_is_used(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """What an older version granted, or what the list lost, comes in with the next refresh."""
    tokens = await granted(shop, alice)
    await bank.commands.call("DEL", ALICE)
    assert await names(alice) == []
    await refresh(shop, tokens["refresh_token"])
    assert await names(alice) == [name_of(tokens)]


async def test_a_further_access_ends_the_one_used_least_recently(
    bank: RunningService, shop: WireClient, alice: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """The number is bounded; whoever uses its access keeps it."""
    monkeypatch.setattr(bank.service.stores.accesses, "_cap", 2)
    used, idle = await granted(shop, alice), await granted(shop, alice)
    bank.clock.advance(60)
    assert (await refresh(shop, used["refresh_token"])).status_code == 200
    bank.clock.advance(60)
    new = await granted(shop, alice)
    assert await names(alice) == [name_of(new), name_of(used)]
    assert (await refresh(shop, idle["refresh_token"])).json()["error"] == "invalid_grant"
    (event,) = bank.telemetry.named("grant_ended")
    assert event.fields == {"transaction_id": name_of(idle), "reason": "too_many"}


async def test_tokens_are_not_lost_when_no_room_can_be_made(
    bank: RunningService, shop: WireClient, alice: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """The client gets them, and the next redemption ends what is too many."""
    monkeypatch.setattr(bank.service.stores.accesses, "_cap", 1)
    first = await granted(shop, alice)

    async def unreachable(*_: object) -> bool:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(type(bank.service.stores.grants), "end", unreachable)
        second = await granted(shop, alice)
    assert [failure.name for failure in bank.telemetry.failures] == ["accesses_crowded"]
    bank.clock.advance(60)
    third = await granted(shop, alice)
    assert await names(alice) == [name_of(third)]
    for tokens in (first, second):
        assert (await refresh(shop, tokens["refresh_token"])).status_code == 400


async def test_a_grant_that_cannot_be_read_hides_no_other(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """It is left out and told to the operator, and can be ended."""
    strange, plain = await granted(shop, alice), await granted(shop, alice)
    await bank.commands.call("HSET", grant_key(name_of(strange)), "v", "99")
    assert await names(alice) == [name_of(plain)]
    assert [failure.name for failure in bank.telemetry.failures] == ["grant_unreadable"]
    assert await end(alice, name_of(strange)) == "access_ended"


async def test_the_access_of_a_client_that_is_gone_is_told_by_its_name(
    run_service: ServiceRunner, shop: WireClient
):
    """The user still finds it, and ends it for the case that the client comes back."""
    async with run_service(clients=[shop]) as before:
        phone = await before.enrolled_phone("alice")
        name = name_of(await granted(shop, phone))
    async with run_service(clients=[WireClient("till")]) as after:
        phone.http, phone.issuer, phone.clock = after.http, after.issuer, after.clock
        (access,) = await listed(phone)
        assert (access["transaction_id"], access["client"]) == (name, "Corner Shop")
        assert await end(phone, name) == "access_ended"


async def test_a_store_that_cannot_be_reached_is_told(
    bank: RunningService, shop: WireClient, alice: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """503 over HTTPS; the phone asks again, and the access ends then."""
    name = name_of(await granted(shop, alice))

    async def unreachable(*_: object, **__: object) -> bool:
        raise StoreUnavailable

    for step in ("has", "fade"):
        with monkeypatch.context() as patch:
            patch.setattr(type(bank.service.stores.accesses), step, unreachable)
            answer = await alice.send({"type": "end_access", "transaction_id": name})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert await end(alice, name) == "access_ended"
