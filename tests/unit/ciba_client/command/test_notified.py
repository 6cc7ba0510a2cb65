"""``ciba-client start`` for a client that is registered for ping or push."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from joserfc.jwk import ECKey

from ciba_client.cli import main
from tests.ports import free_port
from tests.unit.ciba_client.notifications.notifying import (
    AUTH_REQ_ID_CLAIM,
    StandingClock,
    headers_of,
    ping,
    push,
)
from tests.unit.ciba_client.scripted_provider import (
    ACCESS_TOKEN,
    AUTH_REQ_ID,
    CLIENT_ID,
    Answer,
    FakeClock,
    ScriptedProvider,
    pending,
)

Run = Callable[..., tuple[int, str, str]]


class Pinging:
    """Has the scripted provider notify for each request, perhaps before it answers."""

    def __init__(self, provider: ScriptedProvider) -> None:
        self.statuses: list[int] = []
        self.url = ""
        self.body = ping()
        self._provider = provider
        self._threads: list[threading.Thread] = []
        provider.on_arrival = self._arrived

    def wait(self) -> None:
        """Until all pings are answered."""
        for thread in self._threads:
            thread.join()

    def _arrived(self) -> None:
        request = self._provider.received[-1]
        if request.path == "/bc-authorize":
            token = request.form["client_notification_token"]
            self._threads.append(threading.Thread(target=self._ping, args=[token]))
            self._threads[-1].start()

    def _ping(self, token: str) -> None:
        answer = httpx2.post(
            self.url, content=self.body, headers=headers_of(token), trust_env=False
        )
        self.statuses.append(answer.status_code)


@pytest.fixture
def pinging(provider: ScriptedProvider) -> Iterator[Pinging]:
    """The scripted provider pings."""
    pinging = Pinging(provider)
    yield pinging
    pinging.wait()


@pytest.fixture
def clock(provider: ScriptedProvider) -> FakeClock:
    """A clock that stands still: what happens is not a matter of time."""
    provider.clock = clock = StandingClock()
    return clock


@pytest.fixture
def run(
    clock: FakeClock,
    capsys: pytest.CaptureFixture[str],
    provider: ScriptedProvider,
    tmp_path: Path,
    client_jwk: ECKey,
) -> Run:
    """Run ``start`` with further lines in its file: exit status, standard output and error."""
    key = tmp_path / "client.jwk"
    key.write_text(json.dumps(client_jwk.as_dict(private=True)))
    key.chmod(0o600)

    def run(lines: str, *flags: str) -> tuple[int, str, str]:
        path = tmp_path / "client.toml"
        path.write_text(
            f'issuer = "{provider.issuer}"\nclient_id = "{CLIENT_ID}"\nkey = "client.jwk"\n'
            f"sign_requests = false\n{lines}\n"
        )
        status = main(["start", "--config", str(path), "--login-hint", "a", *flags], clock=clock)
        return status, *capsys.readouterr()

    return run


def registered(endpoint: str, mode: str = "ping") -> str:
    """The lines of a ping or push client's file."""
    return (
        f'backchannel_token_delivery_mode = "{mode}"\n'
        f'backchannel_client_notification_endpoint = "{endpoint}"'
    )


def test_a_ping_client_listens_where_it_is_registered(
    run: Run, provider: ScriptedProvider, pinging: Pinging
):
    """One token request, at the ping; no secret is printed."""
    pinging.url = f"http://127.0.0.1:{free_port()}/ping"
    status, out, err = run(registered(pinging.url), "--wait")
    pinging.wait()
    assert (status, pinging.statuses) == (0, [204])
    assert json.loads(out)["sub"] == "alice"
    assert provider.poll_times() == [0]
    assert [line.split(" s  ")[1] for line in err.splitlines()] == [
        f"listening for notifications at {pinging.url.removesuffix('/ping')}",
        "the user is being asked: 180 s to decide, the provider will notify",
        "notified: the decision is there",
        "tokens received, the ID token is verified",
    ]
    [request] = provider.requests_to("/bc-authorize")
    for secret in (AUTH_REQ_ID, request.form["client_notification_token"]):
        assert secret not in out + err


def test_a_push_client_is_given_its_tokens_and_never_asks(
    run: Run, provider: ScriptedProvider, pinging: Pinging
):
    """They are verified, and no secret is printed: the name of the request is one, too."""
    pinging.url = f"http://127.0.0.1:{free_port()}/push"
    pinging.body = push(provider)
    status, out, err = run(registered(pinging.url, "push"), "--wait")
    pinging.wait()
    assert (status, pinging.statuses) == (0, [204])
    claims = json.loads(out)
    assert (claims["sub"], claims[AUTH_REQ_ID_CLAIM]) == ("alice", "(hidden)")
    assert provider.poll_times() == []
    assert [line.split(" s  ")[1] for line in err.splitlines()][1:] == [
        "the user is being asked: 180 s to decide, the provider will push the outcome",
        "tokens received, the ID token is verified",
    ]
    [request] = provider.requests_to("/bc-authorize")
    secrets = (AUTH_REQ_ID, request.form["client_notification_token"], ACCESS_TOKEN, "eyJ")
    assert not [secret for secret in secrets if secret in out + err]


def test_tokens_that_were_pushed_are_printed_on_request(
    run: Run, provider: ScriptedProvider, pinging: Pinging
):
    """And the claims as they are."""
    pinging.url = f"http://127.0.0.1:{free_port()}/push"
    pinging.body = push(provider)
    status, out, _ = run(registered(pinging.url, "push"), "--wait", "--show-tokens")
    shown = json.loads(out)
    assert (status, shown["access_token"]) == (0, ACCESS_TOKEN)
    assert shown["id_token_claims"][AUTH_REQ_ID_CLAIM] == AUTH_REQ_ID


def test_a_pushed_denial_ends_with_1(run: Run, provider: ScriptedProvider, pinging: Pinging):
    """As a polled one does."""
    pinging.url = f"http://127.0.0.1:{free_port()}/push"
    pinging.body = ping(error="access_denied")
    status, out, _ = run(registered(pinging.url, "push"), "--wait", "--json")
    assert status == 1
    assert json.loads(out)["error"] == "access_denied"
    assert provider.poll_times() == []


def test_a_push_client_that_does_not_wait_is_told_no_interval(run: Run, provider: ScriptedProvider):
    """There is none: it must not poll (CIBA 7.3, 11)."""
    status, out, _ = run(registered("https://shop.example/push", "push"))
    assert (status, json.loads(out)) == (0, {"auth_req_id": AUTH_REQ_ID, "expires_in": 180})
    [request] = provider.requests_to("/bc-authorize")
    assert len(request.form["client_notification_token"]) == 43


def test_a_push_client_cannot_poll(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """It is told so before anything is sent."""
    run(registered("https://shop.example/push", "push"))
    command = ["poll", "--config", str(tmp_path / "client.toml"), "--auth-req-id", "x"]
    assert main(command) == 2
    assert "cannot poll" in capsys.readouterr().err


def test_behind_a_proxy_it_listens_where_it_is_told(run: Run, pinging: Pinging):
    """The registered endpoint is public, the listener is not."""
    port = free_port()
    pinging.url = f"http://127.0.0.1:{port}/"
    lines = registered("https://shop.example/ping")
    status, _, _ = run(lines, "--wait", "--listen", f"localhost:{port}")
    pinging.wait()
    assert (status, pinging.statuses) == (0, [204])


def test_a_listener_makes_a_ping_client(run: Run, pinging: Pinging):
    """Also where no file says how the client is registered."""
    port = free_port()
    pinging.url = f"http://127.0.0.1:{port}/"
    assert run("", "--wait", "--listen", f"127.0.0.1:{port}")[0] == 0
    pinging.wait()
    assert pinging.statuses == [204]


def test_a_ping_client_that_does_not_wait_gives_a_token_all_the_same(
    run: Run, provider: ScriptedProvider
):
    """The provider demands one; another command may listen, or poll."""
    status, out, _ = run(registered("https://shop.example/ping"))
    assert (status, json.loads(out)["auth_req_id"]) == (0, AUTH_REQ_ID)
    [request] = provider.requests_to("/bc-authorize")
    assert len(request.form["client_notification_token"]) == 43


@pytest.mark.parametrize(
    ("lines", "flags", "message"),
    [
        (registered("https://shop.example/ping"), ["--wait"], "needs --listen HOST:PORT"),
        (registered("http://shop.example/ping"), ["--wait"], "needs --listen HOST:PORT"),
        (registered("http://[/"), ["--wait"], "needs --listen HOST:PORT"),
        ('backchannel_token_delivery_mode = "ping"', ["--wait"], "needs --listen HOST:PORT"),
        ("", ["--listen", "127.0.0.1:9090"], "--listen goes with --wait"),
        ('backchannel_token_delivery_mode = "push"', ["--wait"], "needs --listen HOST:PORT"),
        (
            'backchannel_token_delivery_mode = "poll"',
            ["--wait", "--listen", "127.0.0.1:0"],
            "registered for poll",
        ),
        ('backchannel_token_delivery_mode = "pull"', [], "backchannel_token_delivery_mode"),
    ],
)
def test_who_cannot_be_notified_is_told_before_anything_is_sent(
    run: Run, provider: ScriptedProvider, lines: str, flags: list[str], message: str
):
    """With status 2."""
    status, out, err = run(lines, *flags)
    assert (status, out) == (2, "")
    assert message in err
    assert provider.received == []


def test_a_taken_port_is_said(run: Run, provider: ScriptedProvider):
    """Before anything is sent."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, err = run("", "--wait", "--listen", f"127.0.0.1:{port}")
    assert status == 2
    assert "cannot be opened" in err
    assert provider.received == []


@pytest.mark.parametrize("address", ["0.0.0.0:9090", "shop.example:9090", "9090"])
def test_only_this_computer_is_listened_to(
    run: Run, capsys: pytest.CaptureFixture[str], address: str
):
    """An open port for everybody would be a surprise."""
    with pytest.raises(SystemExit) as ended:
        run("", "--wait", "--listen", address)
    assert ended.value.code == 2
    assert "this computer" in capsys.readouterr().err


def test_a_lost_ping_is_made_up_for(
    run: Run, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
):
    """Nobody pings; the rare polls find the tokens."""
    monkeypatch.setattr(type(clock), "sleep", FakeClock.sleep)
    provider.script("/token", pending(), Answer(provider.tokens()))
    status, _, err = run("", "--wait", "--listen", "127.0.0.1:0")
    assert status == 0
    assert "notified" not in err
    assert provider.poll_times() == [30, 60]


@pytest.mark.parametrize("flags", [["--count", "0"], ["--answer", "302"], ["--listen", "x"]])
def test_listen_takes_what_it_understands(capsys: pytest.CaptureFixture[str], flags: list[str]):
    """And prints its usage for anything else."""
    with pytest.raises(SystemExit) as ended:
        main(["listen", *flags])
    assert ended.value.code == 2
    assert "usage: ciba-client listen" in capsys.readouterr().err


def test_listen_says_that_a_port_is_taken(capsys: pytest.CaptureFixture[str]):
    """One sentence, status 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["listen", "--listen", f"127.0.0.1:{port}"]) == 2
    assert capsys.readouterr().err.startswith(f"ciba-client: 127.0.0.1:{port} cannot be opened")
