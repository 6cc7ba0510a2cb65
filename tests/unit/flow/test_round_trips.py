"""The budget of round trips to Redis: one awaited flush each (DESIGN of the store)."""

from collections.abc import AsyncIterator
from secrets import token_urlsafe

import pytest

from authenticator_sim.core.identity.passkeys import Gesture
from ciba_service.ports import DueKind, DueWork
from ciba_service.sca.messages import transaction_id
from tests.services.idle_worker import make_idle
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.events import events_answer
from tests.wire.passkey_phone import SECTIONS, with_passkey
from tests.wire.phone import WirePhone, WireSocket
from tests.wire.signing import public_jwk, sign

FINDER = "https://finder.example"


@pytest.fixture
async def quiet(
    run_service: ServiceRunner, till: WireClient, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningService]:
    """A service that demands codes, whose scripts are known, and whose worker waits for its sweep.

    The sweep follows the fake clock and the heartbeat is seconds away, so that nobody else asks.
    """
    async with run_service(clients=[till], sections={"policy": {"require_otp": True}}) as service:
        make_idle(service.service.worker, monkeypatch)
        phone = await service.enrolled_phone("alice")
        async with phone.online() as socket:
            await whole_journey(service, phone, socket)
            await refused_decisions(service, phone, socket)
        service.phones.append(phone)
        service.clock.advance(0)
        yield service


async def whole_journey(service: RunningService, phone: WirePhone, socket: WireSocket) -> None:
    """Let Redis learn every script."""
    auth_req_id = await service.till.started()
    await service.till.poll(auth_req_id)
    (challenge,) = await phone.fetch()
    await socket.decide(phone.approval(challenge, otp=phone.otp()))
    await service.till.poll(auth_req_id)


async def refused_decisions(service: RunningService, phone: WirePhone, socket: WireSocket) -> None:
    """And those of a refusal."""
    await service.till.started()
    challenge = (await phone.fetch())[-1]
    await socket.decide(phone.approval(challenge, pin=False))
    await socket.decide(phone.denial(challenge))


async def test_a_request_takes_two(quiet: RunningService):
    """Reserve whatever may be used once, then store."""
    before = quiet.commands.flushes
    await quiet.till.started()
    assert quiet.commands.flushes - before == 2


async def test_a_request_with_all_that_is_used_up_takes_two_as_well(
    run_service: ServiceRunner, monkeypatch: pytest.MonkeyPatch
):
    """A hint that counts once and a user code are reserved and settled beside the rest."""
    kiosk = WireClient("kiosk", metadata={"backchannel_user_code_parameter": True})
    issuer = {"iss": FINDER, "jwks": {"keys": [public_jwk(kiosk.key)]}, "single_use": True}
    users = ({"sub": "alice", "user_code": "4711"},)
    async with run_service(clients=[kiosk], users=users, hint_issuers=[issuer]) as service:
        make_idle(service.service.worker, monkeypatch)
        await service.enrolled_phone("alice")
        for _ in range(2):
            claims = {"iss": FINDER, "aud": kiosk.issuer, "exp": kiosk.now() + 60, "sub": "alice"}
            hint = sign(kiosk.header(), {**claims, "jti": token_urlsafe()}, kiosk.key)
            before = service.commands.flushes
            await kiosk.started(login_hint=None, login_hint_token=hint, user_code="4711")
        assert service.commands.flushes - before == 2


async def test_a_request_with_a_handle_takes_three(quiet: RunningService):
    """One more to learn whose prompt to reserve; making the handle takes one after the proof."""
    (phone,) = quiet.phones
    await quiet.till.started(login_hint=await phone.handle())
    handle = await phone.handle()
    before = quiet.commands.flushes
    await quiet.till.started(login_hint=handle)
    assert quiet.commands.flushes - before == 3


async def test_a_pending_poll_takes_one(quiet: RunningService):
    """The assertion is spent in the round trip that reads the state."""
    auth_req_id = await quiet.till.started()
    before = quiet.commands.flushes
    await quiet.till.poll(auth_req_id)
    assert quiet.commands.flushes - before == 1


async def test_a_decision_takes_four_and_a_redemption_three(quiet: RunningService):
    """Read, count, spend the code, swap; and later read, look at the accounts, swap."""
    (phone,) = quiet.phones
    async with phone.online() as socket:
        auth_req_id = await quiet.till.started()
        (challenge,) = await phone.fetch()
        quiet.clock.advance(0.5)
        decision = phone.approval(challenge, otp=phone.otp(1))
        before = quiet.commands.flushes
        assert (await socket.decide(decision))["type"] == "accepted"
        assert quiet.commands.flushes - before == 4
    before = quiet.commands.flushes
    assert (await quiet.till.poll(auth_req_id)).status_code == 200
    assert quiet.commands.flushes - before == 3


async def test_a_decision_with_a_passkey_takes_four_as_well(
    run_service: ServiceRunner, till: WireClient, monkeypatch: pytest.MonkeyPatch
):
    """Its count is spent beside the code, whether it is right or wrong."""
    sections = {**SECTIONS, "policy": {"require_otp": True}}
    async with run_service(clients=[till], sections=sections) as service:
        make_idle(service.service.worker, monkeypatch)
        alice = await with_passkey(await service.enrolled_phone("alice"))
        async with alice.phone.online() as socket:
            flushes = []
            gestures = (Gesture.VERIFIED, Gesture.PRESENT, Gesture.VERIFIED)
            for drift, gesture in enumerate(gestures, start=-1):
                await till.started()
                challenge = (await alice.phone.fetch())[-1]
                otp = alice.phone.otp(drift)
                decision = alice.approval(challenge, gesture=gesture, otp=otp)
                before = service.commands.flushes
                await socket.decide(decision)
                flushes.append(service.commands.flushes - before)
    # The first time Redis learns the scripts; a wrong one is not swapped.
    assert flushes[1:] == [3, 4]


async def test_a_denial_takes_two(quiet: RunningService):
    """Read and swap: nothing is counted."""
    (phone,) = quiet.phones
    async with phone.online() as socket:
        await quiet.till.started()
        (challenge,) = await phone.fetch()
        before = quiet.commands.flushes
        assert (await socket.decide(phone.denial(challenge)))["type"] == "accepted"
        assert quiet.commands.flushes - before == 2


async def test_a_cancellation_takes_two(quiet: RunningService):
    """Authenticate and find, swap."""
    await quiet.till.cancel(await quiet.till.started())
    auth_req_id = await quiet.till.started()
    before = quiet.commands.flushes
    assert (await quiet.till.cancel(auth_req_id)).status_code == 204
    assert quiet.commands.flushes - before == 2


async def test_reading_what_happened_takes_one(quiet: RunningService):
    """The assertion is spent in the round trip that reads the ledger."""
    auth_req_id = await quiet.till.started()
    before = quiet.commands.flushes
    assert (await events_answer(quiet.till, auth_req_id)).status_code == 200
    assert quiet.commands.flushes - before == 1


async def test_an_announcement_takes_two(quiet: RunningService):
    """Read, then tell: that it is told is written in the round trip that tells it."""
    works = [DueWork(DueKind.ANNOUNCE, transaction_id(await quiet.till.started()), 0) for _ in "ab"]
    await quiet.service.worker._perform(works[0])
    before = quiet.commands.flushes
    await quiet.service.worker._perform(works[1])
    assert quiet.commands.flushes - before == 2
