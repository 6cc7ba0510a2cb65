"""Taking a request back: what is sent, what who waits hears, and what the answers mean."""

import asyncio

import httpx2
import pytest

from ciba_client import (
    AuthReqId,
    CancellationRefused,
    CibaClient,
    ClientConfiguration,
    InvalidProviderResponse,
    ProviderUnavailable,
    RequestCancelled,
    TransactionEnded,
    TransactionFailed,
)
from ciba_client.sdk.provider.addresses import cancel_address
from tests.unit.ciba_client.notifications.notifying import StandingClock
from tests.unit.ciba_client.scripted_provider import (
    AUTH_REQ_ID,
    Answer,
    ScriptedProvider,
    refusal,
)

CANCEL = "/bc-authorize/cancel"
SETTLED = refusal("request_settled", status=409)


async def test_a_request_is_cancelled_and_who_waits_hears_of_it(
    client: CibaClient, provider: ScriptedProvider
):
    """With the id and a fresh assertion; nothing is asked afterwards."""
    async with client.authenticate(login_hint="alice") as asked:
        assert await asked.cancel() is True
        for _ in range(2):
            with pytest.raises(RequestCancelled, match="this client has cancelled"):
                await asked.tokens()
    [request] = provider.requests_to(CANCEL)
    [started] = provider.requests_to("/bc-authorize")
    assert set(request.form) == {"auth_req_id", "client_assertion", "client_assertion_type"}
    assert request.form["auth_req_id"] == AUTH_REQ_ID
    assert request.form["client_assertion"] != started.form["client_assertion"]
    assert provider.poll_times() == []


async def test_cancelling_releases_who_waits(
    configuration: ClientConfiguration, provider: ScriptedProvider
):
    """At once, as an end of the transaction like any other."""
    provider.clock = clock = StandingClock()
    async with (
        CibaClient(configuration, clock=clock) as client,
        client.authenticate(login_hint="alice") as asked,
    ):
        waiting = asyncio.create_task(asked.tokens())
        await clock.asleep.wait()
        await asked.cancel()
        with pytest.raises(TransactionEnded) as caught:
            await waiting
    assert type(caught.value) is RequestCancelled


class PollFirst(httpx2.AsyncHTTPTransport):
    """Keeps the answer to a cancellation back until a poll was answered."""

    def __init__(self) -> None:
        super().__init__()
        self._polled = asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        response = await super().handle_async_request(request)
        match request.url.path:
            case "/token":
                self._polled.set()
            case "/bc-authorize/cancel":
                await self._polled.wait()
        return response


async def test_a_poll_that_hears_of_the_cancellation_first_tells_the_same(
    configuration: ClientConfiguration, provider: ScriptedProvider
):
    """A provider that holds polls answers them as it cancels, before who cancels is answered."""
    provider.script("/token", refusal("invalid_grant"))
    async with (
        CibaClient(configuration, clock=provider.clock, transport=PollFirst()) as client,
        client.authenticate(login_hint="alice") as asked,
    ):
        outcomes = await asyncio.gather(asked.tokens(), asked.cancel(), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [RequestCancelled, bool]
        with pytest.raises(RequestCancelled):
            await asked.tokens()


async def test_what_is_settled_stays_as_it_is(client: CibaClient, provider: ScriptedProvider):
    """It is no error: the decision was faster, and the tokens are still to be had."""
    provider.script(CANCEL, SETTLED)
    async with client.authenticate(login_hint="alice") as asked:
        assert await asked.cancel() is False
        assert (await asked.tokens()).id_token.sub == "alice"
        assert await asked.cancel() is False
        assert (await asked.tokens()).id_token.sub == "alice"


async def test_an_end_of_another_kind_is_not_called_a_cancellation(
    client: CibaClient, provider: ScriptedProvider
):
    """Where cancelling failed, or came too late."""
    provider.script(CANCEL, SETTLED)
    provider.script("/token", refusal("invalid_grant"))
    async with client.authenticate(login_hint="alice") as asked:
        await asked.cancel()
        with pytest.raises(TransactionFailed):
            await asked.tokens()


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (refusal("invalid_grant"), CancellationRefused, "not cancelled: invalid_grant"),
        (refusal("invalid_client", status=401), CancellationRefused, "invalid_client"),
        (Answer(b"<html>", 404), InvalidProviderResponse, "no endpoint for cancelling"),
        (Answer(b"", 405), InvalidProviderResponse, "no endpoint for cancelling"),
        (Answer(b"", 400), InvalidProviderResponse, "malformed"),
        (Answer(b"", 200), InvalidProviderResponse, "HTTP status 200"),
        (Answer(b"", 503, {"retry-after": "7"}), ProviderUnavailable, "HTTP status 503"),
    ],
)
async def test_a_cancellation_that_failed_is_an_error_and_changes_nothing(
    client: CibaClient,
    provider: ScriptedProvider,
    answer: Answer,
    error: type[Exception],
    message: str,
):
    """Each by its kind; it may be tried again, and the wait goes on."""
    provider.script(CANCEL, answer)
    async with client.authenticate(login_hint="alice") as asked:
        with pytest.raises(error, match=message):
            await asked.cancel()
        assert (await asked.tokens()).id_token.sub == "alice"


async def test_leaving_cancels_nothing(client: CibaClient, provider: ScriptedProvider):
    """Not even with an exception: another process may wait on."""
    with pytest.raises(ZeroDivisionError):
        async with client.authenticate(login_hint="alice"):
            raise ZeroDivisionError
    assert provider.requests_to(CANCEL) == []


async def test_what_was_started_elsewhere_can_be_cancelled(
    client: CibaClient, provider: ScriptedProvider
):
    """By its id alone, or while it is waited for."""
    assert await client.cancel(AuthReqId("kept")) is True
    async with client.resume(AuthReqId("also-kept"), expires_in=60) as asked:
        assert await asked.cancel() is True
    sent = [request.form["auth_req_id"] for request in provider.requests_to(CANCEL)]
    assert sent == ["kept", "also-kept"]


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("https://op.example/bc", "https://op.example/bc/cancel"),
        ("https://op.example/bc?tenant=1", "https://op.example/bc/cancel?tenant=1"),
    ],
)
def test_the_address_lies_below_the_endpoint_of_requests(endpoint: str, address: str):
    """A query of the endpoint stays one."""
    assert cancel_address(endpoint) == address
    assert httpx2.URL(address).path == "/bc/cancel"
