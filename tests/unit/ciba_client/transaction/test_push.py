"""Waiting for a push: the same API, no question asked, over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ciba_client import (
    AccessDenied,
    AuthReqId,
    CibaClient,
    CibaClientError,
    ClientConfiguration,
    ConfigurationError,
    Expired,
    InvalidAuthenticationRequest,
    InvalidIdToken,
    InvalidProviderResponse,
    NotificationReceiver,
    ProviderUnavailable,
    TokenDeliveryMode,
    TokensReceived,
    TransactionEnded,
    TransactionFailed,
)
from ciba_client.listener import ListeningAddress, listening
from tests.unit.ciba_client.notifications.notifying import (
    AUTH_REQ_ID_CLAIM,
    REFRESH_TOKEN,
    RT_HASH_CLAIM,
    StandingClock,
    bound_id_token,
    notify,
    ping,
    push,
    said,
    sent_tokens,
)
from tests.unit.ciba_client.scripted_provider import (
    ACCESS_TOKEN,
    AUTH_REQ_ID,
    DISCOVERY,
    Answer,
    FakeClock,
    ScriptedProvider,
    at_hash,
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
def registered(configuration: ClientConfiguration) -> ClientConfiguration:
    """A client registered for push."""
    return replace(configuration, backchannel_token_delivery_mode=TokenDeliveryMode.PUSH)


@pytest.fixture
async def client(
    registered: ClientConfiguration,
    provider: ScriptedProvider,
    clock: StandingClock,
    receiver: NotificationReceiver,
) -> AsyncIterator[CibaClient]:
    """The client, whose provider names no interval (CIBA 7.3)."""
    provider.script("/bc-authorize", Answer({"auth_req_id": AUTH_REQ_ID, "expires_in": 180}))
    async with CibaClient(registered, notifications=receiver, clock=clock) as opened:
        yield opened


def request_token(provider: ScriptedProvider) -> str:
    """The notification token of the last request."""
    *_, token = sent_tokens(provider)
    return token


async def test_a_push_brings_the_tokens_and_nothing_is_asked(
    client: CibaClient, provider: ScriptedProvider, clock: StandingClock, url: str
):
    """The waiting program gets them verified; the provider gets 204 (CIBA 10.3.1)."""
    async with client.authenticate(login_hint="alice") as asked:
        assert (asked.delivery_mode, asked.interval) == (TokenDeliveryMode.PUSH, None)
        waiting = asyncio.create_task(asked.tokens())
        await clock.asleep.wait()
        answer = await notify(url, request_token(provider), push(provider))
        assert (answer.status_code, answer.content) == (204, b"")
        tokens = await waiting
    assert tokens.id_token.sub == "alice"
    assert (tokens.access_token, tokens.refresh_token) == (ACCESS_TOKEN, REFRESH_TOKEN)
    assert provider.poll_times() == []


async def test_a_push_before_anybody_waits_is_not_lost(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """The program may do something else first; the only event is the last one."""
    async with client.authenticate(login_hint="alice") as asked:
        assert (await notify(url, request_token(provider), push(provider))).status_code == 204
        events = [event async for event in asked.events()]
        assert events == [TokensReceived(await asked.tokens())]


async def test_a_push_may_lack_a_refresh_token(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """Then nothing is said of one."""
    body = push(
        provider, refresh_token=None, id_token=bound_id_token(provider, **{RT_HASH_CLAIM: None})
    )
    async with client.authenticate(login_hint="alice") as asked:
        assert (await notify(url, request_token(provider), body)).status_code == 204
        assert (await asked.tokens()).refresh_token is None


@pytest.mark.clause("ciba-7.3-8")
async def test_members_that_mean_nothing_are_passed_over(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """A provider may say more than it must, at the start and in a push."""
    provider.script("/bc-authorize", Answer(provider.acknowledgement(more={"a": 1})))
    async with client.authenticate(login_hint="alice") as asked:
        body = push(provider, more=[1, {"a": None}], expires_in=77)
        assert (await notify(url, request_token(provider), body)).status_code == 204
        assert (await asked.tokens()).expires_in == 77


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("access_denied", AccessDenied),
        ("expired_token", Expired),
        ("transaction_failed", TransactionFailed),
        ("of_tomorrow", TransactionFailed),
    ],
)
async def test_an_error_is_pushed_as_well(
    client: CibaClient,
    provider: ScriptedProvider,
    url: str,
    code: str,
    kind: type[TransactionEnded],
):
    """CIBA 12: it is raised to whoever waits, fit to be printed."""
    body = ping(error=code, error_description="No.\n")
    async with client.authenticate(login_hint="alice") as asked:
        assert (await notify(url, request_token(provider), body)).status_code == 204
        with pytest.raises(TransactionEnded, match=code) as caught:
            await asked.tokens()
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.status) == (code, None)
    assert caught.value.description == "No.?"
    assert provider.poll_times() == []


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"at_hash": None}, "does not say to which access token"),
        ({"at_hash": at_hash("another")}, "another access token"),
        ({RT_HASH_CLAIM: None}, "does not say to which refresh token"),
        ({RT_HASH_CLAIM: at_hash("another")}, "another refresh token"),
        ({RT_HASH_CLAIM: at_hash(ACCESS_TOKEN)}, "another refresh token"),
        ({AUTH_REQ_ID_CLAIM: None}, "does not say to which authentication request"),
        ({AUTH_REQ_ID_CLAIM: "another"}, "another authentication request"),
        ({"aud": "another"}, "another client"),
        ({"exp": 1}, "expired"),
        ({"acr": "weak"}, "required level"),
    ],
)
@pytest.mark.clause("ciba-7.4-1")
async def test_tokens_that_are_not_tied_together_are_not_used(
    client: CibaClient,
    provider: ScriptedProvider,
    url: str,
    claims: dict[str, object],
    message: str,
):
    """CIBA 10.3.1: whoever waits hears why, and the provider that they were not taken."""
    body = push(provider, id_token=bound_id_token(provider, **claims))
    request = client.authenticate(login_hint="alice", required_acr=["urn:openbanking:psd2:sca"])
    async with request as asked:
        token = request_token(provider)
        answers = [await notify(url, token, body) for _ in range(2)]
        assert [said(answer) for answer in answers] == [said(answers[0])] * 2
        assert answers[0].status_code == 400
        assert (await notify(url, token, push(provider))).status_code == 409
        with pytest.raises(InvalidIdToken, match=message):
            await asked.tokens()


async def test_a_refresh_token_that_was_taken_out_is_missed(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """The ID token speaks of one that did not come."""
    async with client.authenticate(login_hint="alice") as asked:
        await notify(url, request_token(provider), push(provider, refresh_token=None))
        with pytest.raises(InvalidIdToken, match="another refresh token"):
            await asked.tokens()


@pytest.mark.parametrize(
    "changes",
    [
        {"id_token": None},
        {"access_token": None},
        {"access_token": 7},
        {"token_type": None},
        {"token_type": "DPoP"},
        {"expires_in": -1},
        {"error": "access_denied"},
        {"error": ""},
        {"error": 7},
    ],
)
async def test_a_push_that_is_neither_tokens_nor_an_error_ends_the_wait(
    client: CibaClient, provider: ScriptedProvider, url: str, changes: dict[str, object]
):
    """It came from whoever knows token and id: nothing better is to be expected."""
    async with client.authenticate(login_hint="alice") as asked:
        body = push(provider, **changes)
        assert (await notify(url, request_token(provider), body)).status_code == 400
        with pytest.raises(InvalidProviderResponse):
            await asked.tokens()


@pytest.mark.clause("ciba-10.2-7")
async def test_a_stranger_s_push_changes_nothing(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """Unknown token, or the id of another request: 401, and the true push is still taken."""
    async with client.authenticate(login_hint="alice") as asked:
        token, body = request_token(provider), push(provider)
        answers = [
            await notify(url, "x" * 43, body),
            await notify(url, token, push(provider, auth_req_id="another")),
            await notify(url, "x" * 43, b'{"auth_req_id": "another", "error": "access_denied"}'),
        ]
        assert [said(answer) for answer in answers] == [said(answers[0])] * 3
        assert answers[0].status_code == 401
        assert (await notify(url, token, body)).status_code == 204
        assert (await asked.tokens()).access_token == ACCESS_TOKEN


async def test_the_same_push_again_gets_the_same_answer(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """Byte for byte or only in what it says, during the request and after; the result stays."""
    body = push(provider)
    same = json.dumps({**json.loads(body), "expires_in": 12}, indent=1).encode()
    async with client.authenticate(login_hint="alice") as asked:
        token = request_token(provider)
        for again in (body, body, same):
            assert (await notify(url, token, again)).status_code == 204
        tokens = await asked.tokens()
    for again in (body, same):
        assert (await notify(url, token, again)).status_code == 204
    assert (tokens.expires_in, await asked.tokens()) == (300, tokens)


async def test_another_push_changes_nothing_of_what_is_settled(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """Other tokens, or an error: refused as a conflict, during the request and after."""
    others = [
        push(provider, refresh_token="another"),
        push(provider, access_token="another"),
        push(provider, id_token=bound_id_token(provider)),  # signed anew
        ping(error="access_denied"),
    ]
    async with client.authenticate(login_hint="alice") as asked:
        token = request_token(provider)
        assert (await notify(url, token, push(provider))).status_code == 204
        assert {(await notify(url, token, other)).status_code for other in others} == {409}
        assert (await asked.tokens()).access_token == ACCESS_TOKEN
    assert {(await notify(url, token, other)).status_code for other in others} == {409}


async def test_two_pushes_at_once_are_verified_once(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """Both are acknowledged, and one result comes of them."""
    body = push(provider)
    async with client.authenticate(login_hint="alice") as asked:
        token = request_token(provider)
        answers = await asyncio.gather(*(notify(url, token, body) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {204}
        assert (await asked.tokens()).access_token == ACCESS_TOKEN


async def test_a_push_that_overtakes_the_acknowledgement_waits_for_it(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """The phone may be faster than the answer to the request."""
    loop, body, pushing = asyncio.get_running_loop(), push(provider), []

    def send_push() -> None:
        if provider.received[-1].path == "/bc-authorize":
            sending = notify(url, request_token(provider), body)
            pushing.append(asyncio.run_coroutine_threadsafe(sending, loop))

    provider.on_arrival = send_push
    async with client.authenticate(login_hint="alice") as asked:
        assert (await asked.tokens()).access_token == ACCESS_TOKEN
    (answer,) = await asyncio.gather(*map(asyncio.wrap_future, pushing))
    assert answer.status_code == 204


async def test_a_ping_to_a_push_client_is_refused(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """CIBA 10: one mode, the registered one; whoever waits goes on."""
    async with client.authenticate(login_hint="alice") as asked:
        token = request_token(provider)
        answer = await notify(url, token)
        assert answer.status_code == 400
        assert "ping" in answer.json()["error_description"]
        asked.pinged()
        assert (await notify(url, token, push(provider))).status_code == 204
        await asked.tokens()
    assert provider.poll_times() == []


@pytest.mark.clause("ciba-7.4-2")
async def test_a_push_that_never_comes_ends_with_the_time(
    registered: ClientConfiguration, provider: ScriptedProvider, receiver: NotificationReceiver
):
    """A minute after the expiry: one may still have been on its way. No poll is sent."""
    async with (
        CibaClient(registered, notifications=receiver, clock=provider.clock) as client,
        client.authenticate(login_hint="alice") as asked,
    ):
        for _ in range(2):
            with pytest.raises(Expired, match="no push came in time"):
                await asked.tokens()
        assert provider.clock.elapsed == 240
    assert provider.poll_times() == []


async def test_a_push_of_what_is_over_is_told_so(
    client: CibaClient, provider: ScriptedProvider, clock: StandingClock, url: str
):
    """Waited for too long, or left: the provider learns that nobody has the tokens."""
    body = push(provider)
    async with client.authenticate(login_hint="alice") as asked:
        token = request_token(provider)
        clock.elapsed = 240
        with pytest.raises(Expired):
            await asked.tokens()
        assert (await notify(url, token, body)).status_code == 410
    async with client.authenticate(login_hint="alice") as left:
        pass
    assert (await notify(url, request_token(provider), body)).status_code == 410
    with pytest.raises(CibaClientError, match="left before its end"):
        await left.tokens()


async def test_leaving_releases_who_waits_for_a_push(client: CibaClient, clock: StandingClock):
    """At once, and no task is left behind."""
    before = asyncio.all_tasks()
    async with client.authenticate(login_hint="alice") as asked:
        waiting = [asyncio.create_task(asked.tokens()) for _ in range(2)]
        await clock.asleep.wait()
    for task in waiting:
        with pytest.raises(CibaClientError, match="left before its end"):
            await task
    assert asyncio.all_tasks() == before


async def test_all_who_wait_get_the_tokens(
    client: CibaClient, provider: ScriptedProvider, clock: StandingClock, url: str
):
    """However many they are."""
    async with client.authenticate(login_hint="alice") as asked:
        waiting = [asyncio.create_task(asked.tokens()) for _ in range(3)]
        await clock.asleep.wait()
        await notify(url, request_token(provider), push(provider))
        first, *others = await asyncio.gather(*waiting)
    assert others == [first, first]


async def test_a_push_that_cannot_be_verified_now_may_come_again(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """A new key, and no answer where it is published: 503, and nothing is lost."""
    body = push(provider)
    provider.script("/jwks", Answer({"keys": []}), Answer(b"", 503))
    async with client.authenticate(login_hint="alice") as asked:
        token = request_token(provider)
        answer = await notify(url, token, body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        provider.script("/jwks", Answer({"keys": [provider.key.as_dict(private=False)]}))
        assert (await notify(url, token, body)).status_code == 204
        assert (await asked.tokens()).access_token == ACCESS_TOKEN


async def test_a_push_that_is_verified_while_the_program_leaves_is_told_so(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """Nobody has its tokens, and the provider knows."""
    body, reached, go_on = push(provider), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold_the_keys() -> None:
        if provider.received[-1].path == "/jwks" and len(provider.requests_to("/jwks")) > 1:
            loop.call_soon_threadsafe(reached.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)

    provider.script(
        "/jwks", Answer({"keys": []}), Answer({"keys": [provider.key.as_dict(private=False)]})
    )
    provider.on_arrival = hold_the_keys
    async with client.authenticate(login_hint="alice"):
        pushing = asyncio.create_task(notify(url, request_token(provider), body))
        await reached.wait()
    go_on.set()
    assert (await pushing).status_code == 410


async def test_a_token_may_be_given_where_pushes_arrive_elsewhere(
    registered: ClientConfiguration, provider: ScriptedProvider, clock: StandingClock
):
    """The program itself hands over what came; the first one counts."""
    async with (
        CibaClient(registered, clock=clock) as client,
        client.authenticate(login_hint="alice", client_notification_token="given-" * 8) as asked,
    ):
        assert request_token(provider) == "given-" * 8
        await asked.pushed(push(provider))
        await asked.pushed(push(provider, access_token="another"))
        assert (await asked.tokens()).access_token == ACCESS_TOKEN


async def test_what_is_handed_over_must_be_of_this_request(
    registered: ClientConfiguration, provider: ScriptedProvider, clock: StandingClock
):
    """And be usable; whatever comes later is too late."""
    async with (
        CibaClient(registered, clock=clock) as client,
        client.authenticate(login_hint="alice", client_notification_token="given-" * 8) as asked,
    ):
        with pytest.raises(InvalidProviderResponse, match="another request"):
            await asked.pushed(push(provider, auth_req_id="another"))
        with pytest.raises(InvalidProviderResponse, match="another request"):
            await asked.pushed(push(provider))
        with pytest.raises(InvalidProviderResponse, match="another request"):
            await asked.tokens()


async def test_keys_that_are_away_leave_what_is_handed_over_open(
    registered: ClientConfiguration, provider: ScriptedProvider, clock: StandingClock
):
    """It may be handed over again."""
    provider.script("/jwks", Answer({"keys": []}), Answer(b"", 503))
    async with (
        CibaClient(registered, clock=clock) as client,
        client.authenticate(login_hint="alice", client_notification_token="given-" * 8) as asked,
    ):
        with pytest.raises(ProviderUnavailable):
            await asked.pushed(push(provider))
        provider.script("/jwks", Answer({"keys": [provider.key.as_dict(private=False)]}))
        await asked.pushed(push(provider))
        await asked.tokens()


async def test_a_client_that_polls_takes_no_push(
    configuration: ClientConfiguration, provider: ScriptedProvider, clock: FakeClock
):
    """Nor one that is pinged: it asks for its tokens itself."""
    async with (
        CibaClient(configuration, clock=clock) as client,
        client.authenticate(login_hint="alice") as asked,
    ):
        with pytest.raises(InvalidProviderResponse, match="without push mode"):
            await asked.pushed(push(provider))


async def test_a_push_client_cannot_resume(client: CibaClient):
    """It may not poll, and the token of its notifications is gone."""
    with pytest.raises(ConfigurationError, match="cannot poll"):
        async with client.resume(AuthReqId("kept"), expires_in=60):
            raise AssertionError


@pytest.mark.parametrize("mode", [TokenDeliveryMode.PUSH, TokenDeliveryMode.PING])
async def test_a_client_without_an_ear_is_told_so(
    configuration: ClientConfiguration, provider: ScriptedProvider, mode: TokenDeliveryMode
):
    """Before anything is sent."""
    deaf = replace(configuration, backchannel_token_delivery_mode=mode)
    async with CibaClient(deaf, clock=provider.clock) as client:
        with pytest.raises(InvalidAuthenticationRequest, match=f"{mode} needs a receiver"):
            async with client.authenticate(login_hint="alice"):
                raise AssertionError
    assert provider.received == []


async def test_a_client_registered_for_poll_has_no_receiver(
    configuration: ClientConfiguration, receiver: NotificationReceiver
):
    """Nothing would ever come."""
    polling = replace(configuration, backchannel_token_delivery_mode=TokenDeliveryMode.POLL)
    with pytest.raises(ConfigurationError, match="registered for poll"):
        CibaClient(polling, notifications=receiver)


async def test_a_refused_request_expects_no_push(
    client: CibaClient, provider: ScriptedProvider, url: str
):
    """Its token is worth nothing."""
    provider.script("/bc-authorize", refusal("unknown_user_id"))
    with pytest.raises(CibaClientError):
        async with client.authenticate(login_hint="alice"):
            raise AssertionError
    answer = await notify(url, request_token(provider), push(provider))
    assert answer.status_code == 401
    assert [request.path for request in provider.received][:1] == [DISCOVERY]
