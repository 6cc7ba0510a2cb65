"""Phones: offline when it starts, several at once, taken away in between."""

import asyncio
from typing import Any

import pytest

from ciba_service.ports import Announcement, AnnouncementKind, Swap
from ciba_service.protocol.transaction.state import Event
from ciba_service.sca.messages import transaction_id
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.keys import transaction_key
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone


async def revoke(service: RunningService, phone: WirePhone) -> None:
    """What ``devices revoke`` does."""
    assert await service.service.stores.devices.revoke(phone.device_id, now=service.clock.now_ms())


async def test_a_phone_that_was_offline_finds_its_prompt_when_it_connects(
    service: RunningService, phone: WirePhone
):
    """The prompt waits in the store: the first thing a phone hears is what is open."""
    auth_req_id = await service.till.started()
    async with phone.online() as socket:
        (offered,) = socket.first
        assert offered["type"] == "challenge"
        assert (await socket.decide(phone.approval(offered["challenge"])))["type"] == "accepted"
    assert (await service.till.poll(auth_req_id)).status_code == 200


async def test_a_phone_without_a_socket_fetches_and_decides_over_https(
    service: RunningService, phone: WirePhone
):
    """The same messages work without a socket, for a phone that was woken by a push."""
    auth_req_id = await service.till.started()
    answer = (await phone.send({"type": "fetch"})).json()
    challenge, fetched = answer["messages"]
    assert fetched == {"type": "fetched", "open": [transaction_id(auth_req_id)]}
    accepted = await phone.decide(phone.approval(challenge["challenge"]))
    assert accepted["type"] == "accepted"
    assert (await service.till.poll(auth_req_id)).status_code == 200


async def test_a_connected_phone_can_ask_again(service: RunningService, phone: WirePhone):
    """``fetch`` on a socket repeats the open challenges and ends with their list."""
    async with phone.online() as socket:
        auth_req_id = await service.till.started()
        offered = await socket.next("challenge")
        await socket.send({"type": "fetch"})
        assert await socket.receive() == offered
        assert await socket.receive() == {"type": "fetched", "open": [transaction_id(auth_req_id)]}


async def test_every_phone_gets_the_same_challenge_and_the_first_answer_wins(
    service: RunningService, phone: WirePhone
):
    """The other phone sees the prompt withdrawn, and its late decision is refused."""
    tablet = await service.enrolled_phone("alice", "Tablet")
    async with phone.online() as first, tablet.online() as second:
        auth_req_id = await service.till.started()
        challenges = [(await socket.next("challenge"))["challenge"] for socket in (first, second)]
        assert challenges[0] == challenges[1]
        await first.decide(phone.denial(challenges[0]))
        withdrawn = await second.next("withdrawn")
        assert withdrawn == {
            "type": "withdrawn",
            "transaction_id": transaction_id(auth_req_id),
            "reason": "decided",
        }
        late = await second.decide(tablet.approval(challenges[1]))
        assert (late["type"], late["reason"]) == ("refused", "not_open")
    assert (await service.till.poll(auth_req_id)).json()["error"] == "access_denied"


async def test_a_phone_learns_what_is_over_although_the_word_was_lost(
    service: RunningService, phone: WirePhone
):
    """Where words between processes may be lost, a phone hears on its socket what it missed."""
    async with phone.online() as socket:
        ended, open_ = [await service.till.started() for _ in range(2)]
        for _ in range(2):
            await socket.next("challenge")
        cancelled = Swap(
            transaction_id=transaction_id(ended),
            event=Event.CANCEL,
            operation="elsewhere",
            now=service.clock.now_ms(),
        )
        assert (await service.service.stores.transactions.swap(cancelled)).won
        resync = Announcement(AnnouncementKind.RESYNC, user_tag("alice"))
        told: list[list[dict[str, Any]]] = [[], []]
        for heard in told:
            await service.service.hub.announce(resync)
            while not heard or heard[-1]["type"] != "fetched":
                heard.append(await asyncio.wait_for(socket.receive(), 10))
        assert told[0][0] == {
            "type": "withdrawn",
            "transaction_id": transaction_id(ended),
            "reason": "cancelled",
        }
        assert told[0][-1]["open"] == [transaction_id(open_)]
        assert "withdrawn" not in [message["type"] for message in told[1]]


async def test_two_phones_that_decide_at_once_have_one_winner(
    service: RunningService, phone: WirePhone
):
    """Of an approval and a denial in the same moment exactly one counts."""
    tablet = await service.enrolled_phone("alice", "Tablet")
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    outcomes = await asyncio.gather(
        phone.decide(phone.approval(challenge)), tablet.decide(tablet.denial(challenge))
    )
    accepted, refused = sorted(outcomes, key=lambda outcome: outcome["type"])
    assert (accepted["type"], refused["type"]) == ("accepted", "refused")
    assert refused["reason"] == "not_open"
    status = (await service.till.poll(auth_req_id)).status_code
    assert status == (200 if accepted["verdict"] == "approve" else 400)


async def test_a_right_pin_that_came_too_late_costs_nothing(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """Factors that were right while another phone decided do not count against the user."""
    tablet = await service.enrolled_phone("alice", "Tablet")
    await service.till.started()
    (challenge,) = await phone.fetch()
    attempts = service.service.stores.attempts
    reserve = type(attempts).reserve

    async def slow_reserve(_: object, tag: str, **how: Any) -> object:
        attempt = await reserve(attempts, tag, **how)
        await tablet.decide(tablet.denial(challenge))
        return attempt

    monkeypatch.setattr(type(attempts), "reserve", slow_reserve)
    late = await phone.decide(phone.approval(challenge))
    assert late["reason"] == "not_open"
    assert await attempts.used(user_tag("alice")) == 0


async def test_users_see_only_their_own(service: RunningService, phone: WirePhone):
    """Bob's phone is not offered Alice's prompt and cannot decide it."""
    bobs = await service.enrolled_phone("bob")
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    assert await bobs.fetch() == []
    refused = await bobs.decide(bobs.approval(challenge))
    assert refused["reason"] == "not_open"
    assert (await service.till.poll(auth_req_id)).json()["error"] == "authorization_pending"


@pytest.mark.clause("nist63b-4.3-1", "sca-art9-5")
async def test_a_phone_revoked_after_its_approval_redeems_nothing(
    service: RunningService, phone: WirePhone
):
    """The account gate looks at the phone again before tokens are issued."""
    await service.enrolled_phone("alice", "Tablet")
    auth_req_id = await service.till.started()
    await phone.approve_next()
    await revoke(service, phone)
    for _ in range(2):
        answer = await service.till.poll(auth_req_id)
        assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")


async def test_a_phone_revoked_while_its_decision_travelled_decides_nothing(
    service: RunningService, phone: WirePhone
):
    """A decision on an authenticated socket is refused once the phone is revoked."""
    await service.till.started()
    async with phone.online() as socket:
        (offered,) = socket.first
        await revoke(service, phone)
        await socket.send({"type": "decide", "decision": phone.approval(offered["challenge"])})
        await socket.raw.wait_closed()
    assert socket.raw.close_code == 4403


async def test_a_record_that_cannot_be_read_hides_no_other(
    run_service: ServiceRunner, till: WireClient
):
    """Of two open challenges the readable one is shown; the other is reported to the operator."""
    async with run_service(clients=[till]) as service:
        phone = await service.enrolled_phone("alice")
        strange, _ = await till.started(), await till.started()
        name = transaction_id(strange)
        async with phone.online() as socket:
            await service.commands.call("HSET", transaction_key(name), "v", "99")
            assert len(await phone.fetch()) == 1
            resync = Announcement(AnnouncementKind.RESYNC, user_tag("alice"))
            await service.service.hub.announce(resync)
            assert len((await socket.next("fetched"))["open"]) == 1
        assert {failure.name for failure in service.telemetry.failures} >= {"challenge_unreadable"}
