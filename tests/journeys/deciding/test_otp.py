"""The one-time code, where policy asks for it beside the PIN."""

from collections.abc import AsyncIterator

import pytest

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of


@pytest.fixture
async def strict(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """A service whose policy demands one-time codes."""
    async with run_service(clients=[till], sections={"policy": {"require_otp": True}}) as running:
        yield running


@pytest.fixture
async def strict_phone(strict: RunningService) -> WirePhone:
    """Alice's phone at that service."""
    return await strict.enrolled_phone("alice")


async def test_pin_and_code_approve(strict: RunningService, strict_phone: WirePhone):
    """With both the request is approved, and the tokens say so."""
    auth_req_id = await strict.till.started()
    (challenge,) = await strict_phone.fetch()
    assert claims_of(challenge)["factors"] == ["device_key", "pin", "otp"]
    approval = strict_phone.approval(challenge, otp=strict_phone.otp())
    assert (await strict_phone.decide(approval))["type"] == "accepted"
    tokens = (await strict.till.poll(auth_req_id)).json()
    assert claims_of(tokens["id_token"])["amr"] == ["pop", "pin", "otp", "mfa"]


@pytest.mark.parametrize("drift", [-2, 2, 40])
async def test_a_code_of_another_time_is_wrong(
    strict: RunningService, strict_phone: WirePhone, drift: int
):
    """A code is good for its time step and the neighbours, and counts as an attempt otherwise."""
    await strict.till.started()
    (challenge,) = await strict_phone.fetch()
    refused = await strict_phone.decide(
        strict_phone.approval(challenge, otp=strict_phone.otp(drift))
    )
    assert (refused["reason"], refused["attempts_left"]) == ("factors", 4)


@pytest.mark.parametrize("otp", [None, "", "000", "12345678", "٠١٢٣٤٥"])
async def test_the_pin_alone_is_not_enough(
    strict: RunningService, strict_phone: WirePhone, otp: str | None
):
    """A missing or misshapen code refuses the approval like a wrong one."""
    await strict.till.started()
    (challenge,) = await strict_phone.fetch()
    refused = await strict_phone.decide(strict_phone.approval(challenge, otp=otp))
    assert refused["reason"] == "factors"


@pytest.mark.clause("sca-art4-2", "sca-art4-6")
async def test_a_code_shown_beside_a_wrong_pin_is_spent(
    strict: RunningService, strict_phone: WirePhone
):
    """The right PIN with the same code is refused just like a wrong PIN was; a later code works."""
    await strict.till.started()
    (challenge,) = await strict_phone.fetch()
    code = strict_phone.otp()
    wrong = await strict_phone.decide(strict_phone.approval(challenge, pin=False, otp=code))
    reused = await strict_phone.decide(strict_phone.approval(challenge, otp=code))
    for refused, left in ((wrong, 4), (reused, 3)):
        assert (refused["reason"], refused["attempts_left"]) == ("factors", left)
    strict.clock.advance(30)
    approval = strict_phone.approval(challenge, otp=strict_phone.otp())
    assert (await strict_phone.decide(approval))["type"] == "accepted"


@pytest.mark.clause("nist63b-3.2.2-1")
async def test_a_resent_decision_is_not_a_new_guess(
    strict: RunningService, strict_phone: WirePhone
):
    """A code that was wrong when it was shown stays wrong, even in the step it would fit."""
    auth_req_id = await strict.till.started()
    (challenge,) = await strict_phone.fetch()
    decision = strict_phone.approval(challenge, otp=strict_phone.otp(2))
    first = await strict_phone.decide(decision)
    strict.clock.advance(60)
    assert await strict_phone.decide(decision) == first
    assert (first["reason"], first["attempts_left"]) == ("factors", 4)
    assert (await strict.till.poll(auth_req_id)).json()["error"] == "authorization_pending"


async def test_a_code_approves_once(strict: RunningService, strict_phone: WirePhone):
    """A code that approved one request does not approve the next, and none before it does."""
    await strict.till.started()
    await strict.till.started()
    first, second = await strict_phone.fetch()
    code, earlier = strict_phone.otp(), strict_phone.otp(-1)
    accepted = await strict_phone.decide(strict_phone.approval(first, otp=code))
    assert accepted["type"] == "accepted"
    for spent in (code, earlier):
        refused = await strict_phone.decide(strict_phone.approval(second, otp=spent))
        assert refused["reason"] == "factors"


async def test_a_client_may_be_registered_for_codes(
    run_service: ServiceRunner,
):
    """The strongest demand applies: a code is asked for where the client is registered so."""
    careful = WireClient("careful", metadata={"require_otp": True})
    async with run_service(clients=[careful]) as service:
        phone = await service.enrolled_phone("alice")
        await careful.started()
        (challenge,) = await phone.fetch()
        assert claims_of(challenge)["factors"] == ["device_key", "pin", "otp"]
