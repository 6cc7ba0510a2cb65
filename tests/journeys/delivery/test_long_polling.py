"""Long polling: who prefers to wait hears of the decision when it is made (RFC 7240, CIBA 10.1)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from ciba_service.channels.hub import SocketHub
from ciba_service.flow.account_gate import AccountGate
from ciba_service.sca.messages import transaction_id
from ciba_service.stores.driver.subscription import Resubscribed
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone
from tests.wire.resource import refusal
from tests.wire.signing import new_key

PENDING = (400, "authorization_pending")
APPLIED = "preference-applied"


async def until(reached: Callable[[], bool]) -> None:
    """Let the service go on until this is so."""
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110 - what is waited for is in the service
            await asyncio.sleep(0)


async def waiting_poll(
    client: WireClient, auth_req_id: str, prefer: str = "wait=20", **changed: str
) -> httpx2.Response:
    """A token request that is willing to wait."""
    form = {"grant_type": CIBA, "auth_req_id": auth_req_id, **client.credentials(), **changed}
    return await client.post("/token", form, headers={"prefer": prefer})


@asynccontextmanager
async def held(
    service: RunningService, auth_req_id: str, prefer: str = "wait=20"
) -> AsyncIterator[asyncio.Task[httpx2.Response]]:
    """A poll that is being held."""
    before = service.service.held.held
    poll = asyncio.create_task(waiting_poll(service.till, auth_req_id, prefer))
    await until(lambda: service.service.held.held == before + 1 or poll.done())
    await service.http.get("/healthz")  # by then its timer runs, too
    assert not poll.done()
    yield poll
    if not poll.done():
        poll.cancel()
        await asyncio.wait({poll})


@pytest.mark.clause("ciba-10.1-4")
async def test_an_approval_releases_a_held_poll(service: RunningService, phone: WirePhone):
    """The tokens are there as soon as the user has approved, and no second has passed."""
    auth_req_id = await service.till.started()
    async with held(service, auth_req_id) as poll:
        await phone.approve_next()
        answer = await poll
    assert answer.status_code == 200
    assert answer.json()["id_token"]
    assert answer.headers[APPLIED] == "wait=20"
    assert service.service.held.held == 0


@pytest.mark.clause("ciba-10.1-4")
async def test_every_other_end_releases_it_too(service: RunningService, phone: WirePhone):
    """Denied, cancelled, expired."""
    till = service.till
    async with held(service, await till.started()) as denied:
        (challenge,) = await phone.fetch()
        await phone.decide(phone.denial(challenge))
        assert refusal(await denied) == (400, "access_denied")
    auth_req_id = await till.started()
    async with held(service, auth_req_id) as cancelled:
        assert (await till.cancel(auth_req_id)).status_code == 204
        assert refusal(await cancelled) == (400, "invalid_grant")
    async with held(service, await till.started(requested_expiry=10)) as expired:
        service.clock.advance(10)
        assert refusal(await expired) == (400, "expired_token")


@pytest.mark.parametrize(
    ("prefer", "seconds"), [("wait=1", 1), ("wait=10", 10), ("wait=25", 25), ("wait=600", 25)]
)
@pytest.mark.clause("ciba-10.1-5")
@pytest.mark.usefixtures("phone")
async def test_nobody_is_held_longer_than_wished_or_than_25_seconds(
    service: RunningService, prefer: str, seconds: int
):
    """The answer comes half a second before the wait is over."""
    async with held(service, await service.till.started(), prefer) as poll:
        service.clock.advance(seconds - 0.75)
        await service.http.get("/healthz")
        assert not poll.done()
        service.clock.advance(0.25)
        answer = await poll
    assert refusal(answer) == PENDING
    assert answer.headers[APPLIED] == f"wait={seconds}"


@pytest.mark.clause("ciba-10.1-6")
@pytest.mark.usefixtures("phone")
async def test_the_interval_counts_from_when_a_held_poll_was_sent(service: RunningService):
    """What was held longer than the interval may be followed at once, a shorter one may not."""
    auth_req_id = await service.till.started()
    async with held(service, auth_req_id, "wait=5") as poll:
        service.clock.advance(4.5)
        assert refusal(await poll) == PENDING
    async with held(service, auth_req_id, "wait=2") as poll:
        service.clock.advance(1.5)
        assert refusal(await poll) == PENDING
    assert refusal(await waiting_poll(service.till, auth_req_id)) == (400, "slow_down")


@pytest.mark.usefixtures("phone")
async def test_who_is_too_early_is_not_held(service: RunningService):
    """``slow_down`` comes at once, and says nothing of a wait."""
    auth_req_id = await service.till.started()
    await service.till.poll(auth_req_id)
    answer = await waiting_poll(service.till, auth_req_id)
    assert refusal(answer) == (400, "slow_down")
    assert APPLIED not in answer.headers


@pytest.mark.clause("ciba-10.1-8")
async def test_a_second_poll_releases_the_first(service: RunningService, phone: WirePhone):
    """One is held for a request, and it alone collects the tokens."""
    auth_req_id = await service.till.started()
    async with held(service, auth_req_id, "wait=25") as first:
        service.clock.advance(5)
        async with held(service, auth_req_id) as second:
            assert refusal(await first) == PENDING
            await phone.approve_next()
            assert (await second).status_code == 200


@pytest.mark.clause("ciba-10.1-8")
async def test_a_poll_elsewhere_takes_the_tokens_from_a_held_one(
    service: RunningService, phone: WirePhone
):
    """Of polls in two processes the newer one collects; the first may be a dead connection's."""
    auth_req_id = await service.till.started()
    async with held(service, auth_req_id, "wait=25") as first:
        service.clock.advance(5)
        await service.service.stores.transactions.poll(
            transaction_id(auth_req_id),
            client_id="till",
            operation="elsewhere",
            now=service.clock.now_ms(),
        )
        await phone.approve_next()
        assert refusal(await first) == PENDING
    assert (await service.till.poll(auth_req_id)).status_code == 200


async def test_a_client_that_has_gone_takes_nothing(service: RunningService, phone: WirePhone):
    """Nobody would get the tokens: they stay where they are until somebody asks."""
    auth_req_id = await service.till.started()
    async with held(service, auth_req_id):
        pass
    await until(lambda: service.service.held.held == 0)
    await phone.approve_next()
    assert service.telemetry.named("transaction_redeemed") == []
    assert (await service.till.poll(auth_req_id)).status_code == 200


async def test_a_client_that_goes_at_the_last_moment_takes_nothing(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """It was there when the decision came, and has gone before the tokens were made."""
    auth_req_id = await service.till.started()
    lets_use, goes = AccountGate.lets_use, asyncio.Event()
    async with held(service, auth_req_id) as poll:
        (seat,) = service.service.held._seats[transaction_id(auth_req_id)]

        async def late(self: AccountGate, *of: object) -> bool:
            goes.set()
            await until(lambda: seat.patience.has_gone)
            return await lets_use(self, *of)  # type: ignore[arg-type]

        monkeypatch.setattr(AccountGate, "lets_use", late)
        await phone.approve_next()
        await goes.wait()
        poll.cancel()
        await until(lambda: not service.service.held._seats)
    monkeypatch.undo()
    assert (await service.till.poll(auth_req_id)).status_code == 200


@pytest.mark.usefixtures("phone")
async def test_the_end_of_the_process_releases_all(service: RunningService):
    """They hear that the decision is still to come, and nobody else is held."""
    first, second = await service.till.started(), await service.till.started()
    async with held(service, first) as one, held(service, second) as other:
        service.service.held.close()
        assert refusal(await one) == refusal(await other) == PENDING
    service.clock.advance(5)
    assert refusal(await waiting_poll(service.till, first)) == PENDING


async def test_beyond_the_bound_polls_are_ordinary(run_service: ServiceRunner):
    """They are answered at once and without a wait."""
    till = WireClient("till")
    async with run_service(clients=[till], sections={"server": {"max_held_polls": 1}}) as service:
        await service.enrolled_phone()
        async with held(service, await till.started()):
            answer = await waiting_poll(till, await till.started())
            assert refusal(answer) == PENDING
            assert APPLIED not in answer.headers


async def test_no_client_takes_all_seats(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient
):
    """One more of the same client is answered at once, while another's is held."""
    sections = {"server": {"max_held_polls_of_client": 1}}
    async with run_service(clients=[till, other_till], sections=sections) as service:
        await service.enrolled_phone()
        of_other = await other_till.started()
        async with held(service, await till.started()):
            second = await waiting_poll(till, await till.started())
            assert refusal(second) == PENDING
            assert APPLIED not in second.headers
            other = asyncio.create_task(waiting_poll(other_till, of_other))
            await until(lambda: service.service.held.held == 2)
            assert (await other_till.cancel(of_other)).status_code == 204
            assert APPLIED in (await other).headers
        async with held(service, await till.started()) as again:
            assert not again.done()


@pytest.mark.usefixtures("phone")
async def test_proofs_are_spent_before_anybody_is_held(service: RunningService):
    """A used assertion is refused at once, and releases nobody."""
    auth_req_id, used = await service.till.started(), service.till.credentials()
    assert refusal(await waiting_poll(service.till, "A" * 43, **used)) == (400, "invalid_grant")
    async with held(service, auth_req_id) as poll:
        answer = await waiting_poll(service.till, auth_req_id, **used)
        assert refusal(answer) == (401, "invalid_client")
        assert not poll.done()


async def test_a_client_can_be_registered_to_wait(run_service: ServiceRunner):
    """For those that can send no header; whoever sends one decides for this request."""
    till = WireClient("till", key=new_key(), metadata={"polling_wait": 10})
    async with run_service(clients=[till]) as service:
        phone = await service.enrolled_phone()
        auth_req_id = await till.started()
        answer = await waiting_poll(till, auth_req_id, "wait=0")
        assert refusal(answer) == PENDING
        assert APPLIED not in answer.headers
        service.clock.advance(5)
        async with held(service, auth_req_id, "respond-async") as poll:
            await phone.approve_next()
            answer = await poll
        assert (answer.status_code, answer.headers[APPLIED]) == (200, "wait=10")


async def test_lost_words_cost_time_and_nothing_else(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """Without pub/sub a held poll finds the decision at its end, or when pub/sub is back."""

    async def lose(self: SocketHub, announcement: object) -> None:
        """Tell nobody."""

    monkeypatch.setattr(SocketHub, "announce", lose)
    async with held(service, await service.till.started()) as poll:
        await phone.approve_next()
        service.clock.advance(19.5)
        assert (await poll).status_code == 200
    offer = service.service.stores.subscription._offer
    async with held(service, await service.till.started()) as poll:
        offer(Resubscribed())
        await service.http.get("/readyz")
        assert not poll.done()
        await phone.approve_next()
        offer(Resubscribed())
        assert (await poll).status_code == 200


@pytest.mark.usefixtures("phone")
async def test_waiting_asks_nothing_of_the_store(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
):
    """The poll itself at the beginning and one read at the end, however long it takes."""
    reads, transactions = [], service.service.stores.transactions
    read = type(transactions).read

    async def counted(self: object, name: str, *, now: int) -> object:
        reads.append(name)
        return await read(self, name, now=now)  # type: ignore[arg-type]

    monkeypatch.setattr(type(transactions), "read", counted)
    auth_req_id = await service.till.started()
    async with held(service, auth_req_id) as poll:
        for _ in range(19):
            service.clock.advance(1)
            await service.http.get("/healthz")
        assert reads == []
        service.clock.advance(0.5)
        assert refusal(await poll) == PENDING
    assert len(reads) == 1
