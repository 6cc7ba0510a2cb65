"""Waiting for a ping: one API for poll and ping, over real sockets."""

import asyncio
import base64
from collections.abc import AsyncIterator
from itertools import pairwise

import httpx2
import pytest

from ciba_client import (
    AccessDenied,
    AuthenticationRequestRefused,
    AuthReqId,
    CibaClient,
    CibaClientError,
    ClientConfiguration,
    Expired,
    InvalidAuthenticationRequest,
    NotificationReceiver,
    Pinged,
    ProviderBusy,
    StillUndecided,
    TokensReceived,
)
from ciba_client.listener import ListeningAddress, listening
from tests.unit.ciba_client.notifications.notifying import StandingClock, notify, sent_tokens
from tests.unit.ciba_client.scripted_provider import (
    Answer,
    FakeClock,
    ScriptedProvider,
    pending,
    refusal,
)


@pytest.fixture
def clock(provider: ScriptedProvider) -> StandingClock:
    """A clock that stands still: what happens is not a matter of time."""
    provider.clock = clock = StandingClock()
    return clock


@pytest.fixture
def receiver() -> NotificationReceiver:
    """The client's notification endpoint."""
    return NotificationReceiver()


@pytest.fixture
async def url(receiver: NotificationReceiver) -> AsyncIterator[str]:
    """Where it listens."""
    async with listening(receiver, ListeningAddress("127.0.0.1", 0)) as url:
        yield url


@pytest.fixture
async def client(
    configuration: ClientConfiguration, clock: StandingClock, receiver: NotificationReceiver
) -> AsyncIterator[CibaClient]:
    """A client registered for ping."""
    async with CibaClient(configuration, notifications=receiver, clock=clock) as opened:
        yield opened


async def ping_when_asleep(provider: ScriptedProvider, clock: StandingClock, url: str) -> None:
    """As the provider does once the user has decided."""
    await clock.asleep.wait()
    *_, token = sent_tokens(provider)
    assert (await notify(url, token)).status_code == 204


async def test_a_ping_brings_the_tokens_at_once(
    client: CibaClient, provider: ScriptedProvider, clock: StandingClock, url: str
):
    """One token request, and none before the ping."""
    async with client.authenticate(login_hint="alice") as asked:
        assert asked.awaits_ping
        waiting = asyncio.create_task(asked.tokens())
        await clock.asleep.wait()
        assert provider.poll_times() == []
        await ping_when_asleep(provider, clock, url)
        assert (await waiting).id_token.sub == "alice"
        assert not asked.awaits_ping
    assert provider.poll_times() == [0]


async def test_events_tell_of_the_ping(
    client: CibaClient, provider: ScriptedProvider, clock: StandingClock, url: str
):
    """The ping is an event of its own."""
    async with client.authenticate(login_hint="alice") as asked:
        pinging = asyncio.create_task(ping_when_asleep(provider, clock, url))
        events = [event async for event in asked.events()]
        await pinging
        assert events == [Pinged(), TokensReceived(await asked.tokens())]


async def test_a_ping_before_anybody_waits_is_not_lost(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """The program may do something else first."""
    async with client.authenticate(login_hint="alice") as asked:
        [token] = sent_tokens(provider)
        for _ in range(2):
            assert (await notify(url, token)).status_code == 204
        assert (await asked.tokens()).id_token.sub == "alice"
        assert (await notify(url, token)).status_code == 204
    assert provider.poll_times() == [0]


async def test_a_ping_also_brings_a_denial(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """The ping says that there is a decision, not which."""
    provider.script("/token", refusal("access_denied"))
    async with client.authenticate(login_hint="alice") as asked:
        [token] = sent_tokens(provider)
        await notify(url, token)
        with pytest.raises(AccessDenied):
            await asked.tokens()


async def test_a_ping_wakes_only_whom_it_is_for(
    client: CibaClient, provider: ScriptedProvider, clock: StandingClock, url: str
):
    """Two requests at once, each with its own token."""
    provider.script(
        "/bc-authorize",
        *(Answer(provider.acknowledgement(auth_req_id=name)) for name in ("one", "two")),
    )
    async with (
        client.authenticate(login_hint="alice"),
        client.authenticate(login_hint="bob") as second,
    ):
        _, token = sent_tokens(provider)
        await notify(url, token, b'{"auth_req_id": "two"}')
        await second.tokens()
    assert [request.form["auth_req_id"] for request in provider.requests_to("/token")] == ["two"]
    assert clock.sleeps == []


@pytest.mark.clause("ciba-7.1-8")
async def test_each_request_has_a_token_of_its_own_with_enough_random_bits(
    client: CibaClient, provider: ScriptedProvider
):
    """256 random bits each (CIBA 7.1 demands 128, recommends 160), as a bearer token."""
    for _ in range(20):
        async with client.authenticate(login_hint="alice"):
            pass
    tokens = [base64.urlsafe_b64decode(token + "=") for token in sent_tokens(provider)]
    assert {len(token) for token in tokens} == {32}
    distances = [
        (int.from_bytes(one) ^ int.from_bytes(other)).bit_count() for one, other in pairwise(tokens)
    ]
    assert min(distances) > 64  # nothing is counted up, nothing is constant


async def test_a_lost_ping_costs_half_a_minute(
    configuration: ClientConfiguration, provider: ScriptedProvider, receiver: NotificationReceiver
):
    """Rare polls find the decision; the last comes shortly before the end."""
    provider.script("/token", pending())
    async with (
        CibaClient(configuration, notifications=receiver, clock=provider.clock) as client,
        client.authenticate(login_hint="alice") as asked,
    ):
        with pytest.raises(Expired):
            await asked.tokens()
    assert provider.poll_times() == [30, 60, 90, 120, 150, 175]
    assert provider.clock.elapsed == 180


async def test_a_provider_that_is_busy_is_asked_again_before_long(
    configuration: ClientConfiguration, provider: ScriptedProvider, receiver: NotificationReceiver
):
    """A failed poll has told nothing; it is repeated as told, not half a minute later."""
    provider.script(
        "/token",
        Answer(b"", 503, {"retry-after": "7"}),
        pending(),
        Answer(provider.tokens()),
    )
    async with (
        CibaClient(configuration, notifications=receiver, clock=provider.clock) as client,
        client.authenticate(login_hint="alice") as asked,
    ):
        events = [event async for event in asked.events()]
    assert events[:2] == [
        ProviderBusy("the provider answered with HTTP status 503", 7),
        StillUndecided(30),
    ]
    assert provider.poll_times() == [30, 37, 67]


async def test_after_a_ping_undecided_means_to_poll_as_told(
    client: CibaClient, provider: ScriptedProvider, clock: StandingClock, url: str
):
    """The parts of a provider may learn of a decision one after the other."""
    provider.script("/token", pending(), Answer(provider.tokens()))
    async with client.authenticate(login_hint="alice") as asked:
        [token] = sent_tokens(provider)
        await notify(url, token)
        events = asked.events()
        assert [await anext(events), await anext(events)] == [Pinged(), StillUndecided(5)]
        waiting = asyncio.create_task(asked.tokens())
        await clock.asleep.wait()
        await notify(url, token)
        assert clock.sleeps == [5]
        clock.elapsed = 5
        asked.pinged()  # wakes it, and changes nothing else
        await waiting
    assert provider.poll_times() == [0, 5]


async def test_a_ping_during_a_poll_asks_once_more(
    client: CibaClient, provider: ScriptedProvider, clock: StandingClock, url: str
):
    """The poll may have been answered before the decision."""
    provider.script("/token", pending(), Answer(provider.tokens()))
    loop = asyncio.get_running_loop()
    async with client.authenticate(login_hint="alice") as asked:
        [token] = sent_tokens(provider)
        provider.on_arrival = lambda: asyncio.run_coroutine_threadsafe(
            notify(url, token), loop
        ).result(timeout=10)
        events = asked.events()
        clock.elapsed = 30
        assert await anext(events) == StillUndecided(30)
        provider.on_arrival = lambda: None
        assert await anext(events) == Pinged()
        assert isinstance(await anext(events), TokensReceived)
    assert provider.poll_times() == [30, 30]


async def test_a_call_for_patience_holds_in_spite_of_a_ping(
    client: CibaClient, provider: ScriptedProvider, clock: StandingClock, url: str
):
    """What Retry-After says is not made void."""
    provider.script("/token", Answer(b"", 503, {"retry-after": "9"}), Answer(provider.tokens()))
    async with client.authenticate(login_hint="alice") as asked:
        clock.elapsed = 30
        events = asked.events()
        assert isinstance(await anext(events), ProviderBusy)
        await notify(url, next(sent_tokens(provider)))
        assert await anext(events) == Pinged()
        waiting = asyncio.create_task(asked.tokens())
        await clock.asleep.wait()
        assert clock.sleeps == [9]
        waiting.cancel()


async def test_leaving_releases_who_waits_for_a_ping(
    client: CibaClient, provider: ScriptedProvider, clock: StandingClock, url: str
):
    """At once, and no task is left behind; a late ping is still no stranger's."""
    before = asyncio.all_tasks()
    async with client.authenticate(login_hint="alice") as asked:
        waiting = asyncio.create_task(asked.tokens())
        await clock.asleep.wait()
    with pytest.raises(CibaClientError, match="left before its end"):
        await waiting
    assert asyncio.all_tasks() == before
    assert (await notify(url, next(sent_tokens(provider)))).status_code == 204
    assert provider.poll_times() == []


async def test_a_refused_request_expects_no_ping(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """Its token is worth nothing."""
    provider.script("/bc-authorize", refusal("unknown_user_id"))
    with pytest.raises(AuthenticationRequestRefused):
        async with client.authenticate(login_hint="alice"):
            raise AssertionError
    assert (await notify(url, next(sent_tokens(provider)))).status_code == 401


async def test_a_token_may_be_given_where_notifications_arrive_elsewhere(
    configuration: ClientConfiguration, provider: ScriptedProvider, clock: StandingClock
):
    """The program itself says that the ping has come."""
    token = "given-" * 8
    async with (
        CibaClient(configuration, clock=clock) as client,
        client.authenticate(login_hint="alice", client_notification_token=token) as asked,
    ):
        assert list(sent_tokens(provider)) == [token]
        waiting = asyncio.create_task(asked.tokens())
        await clock.asleep.wait()
        asked.pinged()
        assert (await waiting).id_token.sub == "alice"
    assert provider.poll_times() == [0]


@pytest.mark.parametrize("token", ["too-short", "a" * 1025, "a b" * 10, ""])
async def test_a_token_that_no_provider_would_take_is_refused_here(
    configuration: ClientConfiguration, provider: ScriptedProvider, clock: FakeClock, token: str
):
    """Before anything is sent."""
    async with CibaClient(configuration, clock=clock) as client:
        with pytest.raises(InvalidAuthenticationRequest, match="client_notification_token"):
            async with client.authenticate(login_hint="a", client_notification_token=token):
                raise AssertionError
    assert provider.received == []


async def test_a_receiver_makes_the_token_itself(client: CibaClient, provider: ScriptedProvider):
    """It would not know one that was given, neither as a parameter nor as an extension."""
    for parameters in (
        {"client_notification_token": "a" * 43},
        {"extensions": {"client_notification_token": "a" * 43}},
    ):
        with pytest.raises(InvalidAuthenticationRequest, match="client_notification_token"):
            async with client.authenticate(login_hint="alice", **parameters):
                raise AssertionError
    assert provider.received == []


async def test_a_poll_client_keeps_its_interval_whatever_it_is_told(
    configuration: ClientConfiguration, provider: ScriptedProvider
):
    """A ping that was never asked for changes nothing."""
    async with (
        CibaClient(configuration, clock=provider.clock) as client,
        client.authenticate(login_hint="alice") as asked,
    ):
        asked.pinged()
        assert not asked.awaits_ping
        await asked.tokens()
    [request] = provider.requests_to("/bc-authorize")
    assert "client_notification_token" not in request.form
    assert provider.poll_times() == [5]


async def test_a_resumed_authentication_polls(client: CibaClient):
    """The token of its pings is gone."""
    async with client.resume(AuthReqId("kept"), expires_in=60) as asked:
        assert not asked.awaits_ping


async def test_a_clock_that_fails_is_heard(
    configuration: ClientConfiguration, provider: ScriptedProvider
):
    """Instead of polling without a pause."""

    class BrokenClock(FakeClock):
        async def sleep(self, seconds: float) -> None:
            raise OSError(str(seconds))

    async with (
        CibaClient(configuration, clock=BrokenClock()) as client,
        client.authenticate(login_hint="alice") as asked,
    ):
        with pytest.raises(OSError, match="5"):
            await asked.tokens()
    assert provider.poll_times() == []


async def test_the_receiver_may_stand_in_the_programs_own_application(
    configuration: ClientConfiguration, provider: ScriptedProvider, clock: StandingClock
):
    """Nothing but the ASGI application is needed, not even a socket."""
    receiver = NotificationReceiver()
    transport = httpx2.ASGITransport(receiver)
    async with (
        CibaClient(configuration, notifications=receiver, clock=clock) as client,
        client.authenticate(login_hint="alice") as asked,
        httpx2.AsyncClient(transport=transport) as http,
    ):
        headers = {"authorization": f"Bearer {next(sent_tokens(provider))}"}
        body = {"auth_req_id": asked.auth_req_id.value}
        answer = await http.post("https://shop.example/ping", json=body, headers=headers)
        assert answer.status_code == 204
        assert (await asked.tokens()).id_token.sub == "alice"
