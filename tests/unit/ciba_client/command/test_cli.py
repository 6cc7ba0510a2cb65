"""The command line: what it prints, what it never prints, and how it ends."""

import asyncio
import base64
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ciba_client.sdk.foreign_text import readable
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.unit.ciba_client.scripted_provider import (
    ACCESS_TOKEN,
    AUTH_REQ_ID,
    CLIENT_ID,
    Answer,
    ScriptedProvider,
    pending,
    refusal,
    serving,
)

Run = Callable[..., tuple[int, str, str]]

SECRETS = (ACCESS_TOKEN, "refresh-token-4712", AUTH_REQ_ID, "eyJ")


@pytest.fixture
def start(run: Run, identity: list[str]):
    """``ciba-client start`` for alice with further flags."""
    return lambda *flags: run("start", *identity, "--login-hint", "alice", *flags)


def test_start_prints_what_poll_needs(start: Run, provider: ScriptedProvider):
    """The acknowledgement as JSON, and nothing else."""
    status, out, err = start()
    assert (status, err) == (0, "")
    assert json.loads(out) == {"auth_req_id": AUTH_REQ_ID, "expires_in": 180, "interval": 5}
    assert provider.requests_to("/token") == []


def test_start_and_wait_tells_a_story_and_prints_the_claims(start: Run, provider: ScriptedProvider):
    """The timeline goes to standard error, the verified claims to standard output."""
    provider.script(
        "/token",
        pending(),
        refusal("slow_down"),
        Answer(b"", 503, {"retry-after": "20"}),
        Answer(provider.tokens()),
    )
    status, out, err = start("--wait", "--binding-message", "W4SCT")
    assert status == 0
    assert json.loads(out)["sub"] == "alice"
    assert err.splitlines() == [
        "    0.0 s  the user is being asked: 180 s to decide, a poll every 5 s",
        "    5.0 s  not decided yet",
        "   10.0 s  slowed down: a poll every 10 s from now on",
        "   20.0 s  the provider answered with HTTP status 503; next attempt in 20 s",
        "   40.0 s  tokens received, the ID token is verified",
    ]


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_tokens_and_ids_are_not_printed(start: Run, flags: list[str]):
    """Neither on standard output nor on standard error."""
    status, out, err = start("--wait", *flags)
    assert status == 0
    assert not [secret for secret in SECRETS if secret in out + err]


def test_tokens_are_printed_on_request_only(start: Run):
    """With ``--show-tokens``, beside the claims."""
    status, out, _ = start("--wait", "--show-tokens")
    assert status == 0
    shown = json.loads(out)
    assert shown["access_token"] == ACCESS_TOKEN
    assert shown["refresh_token"] == "refresh-token-4712"
    assert shown["id_token"].startswith("eyJ")
    assert shown["id_token_claims"]["sub"] == "alice"


def test_json_is_one_line_for_machines(start: Run):
    """With the outcome and all that is not secret."""
    status, out, _ = start("--wait", "--json")
    assert status == 0
    [line] = out.splitlines()
    result = json.loads(line)
    assert result.pop("id_token_claims")["sub"] == "alice"
    assert result == {
        "outcome": "tokens",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "openid",
        "authorization_details": [],
    }


def test_parameters_of_the_request_reach_the_provider(
    run: Run, identity: list[str], provider: ScriptedProvider, tmp_path: Path
):
    """As plain form fields for a client without signed requests."""
    details = tmp_path / "details.json"
    details.write_text('[{"type": "payment"}]')
    status, _, _ = run(
        "start",
        *identity,
        *("--id-token-hint", "some.jwt", "--scope", "openid payments", "--unsigned"),
        *("--requested-expiry", "60", "--acr-values", "a b", "--binding-message", "W4SCT"),
        *("--authorization-details", f"@{details}"),
        *("--request-context", '{"device": "till"}'),
    )
    assert status == 0
    [request] = provider.requests_to("/bc-authorize")
    form = {name: text for name, text in request.form.items() if "assertion" not in name}
    assert form == {
        "id_token_hint": "some.jwt",
        "scope": "openid payments",
        "requested_expiry": "60",
        "acr_values": "a b",
        "binding_message": "W4SCT",
        "authorization_details": '[{"type":"payment"}]',
        "request_context": '{"device":"till"}',
    }


@pytest.fixture
def client_with_codes(tmp_path: Path, key_file: Path, provider: ScriptedProvider) -> Path:
    """The file of a client registered for user codes."""
    path = tmp_path / "client.toml"
    path.write_text(
        f'issuer = "{provider.issuer}"\nclient_id = "{CLIENT_ID}"\nkey = "{key_file}"\n'
        "backchannel_user_code_parameter = true\nsign_requests = false\n"
    )
    return path


@pytest.mark.clause("ciba-7.1.2-6")
def test_a_user_code_is_asked_for_and_kept_nowhere(
    run: Run, client_with_codes: Path, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
):
    """It comes from standard input, goes to the provider, and is printed nowhere."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("1234-five\n"))
    files = {path: path.read_bytes() for path in client_with_codes.parent.rglob("*.*")}
    status, out, err = run(
        "start", "--config", str(client_with_codes), "--login-hint", "alice", "--user-code"
    )
    assert status == 0
    [request] = provider.requests_to("/bc-authorize")
    assert request.form["user_code"] == "1234-five"
    assert "1234-five" not in out + err
    assert {path: path.read_bytes() for path in client_with_codes.parent.rglob("*.*")} == files


def test_a_user_code_is_asked_for_unseen(
    run: Run, client_with_codes: Path, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
):
    """At a terminal it does not show while it is typed."""
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr("ciba_client.cli.getpass", lambda _: "typed-unseen")
    flags = ("--config", str(client_with_codes), "--login-hint", "alice", "--user-code")
    assert run("start", *flags)[0] == 0
    [request] = provider.requests_to("/bc-authorize")
    assert request.form["user_code"] == "typed-unseen"


def test_an_empty_user_code_is_none(
    run: Run, client_with_codes: Path, monkeypatch: pytest.MonkeyPatch
):
    """Nothing is asked of the provider."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    flags = ("--config", str(client_with_codes), "--login-hint", "alice", "--user-code")
    assert run("start", *flags) == (2, "", "ciba-client: the user code is empty\n")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal("access_denied", "Declined."), "access_denied"),
        (refusal("expired_token"), "expired_token"),
        (refusal("invalid_grant"), "invalid_grant"),
    ],
)
def test_a_transaction_that_ends_without_tokens_ends_with_1(
    start: Run, provider: ScriptedProvider, answer: Answer, error: str
):
    """Whatever the reason, and machines get the code."""
    provider.script("/token", answer)
    status, out, err = start("--wait")
    assert (status, out) == (1, "")
    assert f"ciba-client: no tokens were issued: {error}" in err
    status, out, _ = start("--wait", "--json")
    assert status == 1
    assert json.loads(out)["error"] == error
    assert json.loads(out)["outcome"] == "failed"


def test_a_refused_request_ends_with_1(start: Run, provider: ScriptedProvider):
    """Also without ``--wait``."""
    provider.script("/bc-authorize", refusal("unknown_user_id"))
    status, out, err = start()
    assert (status, out) == (1, "")
    assert "unknown_user_id" in err


def test_an_unavailable_provider_ends_with_1(start: Run, provider: ScriptedProvider):
    """And the JSON has no OAuth code, for there was none."""
    provider.script("/bc-authorize", Answer(b"", 503))
    status, out, _ = start("--json")
    assert status == 1
    assert json.loads(out) == {
        "outcome": "failed",
        "reason": "the provider answered with HTTP status 503",
    }


def test_an_insufficient_level_of_authentication_ends_with_1(start: Run):
    """``--required-acr`` is checked against the ID token."""
    assert start("--wait", "--required-acr", "urn:openbanking:psd2:sca")[0] == 0
    status, out, err = start("--wait", "--required-acr", "higher", "--required-acr", "highest")
    assert (status, out) == (1, "")
    assert "required level" in err


def test_poll_waits_for_what_start_began(run: Run, identity: list[str], provider: ScriptedProvider):
    """By the id alone, with the default interval."""
    status, out, _ = run("poll", *identity, "--auth-req-id", "kept")
    assert status == 0
    assert json.loads(out)["sub"] == "alice"
    [poll] = provider.requests_to("/token")
    assert (poll.at, poll.form["auth_req_id"]) == (5, "kept")


@pytest.mark.parametrize(
    ("text", "flags", "at"),
    [
        ('{"auth_req_id": "kept", "expires_in": 60, "interval": 7}', [], 7),
        ('{"auth_req_id": "kept", "expires_in": 60, "interval": 7}', ["--interval", "3"], 3),
        ("kept\n", ["--expires-in", "30"], 5),
    ],
)
def test_poll_reads_the_id_from_standard_input(
    run: Run,
    identity: list[str],
    provider: ScriptedProvider,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    flags: list[str],
    at: float,
):
    """So that it need not stand in the list of processes."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    status, _, _ = run("poll", *identity, "--auth-req-id", "-", *flags)
    assert status == 0
    [poll] = provider.requests_to("/token")
    assert (poll.at, poll.form["auth_req_id"]) == (at, "kept")


@pytest.mark.parametrize("text", ["", " \n", "{", '{"auth_req_id": 7}'])
def test_poll_refuses_an_unusable_standard_input(
    run: Run, identity: list[str], monkeypatch: pytest.MonkeyPatch, text: str
):
    """With a sentence, not a trace."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    status, out, err = run("poll", *identity, "--auth-req-id", "-")
    assert (status, out) == (2, "")
    assert err.startswith("ciba-client: ")


def test_a_client_may_be_described_in_a_file(run: Run, provider: ScriptedProvider, key_file: Path):
    """Paths are looked for beside the file, and flags win."""
    path = key_file.parent / "client.toml"
    path.write_text(
        f'issuer = "{provider.issuer}"\nclient_id = "someone-else"\nkey = "client.jwk"\n'
        f'kid = "k1"\nalg = "ES256"\nsign_requests = false\n'
        f'id_token_signed_response_alg = "ES256"\n'
    )
    flags = ["--config", str(path), "--client-id", CLIENT_ID, "--login-hint", "alice"]
    assert run("start", *flags, "--wait")[0] == 0
    [request] = provider.requests_to("/bc-authorize")
    assert request.form["login_hint"] == "alice"


def test_a_client_with_bound_tokens_and_a_certificate(
    run: Run, provider: ScriptedProvider, key_file: Path
):
    """``client.toml`` says so, and names the files; the same key binds the tokens of each run."""
    folder = key_file.parent
    files = LoopbackCertificate.write(folder)
    (folder / "dpop.jwk").write_bytes(key_file.read_bytes())
    path = folder / "client.toml"
    path.write_text(
        f'issuer = "{provider.issuer}"\nclient_id = "{CLIENT_ID}"\nkey = "client.jwk"\n'
        f'dpop_bound_access_tokens = true\ndpop_key = "dpop.jwk"\n'
        f'token_endpoint_auth_method = "self_signed_tls_client_auth"\n'
        f'certificate = "{files.chain.name}"\ncertificate_key = "{files.key.name}"\n'
    )
    provider.script("/token", Answer(provider.tokens(token_type="DPoP")))
    status, out, err = run("start", "--config", str(path), "--login-hint", "a", "--wait", "--json")
    assert status == 0
    assert json.loads(out)["token_type"] == "DPoP"
    assert "dpop.jwk can be read by others" in err
    [poll] = provider.requests_to("/token")
    assert poll.form["client_id"] == CLIENT_ID
    header = json.loads(base64.urlsafe_b64decode(poll.headers["dpop"].split(".")[0] + "=="))
    assert header["jwk"]["x"] == json.loads(key_file.read_text())["x"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('dpop_key = "client.jwk"', "dpop_bound_access_tokens"),
        ('dpop_bound_access_tokens = true\ndpop_key = "absent.jwk"', "absent.jwk"),
        ('token_endpoint_auth_method = "tls_client_auth"', "needs a certificate"),
        ('token_endpoint_auth_method = "client_secret_basic"', "token_endpoint_auth_method"),
        ('certificate = "absent.pem"', "client certificate"),
    ],
)
def test_a_client_file_that_contradicts_itself_ends_with_2(
    run: Run, provider: ScriptedProvider, key_file: Path, lines: str, message: str
):
    """Before anything is sent."""
    path = key_file.parent / "client.toml"
    path.write_text(
        f'issuer = "{provider.issuer}"\nclient_id = "{CLIENT_ID}"\nkey = "client.jwk"\n{lines}\n'
    )
    status, out, err = run("start", "--config", str(path), "--login-hint", "alice")
    assert (status, out) == (2, "")
    assert message in err
    assert provider.received == []


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b'issuer = "x"\ncolour = "red"\n', "colour"),
        (b"issuer = 7\n", "issuer"),
        (b'id_token_signed_response_alg = "none"\n', "id_token_signed_response_alg"),
        (b"issuer =\n", "line 1"),
        (b"\xff", "client.toml"),
    ],
)
def test_a_wrong_file_is_refused_by_name(run: Run, tmp_path: Path, content: bytes, named: str):
    """The message says which file and which key."""
    path = tmp_path / "client.toml"
    path.write_bytes(content)
    status, out, err = run("start", "--config", str(path), "--login-hint", "alice")
    assert (status, out) == (2, "")
    assert "client.toml" in err
    assert named in err


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_open_to_others_is_worth_a_warning(start: Run, key_file: Path, mode: int):
    """The command goes on all the same."""
    key_file.chmod(mode)
    status, _, err = start()
    assert status == 0
    assert err.startswith("ciba-client: warning: ")
    assert "0600" in err


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["hop"],
        ["start"],
        ["start", "--login-hint", "a", "--id-token-hint", "b"],
        ["start", "--login-hint", "a", "--requested-expiry", "0"],
        ["start", "--login-hint", "a", "--requested-expiry", "soon"],
        ["start", "--login-hint", "a", "--alg", "none"],
        ["start", "--login-hint", "a", "--unknown"],
        ["poll"],
        ["poll", "--auth-req-id", "a", "--interval", "-1"],
        ["cancel"],
        ["cancel", "a", "--required-acr", "b"],
    ],
)
def test_wrong_flags_end_with_2(run: Run, flags: list[str]):
    """And print the usage on standard error."""
    status, out, err = run(*flags)
    assert (status, out) == (2, "")
    assert "usage: ciba-client" in err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--scope", "payments"], "openid"),
        (["--authorization-details", "{}"], "JSON array of objects"),
        (["--authorization-details", "[1]"], "JSON array of objects"),
        (["--authorization-details", "@absent.json"], "absent.json"),
        (["--request-context", "[]"], "JSON object"),
        (["--key", "absent.jwk"], "absent.jwk"),
        (["--key", "/"], "directory"),
        (["--key", "/dev/zero"], "too large"),
        (["--alg", "PS256"], "does not suit"),
        (["--issuer", "http://op.example"], "https"),
        (["--ca-file", "absent.pem"], "certificate authorities"),
        (["--auth-req-id", ""], "unrecognized"),
    ],
)
def test_what_can_never_work_ends_with_2(
    start: Run, provider: ScriptedProvider, flags: list[str], message: str
):
    """Before anything is sent."""
    status, out, err = start(*flags)
    assert (status, out) == (2, "")
    assert message in err
    assert provider.received == []


def test_a_missing_identity_is_asked_for_by_its_flags(run: Run):
    """All that is missing at once."""
    status, _, err = run("start", "--login-hint", "alice")
    assert status == 2
    assert "--issuer, --client-id, --key" in err


@pytest.mark.parametrize("command", [[], ["start"], ["poll"], ["cancel"], ["listen"]])
def test_help_is_everywhere(run: Run, command: list[str]):
    """And is no error."""
    status, out, err = run(*command, "--help")
    assert (status, err) == (0, "")
    assert out.startswith("usage: ciba-client")


async def test_an_interruption_ends_quietly(key_file: Path):
    """Ctrl-C while a provider keeps silent: one sentence, status 130, no trace."""
    asked = asyncio.Event()

    async def keep_silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        asked.set()
        await reader.read()

    async with serving(keep_silent) as port:
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-c",
                "import sys; from ciba_client.cli import main; sys.exit(main())",
            ),
            *("start", "--issuer", f"http://127.0.0.1:{port}", "--client-id", "x"),
            *("--key", str(key_file), "--login-hint", "alice"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "error"},
        )
        await asked.wait()
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"ciba-client: interrupted\n")


def test_claims_cannot_play_tricks_on_the_terminal(start: Run, provider: ScriptedProvider):
    """Escape sequences in claims and errors arrive harmless."""
    provider.script(
        "/token", Answer(provider.tokens(id_token=provider.id_token(name="\x1b[2J\u202e")))
    )
    _, out, _ = start("--wait")
    assert out.isascii()
    assert out.replace("\n", "").isprintable()
    assert json.loads(out)["name"] == "\x1b[2J\u202e"
    assert readable("\x1b[2J") == "?[2J"


def test_start_says_which_code_to_type(start: Run, provider: ScriptedProvider):
    """For people as a sentence, for programs as a member."""
    provider.script("/bc-authorize", Answer(provider.acknowledgement(verification_code="042187")))
    status, out, err = start("--json")
    assert status == 0
    assert json.loads(out)["verification_code"] == "042187"
    assert err == "    0.0 s  Type this code on the phone: 042187\n"


def test_start_and_wait_shows_the_code_at_once(start: Run, provider: ScriptedProvider):
    """Before the first poll."""
    provider.script("/bc-authorize", Answer(provider.acknowledgement(verification_code="042187")))
    status, out, err = start("--wait", "--json")
    assert (status, "042187" in out) == (0, False)
    assert err.splitlines()[1] == "    0.0 s  Type this code on the phone: 042187"


@pytest.mark.parametrize(
    ("flags", "asked"), [([], None), (["--long-poll"], "wait=25"), (["--long-poll", "7"], "wait=7")]
)
def test_polls_are_held_on_request(
    start: Run, provider: ScriptedProvider, flags: list[str], asked: str | None
):
    """With ``--long-poll``, for so many seconds."""
    assert start("--wait", *flags)[0] == 0
    (poll,) = provider.requests_to("/token")
    assert poll.headers.get("prefer") == asked
