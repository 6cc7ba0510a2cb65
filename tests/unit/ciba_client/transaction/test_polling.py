"""Waiting for the decision: polls over real sockets, on a clock that does not wait."""

import asyncio
import dataclasses
import threading
from email.utils import formatdate

import pytest

from ciba_client import (
    AccessDenied,
    AuthReqId,
    CibaClient,
    CibaClientError,
    ClientConfiguration,
    Expired,
    ProviderBusy,
    ProviderUnavailable,
    SlowedDown,
    StillUndecided,
    TokensReceived,
    TransactionEnded,
)
from tests.unit.ciba_client.scripted_provider import (
    AUTH_REQ_ID,
    EPOCH,
    Answer,
    FakeClock,
    ScriptedProvider,
    pending,
    refusal,
    tokens_for,
)


async def test_a_poll_carries_the_id_and_a_fresh_assertion(
    client: CibaClient, provider: ScriptedProvider
):
    """Two polls never share an assertion."""
    provider.script("/token", pending(), Answer(provider.tokens()))
    await tokens_for(client)
    first, second = provider.requests_to("/token")
    assert first.form["auth_req_id"] == second.form["auth_req_id"] == AUTH_REQ_ID
    assert first.form["grant_type"] == "urn:openid:params:grant-type:ciba"
    assert first.form["client_assertion"] != second.form["client_assertion"]


@pytest.mark.clause("ciba-10.1-7")
async def test_polls_keep_the_interval_and_slow_down_lengthens_it_for_good(
    client: CibaClient, provider: ScriptedProvider
):
    """Five seconds, then ten after slow_down, and ten ever after."""
    provider.script(
        "/token",
        pending(),
        refusal("slow_down"),
        pending(),
        pending(),
        Answer(provider.tokens()),
    )
    await tokens_for(client)
    assert provider.poll_times() == [5, 10, 20, 30, 40]


async def test_events_tell_what_happens(client: CibaClient, provider: ScriptedProvider):
    """Each answer is one event, the tokens are the last."""
    provider.script(
        "/token",
        pending(),
        refusal("slow_down"),
        Answer(b"", 503, {"retry-after": "33"}),
        Answer(provider.tokens()),
    )
    async with client.authenticate(login_hint="alice") as asked:
        events = [event async for event in asked.events()]
        tokens = await asked.tokens()
    assert events == [
        StillUndecided(5),
        SlowedDown(interval=10, next_poll_in=10),
        ProviderBusy("the provider answered with HTTP status 503", 33),
        TokensReceived(tokens),
    ]
    assert provider.poll_times() == [5, 10, 20, 53]


async def test_the_next_poll_waits_until_a_date_given_as_retry_after(
    client: CibaClient, provider: ScriptedProvider
):
    """RFC 9110 10.2.3 knows seconds and dates."""
    date = formatdate(EPOCH + 65, usegmt=True)
    provider.script("/token", Answer(b"", 429, {"retry-after": date}), Answer(provider.tokens()))
    await tokens_for(client)
    assert provider.poll_times() == [5, 65]


@pytest.mark.parametrize("value", ["soon", "", "-5", "²", "Fri, 99 Foo 2026 00:00:00 GMT"])
async def test_a_senseless_retry_after_means_back_off(
    client: CibaClient, provider: ScriptedProvider, value: str
):
    """As if it were absent."""
    headers = {"retry-after": value.encode().decode("latin-1")}
    provider.script("/token", Answer(b"", 503, headers), Answer(provider.tokens()))
    await tokens_for(client)
    first, second = provider.poll_times()
    assert 10 <= second - first <= 12.5


async def test_connection_errors_back_off_until_the_provider_is_back(
    provider: ScriptedProvider, configuration: ClientConfiguration, clock: FakeClock
):
    """A provider that restarts does not lose the flow."""
    async with CibaClient(configuration, clock=clock) as client:
        provider.script("/token", Answer(b"", 500), Answer(b"", 502), Answer(provider.tokens()))
        async with client.authenticate(login_hint="alice") as asked:
            events = [event async for event in asked.events()]
    assert [type(event) for event in events] == [ProviderBusy, ProviderBusy, TokensReceived]
    first, second, third = provider.poll_times()
    assert 10 <= second - first <= 12.5
    assert 20 <= third - second <= 25


@pytest.mark.clause("ciba-10.1-8")
async def test_polls_never_overlap_however_many_wait(
    client: CibaClient, provider: ScriptedProvider
):
    """Ten waiting tasks share one poll at a time and one set of tokens."""
    provider.script("/token", pending(), pending(), Answer(provider.tokens()))
    async with client.authenticate(login_hint="alice") as asked:
        results = await asyncio.gather(*(asked.tokens() for _ in range(10)))
    assert len({id(result) for result in results}) == 1
    assert provider.poll_times() == [5, 10, 15]


@pytest.mark.parametrize(
    ("code", "kind"), [("access_denied", AccessDenied), ("expired_token", Expired)]
)
async def test_a_refusal_ends_polling_for_good(
    client: CibaClient, provider: ScriptedProvider, code: str, kind: type[TransactionEnded]
):
    """Asking again gives the same error and sends nothing."""
    provider.script("/token", refusal(code, "Declined."))
    async with client.authenticate(login_hint="alice") as asked:
        for _ in range(2):
            with pytest.raises(kind) as caught:
                await asked.tokens()
    assert (caught.value.code, caught.value.description, caught.value.status) == (
        code,
        "Declined.",
        400,
    )
    assert provider.poll_times() == [5]


async def test_polling_stops_when_the_time_is_over(
    client: CibaClient, provider: ScriptedProvider, clock: FakeClock
):
    """The client says so at the expiry, without one more poll."""
    provider.script("/bc-authorize", Answer(provider.acknowledgement(expires_in=12)))
    provider.script("/token", pending())
    async with client.authenticate(login_hint="alice") as asked:
        with pytest.raises(Expired) as caught:
            await asked.tokens()
    assert caught.value.status is None
    assert provider.poll_times() == [5, 10]
    assert clock.elapsed == 12


async def test_asking_only_after_the_expiry_sends_nothing(
    client: CibaClient, provider: ScriptedProvider, clock: FakeClock
):
    """A forgotten authentication is expired."""
    async with client.authenticate(login_hint="alice") as asked:
        clock.elapsed = 500
        with pytest.raises(Expired):
            await asked.tokens()
    assert provider.poll_times() == []


async def test_a_provider_that_stays_away_is_reported_as_such(
    client: CibaClient, provider: ScriptedProvider
):
    """Expired would be a guess when nobody could be asked."""
    provider.script("/token", Answer(b"", 503, {"retry-after": "100"}))
    async with client.authenticate(login_hint="alice") as asked:
        with pytest.raises(ProviderUnavailable, match="503"):
            await asked.tokens()
    assert provider.poll_times() == [5, 105]


async def test_a_failure_at_the_very_end_is_reported_at_once(
    client: CibaClient, provider: ScriptedProvider, clock: FakeClock
):
    """No back-off is begun when there is no time left for it."""
    provider.script("/token", Answer(b"", 503, takes=176))
    async with client.authenticate(login_hint="alice") as asked:
        with pytest.raises(ProviderUnavailable):
            await asked.tokens()
    assert clock.sleeps == [5]


async def test_after_a_long_poll_the_next_follows_at_once(
    client: CibaClient, provider: ScriptedProvider
):
    """The interval runs from the sending of a poll."""
    provider.script("/token", pending(takes=30), pending(takes=2), Answer(provider.tokens()))
    await tokens_for(client)
    assert provider.poll_times() == [5, 35, 40]


async def test_leaving_without_tokens_ends_everything(
    client: CibaClient, provider: ScriptedProvider
):
    """A waiting task is released, nothing polls on, and no task is left behind."""
    before = asyncio.all_tasks()
    async with client.authenticate(login_hint="alice") as asked:
        pass
    with pytest.raises(CibaClientError, match="left before its end"):
        await asked.tokens()
    assert provider.poll_times() == []
    assert asyncio.all_tasks() == before


async def test_tokens_stay_available_after_leaving(client: CibaClient, provider: ScriptedProvider):
    """Verified tokens can be asked for again at no cost."""
    async with client.authenticate(login_hint="alice") as asked:
        tokens = await asked.tokens()
    assert await asked.tokens() is tokens
    assert provider.poll_times() == [5]


async def test_a_wait_that_was_broken_off_can_be_taken_up_again(
    client: CibaClient, provider: ScriptedProvider
):
    """The schedule goes on where it was."""
    provider.script("/token", pending(), Answer(provider.tokens()))
    async with client.authenticate(login_hint="alice") as asked:
        async for event in asked.events():
            assert event == StillUndecided(5)
            break
        assert (await asked.tokens()).id_token.sub == "alice"
    assert provider.poll_times() == [5, 10]


async def test_a_poll_that_was_cancelled_still_keeps_the_interval(
    client: CibaClient, provider: ScriptedProvider
):
    """The provider may have received it."""
    arrived, loop = asyncio.Event(), asyncio.get_running_loop()
    released = threading.Event()

    def hold() -> None:
        loop.call_soon_threadsafe(arrived.set)
        released.wait(timeout=30)

    provider.script("/token", pending(), Answer(provider.tokens()))
    async with client.authenticate(login_hint="alice") as asked:
        provider.on_arrival = hold
        waiting = asyncio.create_task(asked.tokens())
        await arrived.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        released.set()
        assert (await asked.tokens()).id_token.sub == "alice"
    assert provider.poll_times() == [5, 10]


async def test_leaving_releases_a_task_that_waits(client: CibaClient, provider: ScriptedProvider):
    """It gets an error instead of polling on."""
    provider.script("/token", pending())
    async with client.authenticate(login_hint="alice") as asked:
        waiting = asked.events()
        assert await anext(waiting) == StillUndecided(5)
    with pytest.raises(CibaClientError, match="left before its end"):
        await anext(waiting)
    assert provider.poll_times() == [5]


async def test_an_authentication_can_be_resumed_by_its_id(
    client: CibaClient, provider: ScriptedProvider
):
    """As after a restart of the client; no new request is made."""
    async with client.resume(AuthReqId("kept"), expires_in=60, interval=2) as asked:
        tokens = await asked.tokens()
    assert tokens.id_token.sub == "alice"
    [poll] = provider.requests_to("/token")
    assert (poll.at, poll.form["auth_req_id"]) == (2, "kept")
    assert provider.requests_to("/bc-authorize") == []


@pytest.mark.parametrize(("wait", "asked"), [(0, None), (20, "wait=20")])
async def test_a_poll_asks_to_be_held_where_it_shall(
    configuration: ClientConfiguration,
    provider: ScriptedProvider,
    clock: FakeClock,
    wait: int,
    asked: str | None,
):
    """RFC 7240: otherwise it says nothing, and the provider does as it likes."""
    patient = dataclasses.replace(configuration, polling_wait=wait)
    async with CibaClient(patient, clock=clock) as client:
        await tokens_for(client)
    (poll,) = provider.requests_to("/token")
    assert poll.headers.get("prefer") == asked
