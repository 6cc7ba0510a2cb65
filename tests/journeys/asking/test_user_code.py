"""A code that the user told nobody but the service protects from requests nobody wants."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.conformance.refusals import assert_refused
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import new_key
from tests.wire.tokens import granted

CODE, WRONG = "4711 grün", "0000"
USERS = ({"sub": "alice", "user_code": CODE}, {"sub": "bob"}, {"sub": "dora", "user_code": "1234"})
ASKING = {"backchannel_user_code_parameter": True}


@pytest.fixture(scope="module")
def kiosk() -> WireClient:
    """A client that asks its users for their code."""
    return WireClient("kiosk", metadata=ASKING)


@pytest.fixture(scope="module")
def booth() -> WireClient:
    """Another one."""
    return WireClient("booth", key=new_key(kid="booth"), metadata=ASKING)


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, kiosk: WireClient, booth: WireClient
) -> AsyncIterator[RunningService]:
    """A service where Alice and Dora have codes, and Bob has none."""
    async with run_service(clients=[till, kiosk, booth], users=USERS) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


async def guess(client: WireClient, times: int, user_code: str = WRONG) -> list[httpx2.Response]:
    """Requests one after the other with a code that may be wrong."""
    return [await client.start(user_code=user_code) for _ in range(times)]


@pytest.mark.clause("ciba-4-12")
async def test_the_right_code_lets_the_request_through(
    bank: RunningService, kiosk: WireClient, alice: WirePhone
):
    """However its letters are composed."""
    for code in (CODE, CODE.replace("ü", "u\u0308")):
        assert await granted(kiosk, alice, user_code=code)
    document = (await bank.http.get("/.well-known/openid-configuration")).json()
    assert document["backchannel_user_code_parameter_supported"] is True


@pytest.mark.clause("ciba-7.1.2-2", "fapi-ciba-7.2-3")
async def test_without_the_code_the_request_is_refused(kiosk: WireClient, alice: WirePhone):
    """400 missing_user_code, and the phone hears nothing."""
    assert_refused(await kiosk.start(), 400, "missing_user_code")
    assert await alice.fetch() == []


@pytest.mark.clause("ciba-7.1.2-3")
async def test_a_wrong_code_is_refused_before_a_phone_is_told(kiosk: WireClient, alice: WirePhone):
    """400 invalid_user_code; prompts are not used up by it."""
    for _ in range(2):
        for answer in await guess(kiosk, 4):
            assert_refused(answer, 400, "invalid_user_code")
        assert await alice.fetch() == []
        assert await granted(kiosk, alice, user_code=CODE)


async def test_a_user_without_a_code_has_no_right_one(bank: RunningService, kiosk: WireClient):
    """400 invalid_user_code for any; without one Bob is asked."""
    phone = await bank.enrolled_phone("bob")
    answer = await kiosk.start(login_hint="bob", user_code=CODE)
    assert_refused(answer, 400, "invalid_user_code")
    await kiosk.started(login_hint="bob")
    assert len(await phone.fetch()) == 1


@pytest.mark.clause("ciba-4-12")
async def test_a_client_that_registered_no_codes_is_not_asked_for_any(
    bank: RunningService, alice: WirePhone
):
    """What it sends is passed over."""
    await bank.till.started()
    await bank.till.started(user_code=WRONG)
    assert len(await alice.fetch()) == 2


async def test_an_id_token_takes_the_place_of_the_code(kiosk: WireClient, alice: WirePhone):
    """The user was there before; a code that is sent all the same must be right."""
    hint = {"login_hint": None}
    known = (await granted(kiosk, alice, user_code=CODE))["id_token"]
    assert await granted(kiosk, alice, **hint, id_token_hint=known)
    answer = await kiosk.start(**hint, id_token_hint=known, user_code=WRONG)
    assert_refused(answer, 400, "invalid_user_code")


async def test_guessing_locks_the_code_for_one_client(
    bank: RunningService, kiosk: WireClient, booth: WireClient, alice: WirePhone
):
    """After five wrong codes the right one is not valid there; phone and others are not locked."""
    for answer in [*await guess(kiosk, 5), *await guess(kiosk, 2, CODE)]:
        assert_refused(answer, 400, "invalid_user_code")
    assert await granted(booth, alice, user_code=CODE)
    assert await granted(bank.till, alice)
    bank.clock.advance(3600)
    assert await granted(kiosk, alice, user_code=CODE)


async def test_a_right_code_forgives_the_wrong_ones(kiosk: WireClient, alice: WirePhone):
    """Four wrong, one right, and four wrong again."""
    for _ in range(3):
        await guess(kiosk, 4)
        assert await granted(kiosk, alice, user_code=CODE)


async def test_the_code_is_looked_at_last(bank: RunningService, kiosk: WireClient):
    """A user without a phone is unknown, whatever the code; that is no attempt either."""
    for answer in await guess_about_dora(kiosk):
        assert_refused(answer, 400, "unknown_user_id")
    phone = await bank.enrolled_phone("dora")
    assert await granted(kiosk, phone, login_hint="dora", user_code="1234")


async def guess_about_dora(client: WireClient) -> list[httpx2.Response]:
    """More codes than count, and none."""
    codes = [WRONG, "1234", WRONG, WRONG, WRONG, WRONG, None]
    return [await client.start(login_hint="dora", user_code=code) for code in codes]


async def test_a_replayed_request_is_no_attempt(kiosk: WireClient, alice: WirePhone):
    """What is refused for something else leaves the counter alone."""
    request = kiosk.request_object(user_code=CODE)
    for number in range(7):
        form = {**kiosk.credentials(), "request": request}
        answer = await kiosk.post("/bc-authorize", form)
        assert answer.status_code == (400 if number else 200)
    (challenge,) = await alice.fetch()
    await alice.decide(alice.denial(challenge))
    assert await granted(kiosk, alice, user_code=CODE)


async def test_a_code_is_never_in_the_log(
    bank: RunningService, kiosk: WireClient, alice: WirePhone
):
    """Neither the right one nor what was guessed, nor in a printed setting."""
    await guess(kiosk, 2, "5083 guess")
    assert await granted(kiosk, alice, user_code=CODE)
    told = repr(bank.telemetry.__dict__) + repr(bank.settings.users)
    assert "5083" not in told
    assert "4711" not in told
