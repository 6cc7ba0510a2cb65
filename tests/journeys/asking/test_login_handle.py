"""One-time names of the user, made by the phone and shown to the client (FAPI-CIBA 7.2, 7.3)."""

import asyncio
import re

import pytest

from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.keys import devices_key
from tests.conformance.refusals import assert_refused
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of
from tests.wire.tokens import granted


@pytest.fixture
async def alice(service: RunningService) -> WirePhone:
    """Alice's phone."""
    return await service.enrolled_phone("alice")


async def refusal(phone: WirePhone) -> dict[str, str]:
    """The one frame that answers a question for a handle."""
    (answer,) = (await phone.send({"type": "make_handle"})).json()["messages"]
    return dict(answer)


@pytest.mark.clause("fapi-ciba-7.2-1", "fapi-ciba-7.3-1")
async def test_a_handle_of_the_phone_names_its_user_once(service: RunningService, alice: WirePhone):
    """A till that was shown it asks this user, and nobody can use it again."""
    handle = await alice.handle()
    assert re.fullmatch(r"ciba-handle:[A-Za-z0-9_-]{22}", handle)
    tokens = await granted(service.till, alice, login_hint=handle)
    assert claims_of(tokens["id_token"])["sub"] == "alice"
    for client in service.clients.values():
        assert_refused(await client.start(login_hint=handle), 400, "unknown_user_id")
    assert await alice.fetch() == []


async def test_a_socket_makes_handles_too(service: RunningService, alice: WirePhone):
    """The same message, and each time another handle, good for three minutes."""
    async with alice.online() as socket:
        made = []
        for _ in range(2):
            await socket.send({"type": "make_handle"})
            made.append(await socket.next("handle_made"))
    assert [each["expires_in"] for each in made] == [180, 180]
    assert made[0]["handle"] != made[1]["handle"]
    await service.till.started(login_hint=made[1]["handle"])


async def test_a_handle_counts_for_three_minutes(service: RunningService, alice: WirePhone):
    """To the second, and then it is as good as unknown."""
    first, second = await alice.handle(), await alice.handle()
    service.clock.advance(179)
    await service.till.started(login_hint=first)
    service.clock.advance(1)
    expired = await service.till.start(login_hint=second)
    unknown = await service.till.start(login_hint="ciba-handle:" + "A" * 22)
    assert_refused(expired, 400, "unknown_user_id")
    assert expired.content == unknown.content


async def test_of_two_requests_at_once_one_is_told_of_the_user(
    service: RunningService, alice: WirePhone
):
    """Whoever comes second is refused, leaves no prompt, and takes no slot away."""
    for _ in range(5):
        handle = await alice.handle()
        answers = await asyncio.gather(
            *(client.start(login_hint=handle) for client in service.clients.values())
        )
        assert sorted(answer.status_code for answer in answers) == [200, 400]
        (challenge,) = await alice.fetch()
        await alice.decide(alice.approval(challenge))


async def test_a_fourth_handle_takes_the_place_of_the_first(
    service: RunningService, alice: WirePhone
):
    """Three of a user count at once, whichever phone made them."""
    other = await service.enrolled_phone("alice")
    handles = []
    for phone in (alice, alice, other, other):
        handles.append(await phone.handle())
        service.clock.advance(1)
    statuses = [(await service.till.start(login_hint=each)).status_code for each in handles]
    assert statuses == [400, 200, 200, 200]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"scope": "openid unheard-of"}, "invalid_scope"),
        ({"binding_message": "x" * 200}, "invalid_binding_message"),
        ({"login_hint_token": "a.b.c"}, "invalid_request"),
    ],
)
async def test_a_request_that_is_wrong_in_itself_leaves_the_handle(
    service: RunningService, alice: WirePhone, bad: dict[str, str], code: str
):
    """The till mends its request and needs no other handle."""
    handle = await alice.handle()
    assert_refused(await service.till.start(login_hint=handle, **bad), 400, code)
    await service.till.started(login_hint=handle)


async def test_a_request_for_another_subject_uses_the_handle_up(
    service: RunningService, alice: WirePhone
):
    """Nobody learns from one handle which of several users it names."""
    handle = await alice.handle()
    for wanted in ("bob", "alice"):
        claims = {"id_token": {"sub": {"value": wanted}}}
        answer = await service.till.start(login_hint=handle, claims=claims)
        assert_refused(answer, 400, "unknown_user_id")


async def test_a_revoked_phone_takes_its_handles_with_it(service: RunningService, alice: WirePhone):
    """Although the user has another phone, whose handles go on counting."""
    other = await service.enrolled_phone("alice")
    handles = [await alice.handle(), await other.handle()]
    await service.service.stores.devices.revoke(alice.device_id, now=service.clock.now_ms())
    assert_refused(await service.till.start(login_hint=handles[0]), 400, "unknown_user_id")
    await service.till.started(login_hint=handles[1])
    answer = await alice.send({"type": "make_handle"})
    assert (answer.status_code, answer.json()["error"]) == (403, "device_revoked")


async def test_a_phone_revoked_while_it_asks_gets_no_handle(
    service: RunningService, alice: WirePhone
):
    """Its socket ends with 4403: the script looks at the phone once more."""
    async with alice.online() as socket:
        await service.commands.call("DEL", devices_key(user_tag("alice")))
        await socket.send({"type": "make_handle"})
        await socket.raw.wait_closed()
        assert socket.raw.close_code == 4403


async def test_a_locked_user_gets_no_handle_and_is_not_named_by_one(
    service: RunningService, alice: WirePhone
):
    """Made before the lock, it leads to nobody; after it there is none."""
    handle = await alice.handle()
    await service.till.started()
    (challenge,) = await alice.fetch()
    for _ in range(5):
        await alice.decide(alice.approval(challenge, pin=False))
    assert await refusal(alice) == {"type": "handle_refused", "reason": "locked"}
    assert_refused(await service.till.start(login_hint=handle), 400, "unknown_user_id")


async def test_a_disabled_user_gets_no_handle(run_service: ServiceRunner, till: WireClient):
    """The phone is told so, when the user was disabled after its enrolment."""
    async with run_service(clients=[till]) as service:
        phone = await service.enrolled_phone("alice")
    users = ({"sub": "alice", "enabled": False},)
    async with run_service(clients=[till], users=users) as service:
        phone.issuer, phone.http, phone.clock = service.issuer, service.http, service.clock
        assert await refusal(phone) == {"type": "handle_refused", "reason": "disabled"}


async def test_a_handle_is_in_no_report(service: RunningService, alice: WirePhone):
    """What is reported of it names the phone alone, also when it is refused."""
    handle = await alice.handle()
    await service.till.started(login_hint=handle)
    assert_refused(await service.till.start(login_hint=handle), 400, "unknown_user_id")
    (made,) = service.telemetry.named("login_handle_made")
    assert made.fields == {"device_id": alice.device_id}
    reasons = [event.fields["reason"] for event in service.telemetry.named("request_refused")]
    assert "the handle does not count any more" in reasons
    assert handle.removeprefix("ciba-handle:") not in repr(service.telemetry)
