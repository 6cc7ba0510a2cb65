"""Whom a client may ask, and how many prompts of one user may be open."""

from typing import Any

import pytest

from ciba_service.sca.phones.devices import user_tag
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone

CAP = 5


class UnsignedClient(WireClient):
    """A client that does not sign its requests."""

    def registration(self) -> dict[str, Any]:
        """Without an algorithm for requests."""
        registration = super().registration()
        del registration["backchannel_authentication_request_signing_alg"]
        return registration


@pytest.mark.clause("ciba-13-6", "ciba-7.2-4", "ciba-7.2-5")
async def test_whoever_cannot_be_asked_looks_unknown(run_service: ServiceRunner, till: WireClient):
    """Unknown, disabled, and without a phone: one answer, to the byte."""
    users = ({"sub": "alice"}, {"sub": "bob", "enabled": False}, {"sub": "carol"})
    async with run_service(clients=[till], users=users) as service:
        await service.enrolled_phone("alice")
        hints = ("nobody", "bob", "carol")
        answers = [await till.start(login_hint=hint) for hint in hints]
        assert (await till.start(login_hint="alice")).status_code == 200
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.keys())) for answer in answers}) == 1
    assert answers[0].json()["error"] == "unknown_user_id"


async def test_a_user_has_several_names(service: RunningService, phone: WirePhone):
    """A configured login hint leads to the same user as the subject does."""
    auth_req_id = await service.till.started(login_hint="alice@example.org")
    await phone.approve_next()
    assert (await service.till.poll(auth_req_id)).status_code == 200


async def test_an_account_disabled_meanwhile_gets_nothing(
    run_service: ServiceRunner, till: WireClient
):
    """Of an account that a restart found disabled nothing is shown, approved or redeemed."""
    async with run_service(clients=[till]) as service:
        phone = await service.enrolled_phone("alice")
        auth_req_id = await till.started()
        other = await till.started()
        challenges = await phone.fetch()
        await phone.decide(phone.approval(challenges[0]))
    users = ({"sub": "alice", "enabled": False},)
    async with run_service(clients=[till], users=users) as service:
        phone.http, phone.clock = service.http, service.clock
        phone.issuer = service.issuer
        assert await phone.fetch() == []
        assert (await phone.decide(phone.approval(challenges[1])))["reason"] == "not_open"
        errors = {(await till.poll(name)).json()["error"] for name in (auth_req_id, other)}
    assert errors == {"access_denied", "authorization_pending"}


@pytest.mark.clause("ciba-13-9")
async def test_a_user_has_so_many_open_prompts(service: RunningService, phone: WirePhone):
    """One request more than the cap is refused by policy and reaches no phone."""
    for _ in range(CAP):
        await service.till.started()
    refused = await service.till.start()
    assert (refused.status_code, refused.json()["error"]) == (403, "access_denied")
    assert len(await phone.fetch()) == CAP


async def test_a_decision_gives_the_slot_back(service: RunningService, phone: WirePhone):
    """As soon as a prompt is decided another one may be opened."""
    async with phone.online() as socket:
        for _ in range(CAP):
            await service.till.started()
        offered = await socket.next("challenge")
        await socket.decide(phone.denial(offered["challenge"]))
        await socket.next("withdrawn")
        assert (await service.till.start()).status_code == 200


async def test_expiry_gives_the_slots_back(service: RunningService, phone: WirePhone):
    """Prompts that expired do not count."""
    for _ in range(CAP):
        await service.till.started(requested_expiry=10)
    service.clock.advance(10)
    assert (await service.till.start()).status_code == 200
    assert len(await phone.fetch()) == 1


@pytest.mark.parametrize(
    "bad",
    ["authentication", "request object"],
)
async def test_a_refused_request_keeps_no_slot(service: RunningService, phone: WirePhone, bad: str):
    """Replays are refused at the same moment a slot is taken, and the slot comes back."""
    credentials, request = service.till.credentials(), service.till.request_object()
    form = {**credentials, "request": request}
    assert (await service.till.post("/bc-authorize", form)).status_code == 200
    expected = (401, "invalid_client")
    if bad == "request object":
        expected = (400, "invalid_request")
    for _ in range(CAP):
        if bad == "request object":
            form |= service.till.credentials()
        else:
            form["request"] = service.till.request_object()
        refused = await service.till.post("/bc-authorize", form)
        assert (refused.status_code, refused.json()["error"]) == expected
    prompts = service.service.stores.prompts
    assert len(await prompts.open(user_tag("alice"), now=service.clock.now_ms())) == 1
    assert len(await phone.fetch()) == 1


async def test_a_malformed_request_spends_its_assertion(service: RunningService):
    """The assertion of a request that is refused for its content cannot be used again."""
    form = {**service.till.credentials(), "request": service.till.request_object(aud="other")}
    first = await service.till.post("/bc-authorize", form)
    assert (first.status_code, first.json()["error"]) == (400, "invalid_request")
    form["request"] = service.till.request_object()
    second = await service.till.post("/bc-authorize", form)
    assert (second.status_code, second.json()["error"]) == (401, "invalid_client")


async def test_an_unsigned_request_needs_no_replay_record(
    run_service: ServiceRunner,
):
    """A client registered without request signing sends its parameters in the form."""
    kiosk = UnsignedClient("kiosk")
    async with run_service(clients=[kiosk]) as service:
        phone = await service.enrolled_phone("alice")
        form = {"scope": "openid", "login_hint": "alice", "binding_message": "W4SCT"}
        answer = await kiosk.post("/bc-authorize", {**form, **kiosk.credentials()})
        assert answer.status_code == 200
        await phone.approve_next()
        assert (await kiosk.poll(answer.json()["auth_req_id"])).status_code == 200
