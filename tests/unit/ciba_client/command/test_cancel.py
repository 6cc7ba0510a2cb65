"""``ciba-client cancel``, and what an interruption of ``start --wait`` leaves behind."""

import asyncio
import io
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable

import pytest

from ciba_client import CibaClient, cli
from tests.unit.ciba_client.scripted_provider import (
    AUTH_REQ_ID,
    Answer,
    ScriptedProvider,
    pending,
    refusal,
)

CANCEL = "/bc-authorize/cancel"
Run = Callable[..., tuple[int, str, str]]


def test_cancel_takes_back_what_start_began(
    run: Run, identity: list[str], provider: ScriptedProvider
):
    """One request, one word."""
    status, out, err = run("cancel", *identity, "kept")
    assert (status, json.loads(out), err) == (0, {"outcome": "cancelled"}, "")
    [request] = provider.requests_to(CANCEL)
    assert request.form["auth_req_id"] == "kept"


@pytest.mark.parametrize("text", ["kept\n", '{"auth_req_id": "kept", "expires_in": 60}'])
def test_cancel_reads_the_id_from_standard_input(
    run: Run,
    identity: list[str],
    provider: ScriptedProvider,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
):
    """So that it need not stand in the list of processes."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert run("cancel", *identity, "-", "--json")[0] == 0
    [request] = provider.requests_to(CANCEL)
    assert request.form["auth_req_id"] == "kept"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusal("request_settled", status=409), "there is nothing to cancel"),
        (refusal("invalid_grant"), "the request was not cancelled: invalid_grant"),
        (Answer(b"", 404), "no endpoint for cancelling"),
        (Answer(b"", 503), "HTTP status 503"),
    ],
)
def test_what_is_not_cancelled_ends_with_1(
    run: Run, identity: list[str], provider: ScriptedProvider, answer: Answer, reason: str
):
    """With the reason, for people and for programs."""
    provider.script(CANCEL, answer)
    status, out, err = run("cancel", *identity, "kept")
    assert (status, out) == (1, "")
    assert reason in err
    status, out, _ = run("cancel", *identity, "kept", "--json")
    assert status == 1
    assert reason in json.loads(out)["reason"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b"", 204), "the request is cancelled"),
        (Answer(b"", 503), "the request was not cancelled"),
    ],
)
async def test_an_interrupted_wait_takes_its_request_back(
    identity: list[str], provider: ScriptedProvider, answer: Answer, said: str
):
    """Ctrl-C: the user need not be asked any longer; status 130 whatever becomes of it."""
    provider.script("/token", pending())
    provider.script(CANCEL, answer)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "import sys; from ciba_client.cli import main; sys.exit(main())"),
        *("start", *identity, "--login-hint", "alice", "--wait"),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert process.stderr is not None
    assert b"the user is being asked" in await process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    told, last = err.decode().splitlines()
    assert (process.returncode, out, last) == (130, b"", "ciba-client: interrupted")
    assert told.endswith(said)
    [request] = provider.requests_to(CANCEL)
    assert request.form["auth_req_id"] == AUTH_REQ_ID


async def test_a_provider_that_keeps_silent_is_not_waited_for(
    client: CibaClient, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
):
    """Who interrupts wants to go."""
    answered, loop = asyncio.Event(), asyncio.get_running_loop()
    monkeypatch.setattr(cli, "_POLITENESS_SECONDS", 0.05)
    async with client.authenticate(login_hint="alice") as asked:
        provider.on_arrival = lambda: asyncio.run_coroutine_threadsafe(
            answered.wait(), loop
        ).result(10)
        assert await cli._is_taken_back(asked) is False
        answered.set()
