"""The client notification endpoint, over real sockets: what it takes, and what it refuses."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from ciba_client import AuthReqId, NotificationReceiver, TokenDeliveryMode
from ciba_client.listener import ListeningAddress, listening
from ciba_client.sdk.notifications.expected import ExpectedNotification, ExpectedNotifications
from ciba_client.sdk.notifications.message import (
    Notification,
    NotificationRefused,
    Refusal,
)
from ciba_client.sdk.notifications.token import is_notification_token, new_notification_token
from tests.unit.ciba_client.notifications.notifying import Observed, headers_of, notify, ping, said
from tests.unit.ciba_client.scripted_provider import AUTH_REQ_ID

PING = TokenDeliveryMode.PING
ANYWHERE = ListeningAddress("127.0.0.1", 0)
NESTED = b'{"auth_req_id": ' + b"[" * 8000 + b"]" * 8000 + b"}"


class Arrivals(list[str]):
    """Which request was told of a notification, in order."""

    def at(self, name: str) -> "Told":
        """Whoever waits for the notifications of one request."""
        return Told(self, name)


@dataclass
class Told:
    """Takes notifications as a pending authentication does."""

    arrivals: list[str]
    name: str

    def pinged(self) -> None:
        """A ping has come."""
        self.arrivals.append(self.name)

    async def pushed(self, body: bytes) -> None:
        """A push has come, which is JSON."""
        assert json.loads(body)["auth_req_id"] == AUTH_REQ_ID
        self.arrivals.append(self.name)


@pytest.fixture
def receiver() -> NotificationReceiver:
    """A receiver with ordinary patience."""
    return NotificationReceiver()


@pytest.fixture
async def url(receiver: NotificationReceiver) -> AsyncIterator[str]:
    """Where it listens."""
    async with listening(receiver, ANYWHERE) as url:
        yield url


@pytest.fixture
def arrivals() -> Arrivals:
    """Nothing has arrived yet."""
    return Arrivals()


@pytest.fixture
def expected(receiver: NotificationReceiver, arrivals: Arrivals):
    """A request that is acknowledged, whose notification may come."""
    with receiver.expecting(PING) as expected:
        expected.belongs_to(AuthReqId(AUTH_REQ_ID), arrivals.at("first"))
        yield expected


async def test_a_ping_is_answered_with_204_and_nothing_else(
    url: str, expected: ExpectedNotification, arrivals: Arrivals
):
    """CIBA 10.2: no content; whoever waits is told."""
    answer = await notify(url, expected.token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert arrivals == ["first"]


@pytest.mark.parametrize(
    "changes",
    [
        {"authorization": "bEARER {token}"},
        {"content-type": "application/json; charset=utf-8"},
        {"content-type": "Application/JSON"},
    ],
)
async def test_spelling_that_means_the_same_is_taken(
    url: str, expected: ExpectedNotification, arrivals: Arrivals, changes: dict[str, str]
):
    """Scheme and media type have no case (RFC 9110 11.1, 8.3.1)."""
    given = {name: value.format(token=expected.token) for name, value in changes.items()}
    answer = await notify(url, expected.token, headers=headers_of(expected.token, **given))
    assert answer.status_code == 204
    assert arrivals == ["first"]


async def test_members_that_mean_nothing_are_passed_over(
    url: str, expected: ExpectedNotification, arrivals: Arrivals
):
    """A provider may say more than it must."""
    assert (await notify(url, expected.token, ping(hint="x"))).status_code == 204
    assert arrivals == ["first"]


@pytest.mark.clause("ciba-10.2-7")
async def test_a_token_that_does_not_belong_to_the_id_is_refused_without_a_reason(
    receiver: NotificationReceiver,
    url: str,
    expected: ExpectedNotification,
    arrivals: Arrivals,
):
    """Unknown token, another request's token, unknown id, no token: 401, byte for byte the same."""
    with receiver.expecting(PING) as other:
        other.belongs_to(AuthReqId("another"), arrivals.at("other"))
        answers = [
            await notify(url, "x" * 43),
            await notify(url, other.token),
            await notify(url, expected.token, ping("another")),
            await notify(url, expected.token, ping("unknown")),
            await notify(url, expected.token, headers={"content-type": "application/json"}),
        ]
    assert [said(answer) for answer in answers] == [said(answers[0])] * 5
    assert answers[0].status_code == 401
    assert answers[0].headers["www-authenticate"] == "Bearer"
    assert arrivals == []


@pytest.mark.parametrize(
    "values",
    [
        ["Basic {token}"],
        ["Bearer"],
        ["{token}"],
        ["Bearer  {token}"],
        ["Bearer {token} x"],
        ["Bearer {token}\xe9"],
        ["Bearer {token}", "Bearer {token}"],
        ["Bearer x", "Bearer {token}"],
    ],
)
async def test_only_one_bearer_token_is_one(
    url: str, expected: ExpectedNotification, arrivals: Arrivals, values: list[str]
):
    """Anything else is as good as none."""
    headers = [("authorization", value.format(token=expected.token)) for value in values]
    encoded = [(b"content-type", b"application/json")]
    encoded += [(name.encode(), value.encode("latin-1")) for name, value in headers]
    answer = await notify(url, "", headers=encoded)
    assert answer.status_code == 401
    assert arrivals == []


async def test_a_repeated_notification_gets_the_same_answer(
    receiver: NotificationReceiver, url: str, arrivals: Arrivals
):
    """While the request is open, and after it has ended."""
    with receiver.expecting(PING) as expected:
        expected.belongs_to(AuthReqId(AUTH_REQ_ID), arrivals.at("first"))
        answers = [await notify(url, expected.token) for _ in range(2)]
    told = list(arrivals)
    answers.append(await notify(url, expected.token))
    assert [said(answer) for answer in answers] == [said(answers[0])] * 3
    assert answers[0].status_code == 204
    assert arrivals == told
    assert (await notify(url, expected.token, ping("another"))).status_code == 401


async def test_a_notification_that_overtakes_the_acknowledgement_waits_for_it(
    receiver: NotificationReceiver, arrivals: Arrivals
):
    """The phone may be faster than the answer to the request."""
    observed = Observed(receiver)
    async with listening(observed, ANYWHERE) as url:
        with receiver.expecting(PING) as expected:
            sending = asyncio.create_task(notify(url, expected.token))
            await observed.has_read.wait()
            assert not sending.done()
            expected.belongs_to(AuthReqId(AUTH_REQ_ID), arrivals.at("first"))
            assert (await sending).status_code == 204
    assert arrivals == ["first"]


async def test_a_notification_of_a_request_that_was_refused_is_nobodys(
    receiver: NotificationReceiver,
):
    """There never was an acknowledgement."""
    observed = Observed(receiver)
    async with listening(observed, ANYWHERE) as url:
        with receiver.expecting(PING) as expected:
            sending = asyncio.create_task(notify(url, expected.token))
            await observed.has_read.wait()
        assert (await sending).status_code == 401
        assert (await notify(url, expected.token)).status_code == 401


async def test_no_notification_waits_for_ever():
    """The provider is asked to come again."""
    receiver = NotificationReceiver(timeout=0.01)
    async with listening(receiver, ANYWHERE) as url:
        with receiver.expecting(PING) as expected:
            answer = await notify(url, expected.token)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize(
    "members", [{"access_token": "a", "id_token": "b"}, {"error": "access_denied"}]
)
async def test_a_push_is_refused_by_name(
    url: str, expected: ExpectedNotification, arrivals: Arrivals, members: dict[str, object]
):
    """To the provider of the request; a stranger learns nothing."""
    answer = await notify(url, expected.token, ping(**members))
    assert answer.status_code == 400
    assert "push" in answer.json()["error_description"]
    assert (await notify(url, "x" * 43, ping(**members))).status_code == 401
    assert arrivals == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"[]", id="array"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="no-id"),
        pytest.param(ping(7), id="number"),
        pytest.param(ping(None), id="no-string"),
        pytest.param(ping(""), id="empty-id"),
        pytest.param(ping("x" * 5000), id="long-id"),
        pytest.param(b'{"auth_req_id": "\xff"}', id="no-utf-8"),
        pytest.param(rb'{"auth_req_id": "\ud800aaaaaa"}', id="half-a-character"),
        pytest.param(NESTED, id="nested"),
        pytest.param(b"auth_req_id=x", id="form"),
    ],
)
async def test_what_is_no_notification_is_refused(
    url: str, expected: ExpectedNotification, arrivals: Arrivals, content: bytes
):
    """With one constant text for all of it."""
    answer = await notify(url, expected.token, content)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_request",
        "error_description": Refusal.MALFORMED.text,
    }
    assert arrivals == []


json_values = st.sampled_from([AUTH_REQ_ID, "", "x", None, True, 7, -1e300, [], [[]], {}, {"a": 1}])
members = st.sampled_from(["auth_req_id", "access_token", "id_token", "error", "x"])
bodies = st.binary(max_size=200) | st.dictionaries(members, json_values).map(
    lambda value: json.dumps(value).encode()
)
header_values = st.binary(max_size=60) | st.sampled_from(
    [b"application/json", b"Bearer " + b"x" * 43, b"Bearer KNOWN"]
)
headers = st.lists(
    st.tuples(st.sampled_from([b"authorization", b"content-type"]), header_values), max_size=3
)


@settings(deadline=None)
@given(
    body=bodies,
    given_headers=headers,
    method=st.sampled_from(["POST", "POST", "GET"]),
    mode=st.sampled_from([PING, TokenDeliveryMode.PUSH]),
)
def test_whatever_is_sent_gets_an_answer_and_no_failure(
    body: bytes, given_headers: list[tuple[bytes, bytes]], method: str, mode: TokenDeliveryMode
):
    """Nothing but a notification is one, and nothing makes the receiver stumble."""
    statuses = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, object]) -> None:
        statuses.append(message.get("status"))

    async def exchange() -> None:
        receiver = NotificationReceiver()
        with receiver.expecting(mode) as expected:
            expected.belongs_to(AuthReqId(AUTH_REQ_ID), Told(statuses, "told"))
            known = [
                (name, value.replace(b"KNOWN", expected.token.encode()))
                for name, value in given_headers
            ]
            scope = {"type": "http", "method": method, "headers": known, "path": "/"}
            await receiver(scope, receive, send)

    asyncio.run(exchange())
    assert statuses[:2] == ["told", 204] or statuses[0] in {400, 401, 405, 415}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_another_method_is_refused(url: str, expected: ExpectedNotification, method: str):
    """A notification is a POST."""
    answer = await notify(url, expected.token, method=method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "types",
    [[], ["text/json"], ["application/jwt"], ["application/json", "application/json"]],
)
async def test_another_media_type_is_refused(
    url: str, expected: ExpectedNotification, types: list[str]
):
    """JSON only, said once."""
    headers = [("authorization", f"Bearer {expected.token}")]
    headers += [("content-type", value) for value in types]
    assert (await notify(url, expected.token, headers=headers)).status_code == 415


async def test_a_large_body_is_refused(url: str, expected: ExpectedNotification):
    """Announced or in pieces."""
    assert (await notify(url, expected.token, ping("x" * 70_000))).status_code == 413

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b" " * 1024

    async with httpx2.AsyncClient(trust_env=False) as http:
        headers = headers_of(expected.token)
        assert (await http.post(url, content=pieces(), headers=headers)).status_code == 413


async def send_half(url: str, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A notification that stops in its body."""
    address = httpx2.URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    lines = [f"{name}: {value}\r\n" for name, value in headers_of(token).items()]
    head = f"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n{''.join(lines)}\r\n"
    writer.write(head.encode() + b'{"auth')
    await writer.drain()
    return reader, writer


async def test_a_slow_body_is_refused():
    """Nobody holds a connection for long."""
    receiver = NotificationReceiver(timeout=0.05)
    async with listening(receiver, ANYWHERE) as url:
        reader, writer = await send_half(url, "x" * 43)
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        writer.close()
        await writer.wait_closed()


async def test_who_leaves_in_the_middle_breaks_nothing(
    receiver: NotificationReceiver,
    expected: ExpectedNotification,
    caplog: pytest.LogCaptureFixture,
):
    """No error, and the next one is served."""
    observed = Observed(receiver)
    async with listening(observed, ANYWHERE) as url:
        _, writer = await send_half(url, expected.token)
        writer.close()
        await writer.wait_closed()
        await observed.has_read.wait()
        assert (await notify(url, expected.token)).status_code == 204
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_it_can_be_mounted_in_an_application(
    receiver: NotificationReceiver, expected: ExpectedNotification
):
    """At any path, or below one."""
    app = Starlette(routes=[Route("/ciba/ping", receiver), Mount("/below", receiver)])
    async with listening(app, ANYWHERE) as url:
        assert (await notify(f"{url}/ciba/ping", expected.token)).status_code == 204
        assert (await notify(f"{url}/ciba/ping", "x", method="GET")).status_code == 405
        assert (await notify(f"{url}/below/ping", expected.token)).status_code == 204
        assert (await notify(f"{url}/elsewhere", expected.token)).status_code == 404


async def test_it_is_a_whole_application_too(receiver: NotificationReceiver):
    """It begins and ends as servers ask, and takes no WebSocket."""
    said: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, str]) -> None:
        said.append(message["type"])

    await receiver({"type": "lifespan"}, receive, send)
    await receiver({"type": "websocket"}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


async def test_what_is_over_is_forgotten_in_the_end():
    """The memory of ended requests is bounded; the newest stay."""
    notifications = ExpectedNotifications()
    tokens = []
    for _ in range(1025):
        with notifications.expecting(PING) as expected:
            expected.belongs_to(AuthReqId("x"), Told([], ""))
            tokens.append(expected.token)
    first, *rest = (Notification(token, "x") for token in tokens)
    with pytest.raises(NotificationRefused):
        await notifications.arrive(first, timeout_seconds=1)
    for notification in rest:
        await notifications.arrive(notification, timeout_seconds=1)


def test_nothing_secret_is_in_what_is_printed():
    """Neither token nor id."""
    with ExpectedNotifications().expecting(PING) as expected:
        expected.belongs_to(AuthReqId("the-id"), Told([], ""))
        notification = Notification(expected.token, "the-id")
        printed = repr(expected) + repr(notification)
    assert expected.token not in printed
    assert "the-id" not in printed


@pytest.mark.parametrize(
    ("token", "good"),
    [
        ("a" * 22, True),
        ("a" * 1024, True),
        ("aZ09-._~+/" * 3 + "==", True),
        ("a" * 21, False),
        ("a" * 1025, False),
        ("a" * 22 + " ", False),
        ("a" * 22 + "\n", False),
        ("é" * 22, False),
        ("=" * 22, False),
        ("a=" * 22, False),
    ],
)
def test_a_token_has_the_syntax_of_bearer_tokens(token: str, *, good: bool):
    """And room for 128 bits (CIBA 7.1)."""
    assert is_notification_token(token) is good
    assert is_notification_token(new_notification_token())
