"""Somebody asks again and again, hoping that the user gives in, or to learn who exists."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Never

import httpx2
import pytest

from ciba_service.flow.account_gate import AccountGate
from ciba_service.ports import LEASE_MS, DueKind, DueWork, StoreUnavailable
from ciba_service.protocol.transaction.gate import Step
from ciba_service.sca.factors.attempts import ATTEMPT_LIMIT
from ciba_service.sca.messages import transaction_id
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.keys import transaction_key
from tests.conformance.refusals import assert_refused
from tests.services.idle_worker import make_idle
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, new_key
from tests.wire.tokens import granted

USERS = (
    {"sub": "alice", "login_hints": ["alice@example.org"]},
    {"sub": "bob"},
    {"sub": "dora", "enabled": False},
    {"sub": "lock"},
)
NOBODY = ("nobody", "dora", "lock", "bob")
"""Unknown, disabled, locked, and without a phone."""
LIMITS = {
    "client_requests": 50,
    "hint_requests": 20,
    "user_prompts": 8,
    "user_prompts_of_client": 6,
    "user_prompt_window": 3600,
    "denials": 3,
    "denial_window": 86_400,
    "denial_pause": 300,
}


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient
) -> AsyncIterator[RunningService]:
    """A service with tight limits and users of every sort; Alice has a phone."""
    async with run_service(
        clients=[till, other_till], users=USERS, sections={"limits": LIMITS}
    ) as running:
        running.phones.append(await running.enrolled_phone("alice"))
        await running.enrolled_phone("lock")
        for number in range(ATTEMPT_LIMIT):
            await running.service.stores.attempts.reserve(
                user_tag("lock"), operation=str(number), knowledge=True, now=0
            )
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return bank.phones[0]


@pytest.fixture
def other(bank: RunningService) -> WireClient:
    """Another client."""
    return bank.clients["other-till"]


async def ask(client: WireClient, times: int) -> list[httpx2.Response]:
    """Requests one after the other that are taken back at once, so that no prompt stays open."""
    answers = []
    for _ in range(times):
        answers.append(await client.start())
        if answers[-1].status_code == 200:
            await client.cancel(answers[-1].json()["auth_req_id"])
    return answers


def statuses(answers: list[httpx2.Response]) -> list[int]:
    """How each was answered."""
    return [answer.status_code for answer in answers]


async def deny(client: WireClient, phone: WirePhone, reason: str = "declined") -> str:
    """Ask and be denied, until all of it is settled."""
    auth_req_id = await client.started()
    name = transaction_id(auth_req_id)
    (challenge,) = [
        text for text in await phone.fetch() if claims_of(text)["transaction_id"] == name
    ]
    assert (await phone.decide(phone.denial(challenge, reason=reason)))["type"] == "accepted"
    return name


async def settle(bank: RunningService, name: str) -> None:
    """Have it settled now, whoever else does it as well."""
    await bank.service.worker._perform(DueWork(DueKind.SETTLE, name, 0))


@pytest.mark.clause("nist63b-3.1.3.2-6", "rfc10027-6.1.11-1", "ciba-13-9")
async def test_one_client_storms(bank: RunningService, alice: WirePhone, other: WireClient):
    """It gets so many prompts without an approval; the user stays within reach of others."""
    assert statuses(await ask(bank.till, 7)) == [200] * 6 + [403]
    assert_refused(await bank.till.start(), 403, "access_denied")
    assert await granted(other, alice)
    assert await granted(bank.till, alice)


async def test_a_client_that_leaves_its_prompts_open_keeps_no_other_out(
    bank: RunningService, alice: WirePhone, other: WireClient
):
    """Beyond the cap there is one place more, for a client that has none."""
    for _ in range(bank.settings.requests.open_prompts):
        await bank.till.started(requested_expiry=600)
    assert statuses([await bank.till.start()]) == [403]
    auth_req_id = await other.started()
    assert statuses([await other.start(), await bank.till.start()]) == [403, 403]
    asked = {claims_of(text)["transaction_id"]: text for text in await alice.fetch()}
    await alice.decide(alice.approval(asked[transaction_id(auth_req_id)]))
    assert (await other.poll(auth_req_id)).status_code == 200


async def test_an_approval_makes_no_room_for_whose_prompts_are_open(
    bank: RunningService, alice: WirePhone, other: WireClient
):
    """What the user approved of one client says nothing of what another one left open."""
    for _ in range(bank.settings.requests.open_prompts):
        await bank.till.started(requested_expiry=600)
    bank.clock.advance(1)
    auth_req_id = await other.started()
    asked = {claims_of(text)["transaction_id"]: text for text in await alice.fetch()}
    await alice.decide(alice.approval(asked[transaction_id(auth_req_id)]))
    await settle(bank, transaction_id(auth_req_id))
    assert statuses([await bank.till.start(), await other.start()]) == [403, 200]


async def test_time_makes_no_room_for_whose_prompts_are_open(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient
):
    """A window that is shorter than prompts are open forgets how many, and not whose they are."""
    sections = {"limits": {**LIMITS, "user_prompt_window": 60}}
    async with run_service(clients=[till, other_till], users=USERS, sections=sections) as bank:
        await bank.enrolled_phone("alice")
        for _ in range(bank.settings.requests.open_prompts):
            await till.started(requested_expiry=600)
        bank.clock.advance(61)
        assert statuses([await till.start(), await other_till.start()]) == [403, 200]
        bank.clock.advance(600)
        assert statuses([await till.start()]) == [200]


@pytest.mark.clause("nist63b-3.1.3.2-6", "rfc10027-6.1.11-1")
async def test_many_clients_storm(bank: RunningService, alice: WirePhone, other: WireClient):
    """Together they get no more than the user can bear; what is open can still be approved."""
    assert statuses(await ask(bank.till, 6)) == [200] * 6
    auth_req_id = await other.started()
    bank.clock.advance(1)
    assert statuses(await ask(other, 3)) == [200, 403, 403]
    await alice.approve_next()
    assert (await other.poll(auth_req_id)).status_code == 200
    await settle(bank, transaction_id(auth_req_id))
    # What came after the approved prompt counts still.
    assert statuses(await ask(other, 6)) == [200] * 5 + [403]


async def test_prompts_that_nobody_answered_fade(bank: RunningService, other: WireClient):
    """An hour later the user can be asked again."""
    await ask(bank.till, 6)
    await ask(other, 3)
    bank.clock.advance(3600)
    assert statuses(await ask(bank.till, 1)) == [200]


async def test_a_user_is_paused_from_a_client_that_was_declined(
    bank: RunningService, alice: WirePhone, other: WireClient
):
    """After three denials for five minutes, after the fourth for ten; others go on asking."""
    for pause in (300, 600):
        for _ in range(3 if pause == 300 else 1):
            await settle(bank, await deny(bank.till, alice))
        assert_refused(await bank.till.start(), 400, "unknown_user_id")
        assert await granted(other, alice)
        bank.clock.advance(pause - 1)
        assert_refused(await bank.till.start(), 400, "unknown_user_id")
        bank.clock.advance(1)
    assert await granted(bank.till, alice)


async def test_an_approval_forgets_denials(bank: RunningService, alice: WirePhone):
    """Two denials, an approval, two denials: the client may still ask."""
    for _ in range(2):
        for _ in range(2):
            await settle(bank, await deny(bank.till, alice))
        auth_req_id = await bank.till.started()
        await alice.approve_next()
        await settle(bank, transaction_id(auth_req_id))


async def test_not_me_ends_all_of_one_client(
    bank: RunningService, alice: WirePhone, other: WireClient
):
    """Its other prompts vanish and it finds the user unknown for a day; nothing else changes."""
    opened = [await bank.till.started() for _ in range(2)]
    kept = await other.started()
    name = await deny(bank.till, alice, "not_me")
    event = await bank.telemetry.seen("not_me_reported")
    assert event.fields == {
        "transaction_id": name,
        "client_id": "till",
        "user": user_tag("alice"),
        "blocked_until": bank.clock.now_ms() + 86_400_000,
    }
    for _ in range(2):
        await settle(bank, name)
    assert len(bank.telemetry.named("not_me_reported")) == 3
    for auth_req_id in opened:
        assert (await bank.till.poll(auth_req_id)).json()["error"] == "access_denied"
    assert [claims_of(text)["transaction_id"] for text in await alice.fetch()] == [
        transaction_id(kept)
    ]
    assert_refused(await bank.till.start(), 400, "unknown_user_id")
    await alice.approve_next()
    assert (await other.poll(kept)).status_code == 200
    bank.clock.advance(86_400)
    assert await granted(bank.till, alice)


@pytest.mark.parametrize("end", ["cancelled", "expired"])
async def test_not_me_is_heeded_though_the_prompt_is_over(
    bank: RunningService, alice: WirePhone, end: str
):
    """Nobody stays ahead of the user with prompts that are open for seconds; others may ask."""
    first, second = [await bank.till.started(requested_expiry="10") for _ in range(2)]
    kept = await bank.till.started()
    challenges = {claims_of(text)["transaction_id"]: text for text in await alice.fetch()}
    if end == "cancelled":
        await bank.till.cancel(first)
    else:
        bank.clock.advance(11)
    challenge = challenges[transaction_id(first)]
    forged = alice.denial(challenge, challenge_hash="A" * 43, reason="not_me")
    for decision in (alice.denial(challenge, reason="declined"), forged):
        told = await alice.decide(decision)
        assert (told["reason"], told.get("reported")) == ("not_open", None)
        assert bank.telemetry.named("not_me_reported") == []
    told = await alice.decide(alice.denial(challenge, reason="not_me"))
    assert (told["reason"], told["reported"]) == ("not_open", True)
    assert bank.telemetry.named("not_me_reported")[0].fields["transaction_id"] == transaction_id(
        first
    )
    assert_refused(await bank.till.start(), 400, "unknown_user_id")
    assert (await bank.till.poll(kept)).json()["error"] == "access_denied"
    assert (await bank.till.poll(second)).json()["error"] in {"access_denied", "expired_token"}
    assert (await bank.clients["other-till"].start()).status_code == 200


@pytest.mark.parametrize("end", ["cancelled", "expired"])
async def test_not_me_is_heeded_though_the_prompt_ends_while_it_is_heard(
    bank: RunningService, alice: WirePhone, monkeypatch: pytest.MonkeyPatch, end: str
):
    """Nobody stays ahead of the user by cancelling at the very moment either."""
    first = await bank.till.started(requested_expiry="10")
    kept = await bank.till.started()
    challenges = {claims_of(text)["transaction_id"]: text for text in await alice.fetch()}
    lets_ask = AccountGate.lets_ask

    async def slow(gate: AccountGate, step: Step, *accounts: Any, **how: Any) -> bool:
        if step is Step.APPROVE and end == "cancelled":
            assert (await bank.till.cancel(first)).status_code == 204
        elif step is Step.APPROVE:
            bank.clock.advance(11)
        return await lets_ask(gate, step, *accounts, **how)

    monkeypatch.setattr(AccountGate, "lets_ask", slow)
    said = alice.denial(challenges[transaction_id(first)], reason="not_me")
    answer = await alice.decide(said)
    assert (answer["reason"], answer["reported"]) == ("not_open", True)
    (told,) = bank.telemetry.named("not_me_reported")
    assert told.fields["transaction_id"] == transaction_id(first)
    assert_refused(await bank.till.start(), 400, "unknown_user_id")
    assert (await bank.till.poll(kept)).json()["error"] == "access_denied"


async def test_not_me_survives_the_process_that_heard_it(
    bank: RunningService, alice: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """What the deciding script wrote is done by the sweep of whichever process lives."""
    make_idle(bank.service.worker, monkeypatch)
    await deny(bank.till, alice, "not_me")
    assert bank.telemetry.named("not_me_reported") == []
    bank.clock.advance(1)
    await bank.telemetry.seen("not_me_reported")
    assert_refused(await bank.till.start(), 400, "unknown_user_id")


async def test_a_prompt_that_is_not_stored_yet_is_come_back_for(
    bank: RunningService, alice: WirePhone
):
    """A request between its two steps while the user says "not me" is ended once it is there."""
    name = await deny(bank.till, alice)
    await settle(bank, name)
    until = bank.clock.now_ms() + 60_000
    reserved = "A" * 22
    await bank.service.stores.prompts.reserve(
        user_tag("alice"), "till", reserved, now=bank.clock.now_ms(), until=until
    )
    name = await deny(bank.till, alice, "not_me")
    assert not await bank.service.worker._perform(DueWork(DueKind.SETTLE, name, 0))
    await bank.service.stores.prompts.release(user_tag("alice"), reserved)
    assert await bank.service.worker._perform(DueWork(DueKind.SETTLE, name, 0))


@pytest.mark.parametrize("outages", [0, 2])
async def test_a_late_not_me_comes_back_for_what_is_not_stored_yet(
    bank: RunningService, alice: WirePhone, monkeypatch: pytest.MonkeyPatch, outages: int
):
    """A client that asks and cancels in turns has nearly always a request between its two steps."""
    first, being_stored = [await bank.till.started() for _ in range(2)]
    challenges = {claims_of(text)["transaction_id"]: text for text in await alice.fetch()}
    await bank.till.cancel(first)
    key = transaction_key(transaction_id(being_stored))
    slot = key[: key.index("}") + 1]
    await bank.commands.call("RENAME", key, f"{slot}:not-yet")
    decision = alice.denial(challenges[transaction_id(first)], reason="not_me")
    assert (await alice.decide(decision))["reason"] == "not_open"
    await bank.commands.call("RENAME", f"{slot}:not-yet", key)
    with monkeypatch.context() as outage:
        outage.setattr(bank.service.worker._settlement, "block", unavailable)
        for _ in range(outages):
            bank.clock.advance(LEASE_MS / 1000)
            await bank.telemetry.failed("due_work_failed")
            bank.telemetry.failures.clear()
    bank.clock.advance(LEASE_MS / 1000)
    async with asyncio.timeout(10):
        while transaction_id(being_stored) not in [
            event.fields["transaction_id"] for event in bank.telemetry.named("transaction_settled")
        ]:
            await bank.telemetry.next()
    assert (await bank.till.poll(being_stored)).json()["error"] == "access_denied"


async def unavailable(*_: object) -> Never:
    """The store is away."""
    raise StoreUnavailable


async def outcome(bank: RunningService, client: WireClient, hint: str) -> tuple[object, ...]:
    """All that a client can see of an answer, and how often the store was asked."""
    before = bank.commands.flushes
    answer = await client.start(login_hint=hint)
    told = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status_code, answer.content, told, bank.commands.flushes - before


@pytest.fixture
def quiet(bank: RunningService, monkeypatch: pytest.MonkeyPatch) -> RunningService:
    """Nobody but a request asks the store: the sweep follows the fake clock."""
    make_idle(bank.service.worker, monkeypatch)
    return bank


async def test_whoever_cannot_be_asked_looks_the_same(quiet: RunningService, alice: WirePhone):
    """Unknown, disabled, locked, without a phone, and blocked: status, body, headers, trips."""
    await settle(quiet, await deny(quiet.till, alice, "not_me"))
    for hint in NOBODY:
        await outcome(quiet, quiet.till, hint)
    seen = [await outcome(quiet, quiet.till, hint) for hint in (*NOBODY, "alice")]
    assert seen[0][0] == 400
    assert all(each == seen[0] for each in seen)


async def test_paused_looks_the_same_as_well(quiet: RunningService, alice: WirePhone):
    """Whoever was declined too often learns nothing new."""
    for _ in range(3):
        await settle(quiet, await deny(quiet.till, alice))
    await outcome(quiet, quiet.till, "nobody")
    assert await outcome(quiet, quiet.till, "alice") == await outcome(quiet, quiet.till, "nobody")


@pytest.mark.clause("rfc10027-6.1.11-1")
async def test_a_spent_budget_tells_nothing_of_users(quiet: RunningService):
    """Known or not, whoever probes gets 403 in the same number of round trips."""
    for number in range(LIMITS["client_requests"]):
        await quiet.till.start(login_hint=f"nobody-{number}")
    hints = ("alice", "alice@example.org", *NOBODY)
    await outcome(quiet, quiet.till, "alice")
    seen = [await outcome(quiet, quiet.till, hint) for hint in hints]
    assert seen[0][0] == 403
    assert all(each == seen[0] for each in seen)
    tags = [user_tag(name) for name in ("alice", "")]
    prompts = quiet.service.stores.prompts
    assert [await prompts.open(tag, now=quiet.clock.now_ms()) for tag in tags] == [[], []]
    quiet.clock.advance(60)
    assert (await quiet.till.start()).status_code == 200


@pytest.mark.parametrize("hint", ["alice@example.org", "nobody@example.org"])
async def test_one_hint_can_be_asked_for_so_often(
    bank: RunningService, other: WireClient, hint: str
):
    """In any spelling, by one client; what others ask for is their own affair."""
    spellings = [hint, hint.upper()] * 10
    answers = [await ask_for(bank.till, spelling) for spelling in spellings]
    assert set(answers[6:]) == ({403} if hint.startswith("alice") else {400})
    assert await ask_for(bank.till, hint.title()) == 403
    assert await ask_for(bank.till, "nobody") == 400
    assert await ask_for(other, hint) != 403
    bank.clock.advance(600)
    assert await ask_for(bank.till, "nobody@example.org") == 400


async def ask_for(client: WireClient, hint: str) -> int:
    """Ask, take it back, and return the status."""
    answer = await client.start(login_hint=hint)
    if answer.status_code == 200:
        await client.cancel(answer.json()["auth_req_id"])
    return answer.status_code


async def test_many_at_once_do_not_exceed_a_budget(bank: RunningService):
    """Of sixty parallel requests fifty are counted, and ten refused."""
    answers = await asyncio.gather(
        *(bank.till.start(login_hint=f"nobody-{number}") for number in range(60))
    )
    assert sorted(statuses(list(answers))) == [400] * 50 + [403] * 10


async def test_many_at_once_do_not_exceed_the_prompts_of_a_user(
    bank: RunningService, alice: WirePhone
):
    """Of twenty parallel requests five become prompts, the cap of open ones."""
    answers = await asyncio.gather(*(bank.till.start() for _ in range(20)))
    assert sorted(statuses(list(answers))) == [200] * 5 + [403] * 15
    assert len(await alice.fetch()) == 5


async def test_a_hint_that_proves_nothing_is_counted_too(bank: RunningService):
    """A token that is no hint costs the budget what any hint costs."""
    stranger = WireClient("stranger", key=new_key(kid="stranger"))
    token = {"iss": bank.issuer, "sub": "alice", "aud": "till", "exp": 1, "iat": 1}
    stranger.issuer, stranger.clock = bank.issuer, bank.clock
    hint = stranger.assertion(**token)
    answers = [await bank.till.start(login_hint=None, id_token_hint=hint) for _ in range(21)]
    assert statuses(answers) == [400] * 20 + [403]


async def test_all_limits_can_be_off(run_service: ServiceRunner, till: WireClient):
    """Zero is no limit: neither storms nor denials stop a client, and a block has no end."""
    off = dict.fromkeys(
        [
            "client_requests",
            "hint_requests",
            "user_prompts",
            "user_prompts_of_client",
            "denials",
            "not_me_block",
        ],
        0,
    )
    async with run_service(clients=[till], sections={"limits": off}) as bank:
        phone = await bank.enrolled_phone("alice")
        for _ in range(4):
            await settle(bank, await deny(till, phone))
        assert statuses(await ask(till, 8)) == [200] * 8
        await settle(bank, await deny(till, phone, "not_me"))
        bank.clock.advance(10_000_000)
        assert_refused(await till.start(), 400, "unknown_user_id")
        await bank.service.stores.standing.unblock(user_tag("alice"), "till")
        assert await granted(till, phone)


async def test_not_me_said_twice_blocks_once(
    bank: RunningService, alice: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """Both were said before either was heeded: the block is that of the first."""
    make_idle(bank.service.worker, monkeypatch)
    asked = [await bank.till.started() for _ in range(2)]
    for challenge in await alice.fetch():
        decision = alice.denial(challenge, reason="not_me")
        assert (await alice.decide(decision))["type"] == "accepted"
    for auth_req_id in asked:
        await settle(bank, transaction_id(auth_req_id))
    assert len(bank.telemetry.named("not_me_reported")) == 1
