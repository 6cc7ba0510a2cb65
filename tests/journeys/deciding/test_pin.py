"""The PIN: wrong then right, wrong five times, and wrong fifty times at once."""

import asyncio
from collections import Counter

import pytest

from ciba_service.sca.factors.policy import PSD2_CA
from ciba_service.sca.messages import transaction_id
from ciba_service.sca.phones.devices import user_tag
from tests.journeys.deciding.test_payment import PAYMENT
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of


async def wrong_pins(phone: WirePhone, challenge: str, times: int) -> list[dict[str, object]]:
    """The answers to so many approvals with a wrong PIN."""
    return [await phone.decide(phone.approval(challenge, pin=False)) for _ in range(times)]


@pytest.mark.clause("sca-art4-6")
async def test_a_wrong_pin_then_the_right_one(service: RunningService, phone: WirePhone):
    """The attempts left count down without naming a factor, and the right PIN still approves."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    answers = await wrong_pins(phone, challenge, 2)
    assert [answer["attempts_left"] for answer in answers] == [4, 3]
    assert {answer["reason"] for answer in answers} == {"factors"}
    assert answers[0].keys() == {"type", "transaction_id", "decision", "reason", "attempts_left"}
    assert (await service.till.poll(auth_req_id)).json()["error"] == "authorization_pending"
    assert (await phone.decide(phone.approval(challenge)))["type"] == "accepted"


async def test_success_resets_the_attempts(service: RunningService, phone: WirePhone):
    """After an approval counts, the next wrong PIN is the first one again."""
    async with phone.online() as socket:
        for _ in range(2):
            await service.till.started()
            challenge = (await socket.next("challenge"))["challenge"]
            refused = await socket.decide(phone.approval(challenge, pin=False))
            assert refused["attempts_left"] == 4
            assert (await socket.decide(phone.approval(challenge)))["type"] == "accepted"
            # The reset is due work of the approval, done before the prompt is withdrawn.
            await socket.next("withdrawn")


@pytest.mark.clause("sca-art4-7")
async def test_approvals_without_pin_give_no_new_guesses(
    run_service: ServiceRunner, till: WireClient
):
    """Where a login needs possession only, it neither uses up nor gives back guesses at a PIN."""
    floor = {"policy": {"floor": PSD2_CA}}
    async with run_service(clients=[till], sections=floor) as service:
        phone = await service.enrolled_phone("alice")
        async with phone.online() as socket:
            left = []
            for _ in range(3):
                await till.started(authorization_details=[PAYMENT])
                payment = (await socket.next("challenge"))["challenge"]
                left.append(
                    (await socket.decide(phone.approval(payment, pin=False)))["attempts_left"]
                )
                await socket.decide(phone.denial(payment))
                await till.started()
                login = (await socket.next("challenge"))["challenge"]
                assert claims_of(login)["factors"] == ["device_key"]
                assert (await socket.decide(phone.approval(login)))["type"] == "accepted"
                await socket.next("withdrawn")
            assert left == [4, 3, 2]


async def test_attempts_are_counted_across_requests_and_phones(
    service: RunningService, phone: WirePhone
):
    """A new request or another phone gives nobody new attempts."""
    tablet = await service.enrolled_phone("alice", "Tablet")
    await service.till.started()
    await service.till.started()
    first, second = await phone.fetch()
    assert (await phone.decide(phone.approval(first, pin=False)))["attempts_left"] == 4
    assert (await tablet.decide(tablet.approval(second, pin=False)))["attempts_left"] == 3


async def test_a_denial_needs_no_pin_and_costs_no_attempt(
    service: RunningService, phone: WirePhone
):
    """A denial between two wrong PINs does not count."""
    await service.till.started()
    await service.till.started()
    first, second = await phone.fetch()
    await phone.decide(phone.approval(first, pin=False))
    await phone.decide(phone.denial(first))
    assert (await phone.decide(phone.approval(second, pin=False)))["attempts_left"] == 3


@pytest.mark.clause("sca-art4-7", "nist63b-3.2.2-1", "nist63b-3.2.10-1", "fapi-ciba-7.7-1")
async def test_the_fifth_wrong_pin_locks(service: RunningService, phone: WirePhone):
    """The fifth failure fails its request; other requests refuse approvals, not denials."""
    auth_req_id = await service.till.started()
    other = await service.till.started()
    challenges = {claims_of(text)["transaction_id"]: text for text in await phone.fetch()}
    answers = await wrong_pins(phone, challenges[transaction_id(auth_req_id)], 5)
    assert [answer["attempts_left"] for answer in answers] == [4, 3, 2, 1, 0]
    assert (await service.till.poll(auth_req_id)).json()["error"] == "access_denied"
    assert (await service.till.poll(other)).json()["error"] == "authorization_pending"
    still_open = challenges[transaction_id(other)]
    locked = await phone.decide(phone.approval(still_open))
    assert (locked["reason"], "attempts_left" in locked) == ("locked", False)
    assert (await phone.decide(phone.denial(still_open)))["type"] == "accepted"


async def test_a_locked_user_cannot_be_asked_and_looks_unknown(
    service: RunningService, phone: WirePhone
):
    """The client learns of a lock no more than of a user who does not exist."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    await wrong_pins(phone, challenge, 5)
    locked, unknown = await service.till.start(), await service.till.start(login_hint="nobody")
    assert (locked.status_code, locked.content) == (unknown.status_code, unknown.content)


async def test_an_unlocked_user_can_approve_again(service: RunningService, phone: WirePhone):
    """After the operator's reset a new request is shown and approved."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    await wrong_pins(phone, challenge, 5)
    await service.service.stores.attempts.unlock(user_tag("alice"))
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    assert (await phone.decide(phone.approval(challenge)))["type"] == "accepted"
    assert (await service.till.poll(auth_req_id)).status_code == 200


@pytest.mark.clause("sca-art4-7")
async def test_fifty_wrong_pins_at_once_are_five(service: RunningService, phone: WirePhone):
    """However many arrive together, five are evaluated and the factors are locked."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    decisions = [phone.approval(challenge, pin=False) for _ in range(50)]
    answers = await asyncio.gather(*(phone.decide(decision) for decision in decisions))
    reasons = Counter(answer["reason"] for answer in answers)
    assert reasons["factors"] == 5
    # A decision read after the fifth failure meets a request that has failed.
    assert reasons["locked"] + reasons["not_open"] == 45
    left = sorted(answer["attempts_left"] for answer in answers if "attempts_left" in answer)
    assert left == [0, 1, 2, 3, 4]
    assert (await service.till.poll(auth_req_id)).json()["error"] == "access_denied"


@pytest.mark.parametrize(
    "change",
    [
        {"factors": None},
        {"reason": "declined"},
        {"challenge_hash": "A" * 43},
        {"aud": "https://other.example"},
        {"iss": "A" * 43},
        {"jti": "another"},
        {"factors": "a.b.c.d.e"},
        {"typ": "jwt"},
    ],
    ids="-".join,
)
@pytest.mark.clause("sca-art4-5", "sca-art5-3")
async def test_an_invalid_decision_costs_no_attempt(
    service: RunningService, phone: WirePhone, change: dict[str, str | None]
):
    """What does not prove possession of the key over this very challenge is not evaluated."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    good = claims_of(phone.approval(challenge))
    refused = await phone.decide(phone.decision(challenge, **{**good, **change}))
    assert (refused["type"], refused["reason"]) == ("refused", "invalid_decision")
    assert (await service.till.poll(auth_req_id)).json()["error"] == "authorization_pending"
    assert await service.service.stores.attempts.used(user_tag("alice")) == 0


@pytest.mark.clause("sca-art4-1", "sca-art9-1")
async def test_possession_alone_does_not_approve(service: RunningService, phone: WirePhone):
    """An approval by the right key without any PIN proof counts as a failed attempt."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    decision = phone.decision(
        challenge, jti="no-pin", verdict="approve", factors=phone.factors("no-pin")
    )
    refused = await phone.decide(decision)
    assert (refused["reason"], refused["attempts_left"]) == ("factors", 4)
    assert (await service.till.poll(auth_req_id)).json()["error"] == "authorization_pending"


@pytest.mark.clause("sca-art4-1", "sca-art7-1", "sca-art9-1")
async def test_the_pin_alone_does_not_approve(service: RunningService, phone: WirePhone):
    """Another key with the right PIN key and device id gets nothing."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    thief = service.phone()
    thief.device_id, thief.pin_key = phone.device_id, phone.pin_key
    thief.service_keys = phone.service_keys
    refused = await phone.decide(thief.approval(challenge))
    assert refused["reason"] == "invalid_decision"


@pytest.mark.clause("sca-art4-2", "sca-art4-4", "nist63b-3.1.3.2-3", "nist63b-3.2.7-1")
async def test_a_decision_is_worth_nothing_for_another_request(
    service: RunningService, phone: WirePhone
):
    """Proofs of one approval do not open the next request, although PIN and key are the same."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    used = phone.approval(challenge)
    await phone.decide(used)
    auth_req_id = await service.till.started()
    (following,) = await phone.fetch()
    replayed = claims_of(used)
    moved = phone.decision(
        following, jti=replayed["jti"], verdict="approve", factors=replayed["factors"]
    )
    assert (await phone.decide(moved))["reason"] == "factors"
    assert (await service.till.poll(auth_req_id)).json()["error"] == "authorization_pending"
