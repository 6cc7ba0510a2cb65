"""A client follows what happens to its request as server-sent events."""

import asyncio
from collections.abc import Callable

import pytest

from ciba_service.channels.hub import SocketHub
from ciba_service.flow.asking.open_streams import PAUSE_SECONDS, STREAM_SECONDS, OpenStreams
from ciba_service.ports import StoreUnavailable
from ciba_service.sca.messages import transaction_id
from ciba_service.stores.asking.ledger import RedisLedgers
from ciba_service.stores.driver.subscription import Resubscribed
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.events import PATH, STREAM, EventReader, events_answer, ledger_of, stream
from tests.wire.phone import WirePhone


async def until(reached: Callable[[], bool]) -> None:
    """Let the service go on until this is so."""
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110 - what is waited for is in the service
            await asyncio.sleep(0)


async def announced(service: RunningService) -> str:
    """A request of which the phones were told, so that nothing more happens by itself."""
    auth_req_id = await service.till.started()
    while len((await ledger_of(service.till, auth_req_id))["events"]) < 2:
        pass
    return auth_req_id


async def caught_up(service: RunningService, reader: EventReader) -> None:
    """Read what has happened up to the announcement; the stream waits by then."""
    assert [await told_next(reader) for _ in "ab"] == [("1", "requested"), ("2", "announced")]
    await service.http.get("/healthz")


async def told_next(reader: EventReader) -> tuple[str | None, str]:
    """Number and name of the next event."""
    told = await reader.next()
    assert told is not None
    return told.id, told.event


async def told_rest(reader: EventReader) -> list[tuple[str | None, str]]:
    """Numbers and names of all that is left."""
    return [(told.id, told.event) for told in await reader.rest()]


async def test_a_stream_tells_what_was_and_what_comes(service: RunningService, phone: WirePhone):
    """As it happens and without asking again; it ends when nothing more can happen."""
    till = service.till
    auth_req_id = await announced(service)
    async with stream(till, auth_req_id) as reader:
        assert reader.answer.status_code == 200
        assert reader.answer.headers["content-type"] == STREAM
        assert reader.answer.headers["cache-control"] == "no-store"
        await caught_up(service, reader)
        assert service.service.streams.open == 1
        await phone.approve_next()
        assert await told_next(reader) == ("3", "approved")
        assert (await till.poll(auth_req_id)).status_code == 200
        service.clock.advance(PAUSE_SECONDS)
        redeemed, complete = await reader.rest()
    assert (redeemed.id, redeemed.event) == ("4", "redeemed")
    assert redeemed.data == (await ledger_of(till, auth_req_id))["events"][-1]
    assert (complete.id, complete.event, complete.data) == (None, "complete", {"state": "redeemed"})
    assert service.service.streams.open == 0


async def test_one_event_is_a_group_of_lines(service: RunningService):
    """Number, name, and JSON in one line."""
    phone = await service.enrolled_phone()
    auth_req_id = await announced(service)
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    told = (await ledger_of(service.till, auth_req_id))["events"]
    assert service.till.http is not None
    answer = await service.till.http.post(
        PATH,
        data={"auth_req_id": auth_req_id, **service.till.credentials()},
        headers={"accept": f"application/json;q=0.5, {STREAM}"},
    )
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no", "nginx keeps events back"
    first, second, third, last, rest = answer.text.split("\n\n")
    at = told[0]["at"]
    data = f'{{"id":1,"event":"requested","at":"{at}"}}'
    assert first == f"id: 1\nevent: requested\ndata: {data}"
    assert second.startswith("id: 2\nevent: announced\ndata: {")
    assert third.startswith("id: 3\nevent: denied\ndata: {")
    assert (last, rest) == ('event: complete\ndata: {"state":"denied"}', "")
    assert auth_req_id not in answer.text


@pytest.mark.usefixtures("phone")
async def test_whoever_comes_back_goes_on_where_it_was(service: RunningService):
    """After 25 seconds the stream ends; the next one tells what the client does not have yet."""
    till = service.till
    auth_req_id = await announced(service)
    async with stream(till, auth_req_id) as reader:
        await caught_up(service, reader)
        service.clock.advance(STREAM_SECONDS - 0.001)
        assert await reader.group() == [":"]
        service.clock.advance(0.001)
        assert await told_rest(reader) == []
    assert (await till.cancel(auth_req_id)).status_code == 204
    async with stream(till, auth_req_id, after="2") as reader:
        assert await told_rest(reader) == [("3", "cancelled"), (None, "complete")]


@pytest.mark.usefixtures("phone")
async def test_whoever_has_everything_is_told_to_stay_away(service: RunningService):
    """204 ends the reconnecting of an event source; what is not complete is waited for."""
    till = service.till
    auth_req_id = await announced(service)
    async with stream(till, auth_req_id, after="2") as reader:
        assert await reader.group() == [":"]
        assert (await till.cancel(auth_req_id)).status_code == 204
        assert await told_rest(reader) == [("3", "cancelled"), (None, "complete")]
    async with stream(till, auth_req_id, after="3") as reader:
        assert reader.answer.status_code == 204
        assert reader.answer.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("phone")
@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "9" * 10, "\u0661", "1 2"])
async def test_a_number_that_is_none_of_ours_counts_as_none(service: RunningService, after: str):
    """The story is told from its beginning."""
    auth_req_id = await announced(service)
    assert (await service.till.cancel(auth_req_id)).status_code == 204
    assert service.till.http is not None
    answer = await service.till.http.post(
        PATH,
        data={"auth_req_id": auth_req_id, **service.till.credentials()},
        headers={"accept": STREAM, "last-event-id": after.encode()},
    )
    assert answer.text.startswith("id: 1\nevent: requested\n")


async def test_lost_words_cost_two_seconds(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """Without pub/sub a stream finds the decision at its next look, or when pub/sub is back."""

    async def lose(self: SocketHub, announcement: object) -> None:
        """Tell nobody."""

    first = await announced(service)
    monkeypatch.setattr(SocketHub, "announce", lose)
    async with stream(service.till, first) as reader:
        await caught_up(service, reader)
        (challenge,) = await phone.fetch()
        await phone.decide(phone.denial(challenge))
        service.clock.advance(PAUSE_SECONDS)
        assert await told_rest(reader) == [("3", "denied"), (None, "complete")]
    second = await announced(service)
    async with stream(service.till, second) as reader:
        await caught_up(service, reader)
        (challenge,) = await phone.fetch()
        await phone.decide(phone.denial(challenge))
        service.service.stores.subscription._offer(Resubscribed())
        assert await told_rest(reader) == [("3", "denied"), (None, "complete")]


@pytest.mark.usefixtures("phone")
async def test_a_stream_asks_the_store_every_two_seconds_and_not_more(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
):
    """It looks once at its beginning and once after each pause, also after it was woken."""
    auth_req_id = await announced(service)
    reads, read = [], RedisLedgers.read

    async def counted(self: RedisLedgers, name: str, *, now: int) -> object:
        reads.append(name)
        return await read(self, name, now=now)

    monkeypatch.setattr(RedisLedgers, "read", counted)
    async with stream(service.till, auth_req_id) as reader:
        await caught_up(service, reader)
        assert len(reads) == 1
        service.service.streams.look_again(transaction_id("B" * 43))
        await service.http.get("/readyz")
        assert len(reads) == 1
        for looks in (2, 3):
            service.clock.advance(0.5)
            service.service.streams.look_again(transaction_id(auth_req_id))
            assert await reader.group() == [":"]
            await service.http.get("/readyz")
            assert len(reads) == looks
        for looks in (4, 5):
            service.clock.advance(PAUSE_SECONDS - 0.1)
            await service.http.get("/readyz")
            assert len(reads) == looks - 1
            service.clock.advance(0.1)
            assert await reader.group() == [":"]
            await service.http.get("/readyz")
            assert len(reads) == looks


@pytest.mark.usefixtures("phone")
async def test_a_client_that_has_gone_leaves_its_place(service: RunningService):
    """Nobody looks for it any more."""
    auth_req_id = await announced(service)
    async with stream(service.till, auth_req_id) as staying:
        await caught_up(service, staying)
        async with stream(service.till, auth_req_id) as going:
            await caught_up(service, going)
            assert service.service.streams.open == 2
        await until(lambda: service.service.streams.open == 1)
        assert (await service.till.cancel(auth_req_id)).status_code == 204
        assert await told_rest(staying) == [("3", "cancelled"), (None, "complete")]
    await until(lambda: service.service.streams.open == 0)
    assert not service.service.streams._places
    await until(lambda: not any("_then" in repr(task) for task in asyncio.all_tasks()))


@pytest.mark.usefixtures("phone")
async def test_the_end_of_the_process_ends_streams(service: RunningService):
    """Whoever comes then is told to come again."""
    first, second = await announced(service), await announced(service)
    async with stream(service.till, first) as one, stream(service.till, second) as other:
        await caught_up(service, one)
        await caught_up(service, other)
        service.service.release()
        assert await told_rest(one) == await told_rest(other) == []
    async with stream(service.till, first, after="2") as reader:
        assert reader.answer.status_code == 503


async def test_beyond_the_bound_nobody_is_let_in(run_service: ServiceRunner):
    """503 and when to come again; asking for JSON is possible all the same."""
    till = WireClient("till")
    async with run_service(
        clients=[till], sections={"server": {"max_event_streams": 1}}
    ) as service:
        await service.enrolled_phone()
        auth_req_id = await announced(service)
        async with stream(till, auth_req_id) as reader:
            await caught_up(service, reader)
            async with stream(till, auth_req_id) as other:
                assert other.answer.status_code == 503
                assert int(other.answer.headers["retry-after"]) > 0
                await other.answer.aread()
                assert other.answer.json()["error"] == "temporarily_unavailable"
            used = till.credentials()
            refused = await till.post(
                PATH, {"auth_req_id": auth_req_id, **used}, headers={"accept": STREAM}
            )
            assert refused.status_code == 503
            again = await events_answer(till, auth_req_id, **used)
            assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
            assert (await events_answer(till, auth_req_id)).status_code == 200
        await until(lambda: service.service.streams.open == 0)
        async with stream(till, auth_req_id) as reader:
            await caught_up(service, reader)


async def test_no_client_takes_all_places_of_streams(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient
):
    """503 for one more of the same client, while another finds room."""
    sections = {"server": {"max_event_streams_of_client": 1}}
    async with run_service(clients=[till, other_till], sections=sections) as service:
        await service.enrolled_phone()
        auth_req_id, of_other = await announced(service), await other_till.started()
        async with stream(till, auth_req_id) as reader:
            await caught_up(service, reader)
            async with stream(till, auth_req_id) as second:
                assert second.answer.status_code == 503
            async with stream(other_till, of_other) as other:
                assert other.answer.status_code == 200
        await until(lambda: service.service.streams.open == 0)
        async with stream(till, auth_req_id) as again:
            assert again.answer.status_code == 200


async def test_a_store_that_is_away_ends_streams_cleanly(
    run_service: ServiceRunner, till: WireClient, monkeypatch: pytest.MonkeyPatch
):
    """The answer ends as it should, and its client comes back."""
    async with run_service(clients=[till]) as service:
        await service.enrolled_phone()
        auth_req_id = await announced(service)

        async def away(self: RedisLedgers, name: str, *, now: int) -> object:
            raise StoreUnavailable(f"{self} {name} {now}")

        async with stream(till, auth_req_id) as reader:
            await caught_up(service, reader)
            monkeypatch.setattr(RedisLedgers, "read", away)
            service.clock.advance(PAUSE_SECONDS)
            assert await told_rest(reader) == []
        (failure,) = service.telemetry.failures
        assert failure.name == "event_stream_failed"
        assert (await events_answer(till, auth_req_id)).status_code == 503


async def test_a_record_that_has_gone_ends_streams(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
):
    """There is nothing more to tell."""
    await service.enrolled_phone()
    auth_req_id = await announced(service)

    async def gone(self: RedisLedgers, name: str, *, now: int) -> None:
        """It was kept long enough."""

    async with stream(service.till, auth_req_id) as reader:
        await caught_up(service, reader)
        monkeypatch.setattr(RedisLedgers, "read", gone)
        service.clock.advance(PAUSE_SECONDS)
        assert await told_rest(reader) == []


async def test_a_word_between_the_look_and_the_wait_is_not_missed(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """The place is taken before the first look: what is settled meanwhile is looked at again."""
    auth_req_id = await announced(service)
    read, place = RedisLedgers.read, OpenStreams.place
    has_place = []

    async def late(self: RedisLedgers, name: str, *, now: int) -> object:
        found = await read(self, name, now=now)
        if len(has_place) == 1:
            has_place.append("once")
            (challenge,) = await phone.fetch()
            await phone.decide(phone.denial(challenge))
            (waiting,) = service.service.streams._places[name]
            await until(waiting._woken.is_set)
        return found

    def noting(self: OpenStreams, *of: object, client_id: str) -> object:
        has_place.append("place")
        return place(self, *of, client_id=client_id)  # type: ignore[arg-type]

    monkeypatch.setattr(RedisLedgers, "read", late)
    monkeypatch.setattr(OpenStreams, "place", noting)
    async with stream(service.till, auth_req_id) as reader:
        assert await told_rest(reader) == [
            ("1", "requested"), ("2", "announced"), ("3", "denied"), (None, "complete"),
        ]  # fmt: skip
