"""``ciba-client listen``: what it shows of a notification, and how it behaves to a provider."""

import asyncio
import base64
import hashlib
import io
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx2
import pytest

from ciba_client import SystemClock
from ciba_client.client_file import UnusableInput
from ciba_client.hostile import EndpointAnswer
from ciba_client.listen import listen
from ciba_client.listener import ListeningAddress, parse_listening_address
from ciba_client.report import Report
from tests.unit.ciba_client.notifications.notifying import (
    AUTH_REQ_ID_CLAIM,
    REFRESH_TOKEN,
    notify,
    ping,
    push,
)
from tests.unit.ciba_client.scripted_provider import ACCESS_TOKEN, AUTH_REQ_ID, ScriptedProvider

TOKEN = "notification-token-0123456789"
NAME = base64.urlsafe_b64encode(hashlib.sha256(AUTH_REQ_ID.encode()).digest()[:16]).decode()[:22]


class Spoken(io.StringIO):
    """Where the command writes; its first line can be awaited."""

    def __init__(self) -> None:
        super().__init__()
        self.spoken = asyncio.Event()

    def flush(self) -> None:
        """A line is complete."""
        self.spoken.set()


class Listening:
    """A running ``listen``: where it is, and what it has printed."""

    def __init__(self, url: str, out: Spoken, task: asyncio.Task[None]) -> None:
        self.url = url
        self.out = out
        self.task = task

    @property
    def text(self) -> str:
        """All of standard output."""
        return self.out.getvalue()

    @property
    def lines(self) -> list[dict[str, object]]:
        """What it has told machines, without the times."""
        told = [json.loads(line) for line in self.text.splitlines()]
        assert all(line.pop("seconds") >= 0 for line in told)
        return told


@asynccontextmanager
async def running(
    *answers: EndpointAnswer,
    count: int | None = None,
    as_json: bool = True,
    show_tokens: bool = False,
) -> AsyncIterator[Listening]:
    """The command, until the end of the block or after ``count`` notifications."""
    out, err = Spoken(), Spoken()
    report = Report(
        stdout=out, stderr=err, clock=SystemClock(), as_json=as_json, show_tokens=show_tokens
    )
    address = ListeningAddress("127.0.0.1", 0)
    task = asyncio.create_task(listen(address, answers=answers, count=count, report=report))
    try:
        await err.spoken.wait()
        yield Listening(err.getvalue().split()[-1], out, task)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_notification_is_shown_without_its_secrets_and_answered():
    """By the name that the service gives the transaction; the second is the second."""
    async with running() as command:
        for _ in range(2):
            assert (await notify(command.url, TOKEN)).status_code == 204
    common = {"transaction_id": NAME, "problem": None, "answered": "204"}
    assert command.lines == [{**common, "attempt": 1}, {**common, "attempt": 2}]
    assert TOKEN not in command.text
    assert AUTH_REQ_ID not in command.text


async def test_people_get_a_line_for_each():
    """When, which, for the how manieth time, and the answer."""
    async with running(as_json=False) as command:
        await notify(command.url, TOKEN)
        await notify(command.url, TOKEN, b"{}")
    first, second = (line.split(" s  ")[1] for line in command.text.splitlines())
    assert first == f"notification 1 of {NAME}, answer 204"
    assert second == (
        "no notification (the notification is not a JSON object with an auth_req_id), answer 400"
    )


async def test_what_is_wrong_is_said_and_refused():
    """To the provider as well as to whoever looks on."""
    async with running() as command:
        answers = [
            await notify(command.url, TOKEN, method="GET"),
            await notify(command.url, TOKEN, headers={"content-type": "application/json"}),
        ]
    assert [answer.status_code for answer in answers] == [405, 401]
    assert [line["answered"] for line in command.lines] == ["405", "401"]
    for line, answer in zip(command.lines, answers, strict=True):
        assert line["problem"] == answer.json()["error_description"]
    assert [line["transaction_id"] for line in command.lines] == [None, None]


async def test_a_push_is_shown_decoded_and_without_its_secrets(provider: ScriptedProvider):
    """Claims and what is no token as they came; a token that is none of ours is only named."""
    body = push(provider, authorization_details=[{"type": "t"}], more="unknown")
    async with running() as command:
        assert (await notify(command.url, TOKEN, body)).status_code == 204
    [line] = command.lines
    shown = line.pop("push")
    assert line == {"transaction_id": NAME, "attempt": 1, "problem": None, "answered": "204"}
    claims = shown.pop("id_token")["claims"]
    assert (claims["sub"], claims[AUTH_REQ_ID_CLAIM]) == ("alice", "(hidden)")
    assert shown == {
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "openid",
        "authorization_details": [{"type": "t"}],
        "access_token": {"opaque": True},
        "refresh_token": {"opaque": True},
    }
    for secret in (AUTH_REQ_ID, ACCESS_TOKEN, REFRESH_TOKEN, TOKEN, "eyJ", "unknown"):
        assert secret not in command.text


async def test_pushed_tokens_are_shown_on_request(provider: ScriptedProvider):
    """Beside what is in them."""
    async with running(show_tokens=True) as command:
        await notify(command.url, TOKEN, push(provider))
    [line] = command.lines
    shown = line["push"]
    assert shown["access_token"] == {"opaque": True, "token": ACCESS_TOKEN}
    assert shown["id_token"]["claims"][AUTH_REQ_ID_CLAIM] == AUTH_REQ_ID
    assert shown["id_token"]["token"].startswith("eyJ")


async def test_people_see_what_was_pushed_below_its_line():
    """A denial, and a misbehaving endpoint's answer to it."""
    async with running(EndpointAnswer.SERVER_ERROR, as_json=False) as command:
        await notify(command.url, TOKEN, ping(error="access_denied", error_description="No."))
    first, *rest = command.text.splitlines()
    assert first.endswith(f"push 1 of {NAME}, answer 500")
    assert json.loads("".join(rest)) == {
        "error": "access_denied",
        "error_description": "No.",
    }


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (7, "no token: not a string"),
        ("", {"opaque": True}),
        ("a.b", {"opaque": True}),
        ("a.b.c", {"opaque": True}),
        ("a.!!.c", {"opaque": True}),
        ("a.bnVsbA.c", {"opaque": True}),
        ("a.e30.c", {"claims": {}}),
        (f"a.{'W1td' * 3}.c", {"opaque": True}),
    ],
)
async def test_whatever_is_pushed_is_shown(token: object, shown: object):
    """Nothing that is no JWT makes the command stumble."""
    async with running() as command:
        assert (await notify(command.url, TOKEN, ping(id_token=token))).status_code == 204
    assert command.lines[0]["push"] == {"id_token": shown}


async def test_a_push_that_cannot_be_read_is_shown_as_such():
    """Its name could be read, the rest not."""
    body = b'{"auth_req_id": "x", "error": "x", "more": 1e999}'
    async with running() as command:
        assert (await notify(command.url, TOKEN, body)).status_code == 204
    assert command.lines[0]["push"] == {"malformed": True}


@pytest.mark.parametrize(
    ("answer", "header"),
    [
        (EndpointAnswer.OK_WITH_BODY, None),
        (EndpointAnswer.NO_CONTENT, None),
        (EndpointAnswer.REDIRECT, "location"),
        (EndpointAnswer.UNAUTHORIZED, "www-authenticate"),
        (EndpointAnswer.FORBIDDEN, None),
        (EndpointAnswer.TOO_MANY, "retry-after"),
        (EndpointAnswer.SERVER_ERROR, None),
    ],
)
async def test_it_answers_as_told(answer: EndpointAnswer, header: str | None):
    """Each status with what belongs to it, and a body to be ignored where there may be one."""
    async with running(answer) as command:
        said = await notify(command.url, TOKEN)
    assert said.status_code == int(answer[:3])
    assert bool(said.content) is (answer is not EndpointAnswer.NO_CONTENT)
    assert header is None or header in said.headers
    assert [line["answered"] for line in command.lines] == [answer]


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_reset_is_a_reset(method: str):
    """The connection breaks under the provider, whatever it has sent."""
    async with running(EndpointAnswer.RESET) as command:
        with pytest.raises(httpx2.ReadError) as caught:
            await notify(command.url, TOKEN, method=method)
    assert isinstance(deepest(caught.value), ConnectionResetError)


def deepest(error: BaseException) -> BaseException:
    """What a library's error was made of."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


async def test_nothing_is_nothing_until_the_command_ends():
    """The provider waits as long as it likes; the end of the command is not held up."""
    async with running(EndpointAnswer.NOTHING, as_json=True) as command:
        waiting = asyncio.create_task(notify(command.url, TOKEN))
        await command.out.spoken.wait()
        assert not waiting.done()
    with pytest.raises(httpx2.RemoteProtocolError):
        await waiting


async def test_who_gives_up_on_a_silent_endpoint_is_let_go():
    """And the next one is served."""
    async with running(EndpointAnswer.NOTHING, EndpointAnswer.NO_CONTENT, count=2) as command:
        waiting = asyncio.create_task(notify(command.url, TOKEN))
        await command.out.spoken.wait()
        waiting.cancel()
        await asyncio.wait({waiting})
        assert (await notify(command.url, TOKEN)).status_code == 204
        await command.task


async def test_answers_are_given_in_turn_and_the_last_for_good():
    """So that what comes after a failure can be seen."""
    answers = [EndpointAnswer.SERVER_ERROR, EndpointAnswer.TOO_MANY, EndpointAnswer.NO_CONTENT]
    async with running(*answers, count=4) as command:
        said = [(await notify(command.url, TOKEN)).status_code for _ in range(4)]
        await command.task
    assert said == [500, 429, 204, 204]
    assert [line["attempt"] for line in command.lines] == [1, 2, 3, 4]


async def test_attempts_are_counted_in_bounded_memory(monkeypatch: pytest.MonkeyPatch):
    """Counting begins anew when too many different ones have come."""
    monkeypatch.setattr("ciba_client.listen._MOST_REMEMBERED", 2)
    async with running() as command:
        for name in ("one", "two", "two", "three", "two"):
            await notify(command.url, TOKEN, ping(name))
    assert [line["attempt"] for line in command.lines] == [1, 1, 2, 1, 1]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_followed_redirect_is_noticed(method: str):
    """A provider must not follow it (CIBA 10.2)."""
    async with running(EndpointAnswer.REDIRECT) as command:
        target = (await notify(command.url, TOKEN)).headers["location"]
        await notify(command.url + target, TOKEN, method=method)
    first, second = command.lines
    assert first["problem"] is None
    assert second["problem"] == "a redirect was followed, which a provider must not do"


async def test_who_leaves_in_the_middle_is_not_counted():
    """It was no notification."""
    async with running(count=1) as command:
        address = httpx2.URL(command.url)
        _, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"authorization: Bearer x\r\ncontent-length: 9\r\n\r\n{"
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await notify(command.url, TOKEN)).status_code == 204
        await command.task
    assert len(command.lines) == 1


async def test_a_port_that_is_taken_is_said():
    """With a sentence."""
    async with running() as command:
        address = parse_listening_address(command.url.removeprefix("http://"))
        report = Report(
            stdout=io.StringIO(),
            stderr=io.StringIO(),
            clock=SystemClock(),
            as_json=False,
            show_tokens=False,
        )
        with pytest.raises(UnusableInput, match="cannot be opened"):
            await listen(address, answers=[], count=None, report=report)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9090", ("127.0.0.1", 9090)),
        ("127.0.0.2:1", ("127.0.0.2", 1)),
        ("localhost:0", ("127.0.0.1", 0)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_addresses_of_this_computer(text: str, address: tuple[str, int]):
    """With a port."""
    assert parse_listening_address(text) == ListeningAddress(*address)


@pytest.mark.parametrize(
    "text", ["", "9090", ":9090", "0.0.0.0:1", "[::]:1", "10.0.0.1:1", "op.example:1",
             "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:²"],
)  # fmt: skip
def test_other_addresses_are_refused(text: str):
    """Nobody outside this computer is listened to."""
    with pytest.raises(ValueError, match=r"must|address"):
        parse_listening_address(text)


async def test_the_command_itself_listens_until_it_is_interrupted():
    """A process of its own, ended by Ctrl-C without a trace."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "import sys; from ciba_client.cli import main; sys.exit(main())"),
        *("listen", "--listen", "127.0.0.1:0", "--answer", "403", "--answer", "nothing", "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    url = (await process.stderr.readline()).decode().split()[-1]
    assert (await notify(url, TOKEN)).status_code == 403
    silent = asyncio.create_task(notify(url, TOKEN))
    lines = [json.loads(await process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    with pytest.raises(httpx2.HTTPError):
        await silent
    assert [line["answered"] for line in lines] == ["403", "nothing"]
    assert (process.returncode, out, err) == (130, b"", b"ciba-client: interrupted\n")
