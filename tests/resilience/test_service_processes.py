"""The service as a process that may be killed at any moment: nothing is lost, nothing is left."""

import asyncio
import fcntl
import json
import os
import pty
import signal
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.ports import free_port
from tests.redis.servers import redis_server
from tests.services.service_process import (
    READY_SECONDS,
    Installation,
    Serving,
    gone,
    installation,
    restarted,
)
from tests.wire.client import CIBA, WireClient
from tests.wire.events import story, stream
from tests.wire.resource import PAYMENT, PAYMENTS
from tests.wire.signing import claims_of, header_of, new_key

PRESET = "ALICE-PHONE-ONE"
ALICE = {"sub": "alice", "login_hints": ["alice@example.org"], "activation_code": PRESET}
DEVELOPMENT: dict[str, Any] = {"users": (ALICE,), "device": {"second_secret": False}}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation for development, with a preset activation code."""
    async with installation(tmp_path) as place:
        place.configure(**DEVELOPMENT)
        yield place


async def test_a_service_killed_between_all_steps_loses_nothing(place: Installation):
    """Asked, killed, approved, killed, redeemed, killed: each answer stands on what was before."""
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    auth_req_id = await place.till.started()
    serving = await restarted(place, serving)
    (challenge,) = await phone.fetch()
    decision = phone.approval(challenge)
    accepted = await phone.decide(decision)
    assert accepted["type"] == "accepted"
    serving = await restarted(place, serving)
    tokens = (await place.till.poll(auth_req_id)).json()
    assert claims_of(tokens["id_token"])["sub"] == "alice"
    serving = await restarted(place, serving)
    again = await place.till.poll(auth_req_id)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert await phone.decide(decision) == accepted
    assert await phone.fetch() == []
    happened = [each for each in await story(place.till, auth_req_id) if each != "announced"]
    assert happened == ["requested", "approved", "redeemed"]
    assert await serving.terminate() == 0


async def test_a_payment_is_executed_once_whoever_is_killed(place: Installation):
    """A token outlives its process, and so does the fact that its payment was executed."""
    place.configure(**DEVELOPMENT, resource={"unbound_tokens": True})
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    auth_req_id = await place.till.started(authorization_details=[PAYMENT])
    assert (await phone.approve_next())["type"] == "accepted"
    token = (await place.till.poll(auth_req_id)).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    for status in (201, 409):
        serving = await restarted(place, serving)
        answer = await place.http.post(PAYMENTS, headers=headers)
        assert answer.status_code == status
    assert await serving.terminate() == 0


async def test_a_server_killed_under_a_living_service_is_made_good(place: Installation):
    """Requests meanwhile wait for it; a connected phone goes on being told."""
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    auth_req_id = await place.till.started()
    server = place.server_pid()
    os.kill(server, signal.SIGKILL)
    await gone(server)
    assert (await phone.approve_next())["type"] == "accepted"
    assert (await place.till.poll(auth_req_id)).status_code == 200
    assert place.server_pid() != server
    async with phone.online() as online:
        os.kill(place.server_pid(), signal.SIGKILL)
        await place.until_ready(serving)
        auth_req_id = await place.till.started()
        async with asyncio.timeout(READY_SECONDS):
            challenge = (await online.next("challenge"))["challenge"]
            assert (await online.decide(phone.approval(challenge)))["type"] == "accepted"
    assert (await place.till.poll(auth_req_id)).status_code == 200
    assert serving.process.returncode is None


async def test_a_service_told_to_stop_stops(place: Installation):
    """SIGTERM: phones are let go, the status is 0, nothing runs on, everything is kept."""
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    auth_req_id = await place.till.started()
    async with phone.online() as online:
        async with asyncio.timeout(READY_SECONDS):
            assert await serving.terminate() == 0
            with pytest.raises(ConnectionClosed):
                await online.next("nothing more")
    assert place.leftovers() == []
    assert serving.events()[-1]["event"] == "stopped"
    await place.serve()
    assert (await phone.approve_next())["type"] == "accepted"
    assert (await place.till.poll(auth_req_id)).status_code == 200


async def test_a_preset_code_is_good_for_one_phone_for_ever(place: Installation):
    """It is taken as people type it, and that it was used outlives every restart."""
    serving = await place.serve()
    phone = await place.phone().enrol("alice phone one")
    for _ in range(2):
        other = place.phone()
        refused = await other.send_enrolment(other.enrolment(PRESET))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_enrolment")
        serving = await restarted(place, serving)
    assert await phone.fetch() == []


# --- Keys that change under a running service ---


async def key_states(place: Installation) -> dict[str, str]:
    """The ES256 keys for tokens, and what state each is in."""
    rows = (await place.command("keys", "list", "--json")).json()
    wanted = ("token", "ES256")
    return {row["kid"]: row["state"] for row in rows if (row["purpose"], row["alg"]) == wanted}


async def read_keys(serving: Serving, times: int) -> None:
    """Wait until the running service has taken over changed keys so many times."""
    async with asyncio.timeout(READY_SECONDS):
        while [line["event"] for line in serving.events()].count("keys_read") < times:
            assert serving.process.returncode is None
            await asyncio.sleep(0.05)


async def published(place: Installation) -> set[str]:
    """The names in the key set of the running service."""
    return {key["kid"] for key in (await place.http.get("/jwks")).json()["keys"]}


async def test_a_running_service_takes_over_rotated_keys(place: Installation):
    """Next keys are published, then sign; no restart, and old ID tokens are hints still."""
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    auth_req_id = await place.till.started()
    await phone.approve_next()
    known = (await place.till.poll(auth_req_id)).json()["id_token"]
    assert (await place.command("keys", "rotate")).status == 0
    (old,) = [kid for kid, state in (await key_states(place)).items() if state == "active"]
    (new,) = [kid for kid, state in (await key_states(place)).items() if state == "next"]
    assert header_of(known)["kid"] == old
    await read_keys(serving, 1)
    assert await published(place) >= {old, new}
    auth_req_id = await place.till.started()
    await phone.approve_next()
    assert (await place.command("keys", "rotate", "--now")).status == 0
    await read_keys(serving, 2)
    tokens = (await place.till.poll(auth_req_id)).json()
    assert header_of(tokens["id_token"])["kid"] == new
    assert await published(place) >= {old, new}
    await place.till.started(login_hint=None, id_token_hint=known)
    assert (await phone.approve_next())["type"] == "accepted"
    assert await serving.terminate() == 0


async def test_a_phone_that_was_away_learns_of_new_challenge_keys(place: Installation):
    """Two processes of one phone, one rotation between them: what was pinned is remembered."""
    serving = await place.serve()
    (place.directory / "pin").write_text("739154")
    state = ["--state", str(place.directory / "phone"), "--json"]
    enrolled = await place.run(
        "authenticator-sim", "enrol", *state, "--pin-file", str(place.directory / "pin"),
        "--issuer", place.issuer, "--activation-code", PRESET,
    )  # fmt: skip
    assert enrolled.status == 0, enrolled.err
    for times in (1, 2):
        rotated = await place.command("keys", "rotate", "--purpose", "challenge", "--now")
        assert rotated.status == 0, rotated.err
        await read_keys(serving, times)
    await place.till.started()
    for expected in (["keys_pinned", "challenge", "fetched"], ["challenge", "fetched"]):
        shown = await place.run("authenticator-sim", "list", *state)
        assert shown.status == 0, shown.err
        assert [json.loads(line)["event"] for line in shown.out.splitlines()] == expected


async def test_a_rotation_killed_at_any_moment_leaves_good_keys(place: Installation):
    """Old keys or new ones, and the next command finds no lock."""
    assert (await place.command("keys", "generate")).status == 0
    for delay in (0.3, 0.5, 0.6, 0.7, 0.9):
        process = await place.start(
            "ciba-service", "keys", "rotate", "--now", "--config", str(place.config),
            stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(delay):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
        assert list((await key_states(place)).values()).count("active") == 1
        assert (await place.command("check")).status == 0
    assert (await place.command("keys", "rotate", "--now")).status == 0


# --- Two services, one place ---


async def test_a_second_service_on_the_same_data_is_refused(place: Installation):
    """It ends with status 1 and names the process that is there, which is not disturbed."""
    serving = await place.serve()
    for env in ({}, {"CIBA_SERVER__PORT": "0"}):
        refused = await place.run("ciba-service", "serve", "--config", str(place.config), env=env)
        assert refused.status == 1
        assert f"{place.data} is in use by process {serving.process.pid}." in refused.err
        assert "Traceback" not in refused.err
    assert (await place.http.get("/readyz")).status_code == 200


async def test_a_port_in_use_is_a_sentence(place: Installation):
    """It ends with status 1, and the server it had started with it."""
    with socket.create_server(("127.0.0.1", place.port)):
        refused = await place.run("ciba-service", "serve", "--config", str(place.config))
    assert refused.status == 1
    sentence = f"ciba-service: cannot listen on 127.0.0.1:{place.port}: Address already in use"
    assert sentence in refused.err
    assert place.leftovers() == []


@pytest.mark.parametrize("host", ["256.1.1.1", "no..host"])
async def test_a_host_that_is_none_is_a_sentence(place: Installation, host: str):
    """Whatever the resolver says becomes one line and status 1."""
    refused = await place.run(
        "ciba-service", "serve", "--config", str(place.config), env={"CIBA_SERVER__HOST": host}
    )
    assert refused.status == 1
    assert f"cannot listen on {host}:{place.port}: " in refused.err
    assert "Traceback" not in refused.err


async def test_a_store_that_runs_no_scripts_stops_the_start(place: Installation):
    """What fails at the start, beyond what was checked before, ends with status 1."""
    with redis_server("--rename-command", "EVALSHA", "", "--rename-command", "EVAL", "") as target:
        url = f"redis://127.0.0.1:{target.addresses[0].port}"
        refused = await place.run(
            "ciba-service", "serve", "--config", str(place.config), env={"CIBA_STORE__URL": url}
        )
    assert refused.status == 1
    assert refused.err.splitlines()[-1] == (
        "ciba-service: the service did not start; the log says why"
    )


async def test_a_service_beyond_this_machine_says_so(place: Installation):
    """Plain http to other machines is in the log of the start."""
    place.configure(**DEVELOPMENT, server={"host": "0.0.0.0"})  # noqa: S104 - the point
    serving = await place.serve()
    listening = next(line for line in serving.events() if line["event"] == "listening")
    assert listening["warning"].startswith("server.host 0.0.0.0 takes plain http")
    assert listening["port"] == place.port


# --- Phone and client as processes ---


async def next_event(phone: Process, type_: str) -> dict[str, Any]:
    """The next event of a type that a simulator prints."""
    assert phone.stdout is not None
    async with asyncio.timeout(READY_SECONDS):
        while line := await phone.stdout.readline():
            event = json.loads(line)
            if event["event"] == type_:
                return event
    raise AssertionError("the simulator has ended")


async def test_phone_and_client_live_through_a_killed_service(place: Installation):
    """The simulator connects again by itself; each request is asked, approved and redeemed."""
    serving = await place.serve()
    (place.directory / "pin").write_text("739154")
    state = ["--state", str(place.directory / "phone"), "--json"]
    pin = ["--pin-file", str(place.directory / "pin")]
    enrolled = await place.run(
        "authenticator-sim", "enrol", *state, *pin, "--issuer", place.issuer,
        "--activation-code", PRESET,
    )  # fmt: skip
    assert enrolled.status == 0, enrolled.err
    phone = await place.start(
        "authenticator-sim", "run", *state, *pin, "--approve-all", stdout=PIPE
    )
    key = place.directory / "till.pem"
    key.write_bytes(place.till.key.as_pem(private=True))
    key.chmod(0o600)
    ask = [
        "ciba-client", "start", "--issuer", place.issuer, "--client-id", "till", "--key", str(key),
        "--kid", "key-1", "--login-hint", "alice@example.org", "--wait", "--json",
    ]  # fmt: skip
    for _ in range(2):
        await next_event(phone, "connected")
        done = await place.run(*ask)
        assert done.status == 0, done.err
        assert done.json()["id_token_claims"]["sub"] == "alice"
        assert (await next_event(phone, "decided"))["verdict"] == "approve"
        serving = await restarted(place, serving)
    await next_event(phone, "connected")
    phone.send_signal(signal.SIGTERM)
    await phone.communicate()
    assert phone.returncode == 0


async def test_a_service_that_is_told_to_stop_keeps_no_poll_waiting(place: Installation):
    """Of two polls one is held; it hears at once that the decision is still to come."""
    till = place.till
    till.metadata["polling_interval"] = 0
    place.configure(**DEVELOPMENT)
    serving = await place.serve()
    await place.phone().enrol(PRESET)
    auth_req_id = await till.started()

    async def poll() -> str:
        form = {"grant_type": CIBA, "auth_req_id": auth_req_id, **till.credentials()}
        answer = await till.post("/token", form, headers={"prefer": "wait=25"}, timeout=24)
        return str(answer.json()["error"])

    polls = [asyncio.create_task(poll()) for _ in range(2)]
    released, (held,) = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
    assert not held.done()
    async with asyncio.timeout(10):
        status = await serving.terminate()
        assert [await each for each in (*released, held)] == ["authorization_pending"] * 2
    assert status == 0


async def started_on(place: Installation, stdin: int, *options: str) -> Serving:
    """A service that was started with this as its standard input, and has no other terminal."""
    log = place.directory / "started.log"
    with log.open("wb") as stream:
        arguments = ("serve", "--config", str(place.config), *options)
        process = await place.start(
            "ciba-service", *arguments, stdin=stdin, stdout=DEVNULL, stderr=stream
        )
    serving = Serving(process, log)
    await place.until_ready(serving)
    return serving


async def test_a_hangup_reloads_a_service_that_has_no_terminal(place: Installation):
    """SIGHUP takes over new clients; a wrong file is refused by name, and nothing ends."""
    serving = await started_on(place, DEVNULL)

    async def told(event: str) -> dict[str, Any]:
        serving.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(READY_SECONDS):
            while not (lines := [line for line in serving.events() if line["event"] == event]):
                assert serving.process.returncode is None
                await asyncio.sleep(0.02)
        return lines[0]

    place.config.write_text(place.config.read_text("utf-8") + "\n[nonsense]\n", "utf-8")
    assert "nonsense" in (await told("configuration_refused"))["error"]
    assert (await place.till.start()).json()["error"] == "unknown_user_id"
    place.configure(clients=[WireClient("other", key=new_key())])
    assert (await told("configuration_reloaded"))["clients"] == 1
    assert (await place.till.start()).json()["error"] == "invalid_client"
    assert (await place.http.get("/readyz")).status_code == 200
    assert await serving.terminate() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_hangup_within_the_start_is_a_reload_as_well(place: Installation, workers: str):
    """The configuration that it is about may have been written after the first was read."""
    keys = place.data / "keys"
    keys.mkdir(mode=0o700, parents=True)
    log = place.directory / "service.log"
    with (keys / "making.lock").open("wb") as lock, log.open("wb") as stream:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = await place.start(
            *("ciba-service", "serve", "--config", str(place.config), "--workers", workers),
            stdin=DEVNULL, stderr=stream,
        )  # fmt: skip
        await until(lambda: str(keys / "making.lock") in files_of(process))
        place.configure(clients=[WireClient("other", key=new_key())], **DEVELOPMENT)
        process.send_signal(signal.SIGHUP)
    serving = Serving(process, log)
    await place.until_ready(serving)
    await until(lambda: "configuration_reloaded" in [line["event"] for line in serving.events()])
    assert (await place.till.start()).json()["error"] == "invalid_client"
    assert await serving.terminate() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_hangup_within_the_end_cuts_nothing_short(place: Installation, workers: str):
    """Whoever renews certificates does not know that the service is being stopped."""
    serving = await started_on(place, DEVNULL, "--workers", workers)

    async def hang_up() -> None:
        # Not ``send_signal``, which looks whether it has ended and takes its status from asyncio.
        with suppress(ProcessLookupError):
            while serving.process.returncode is None:
                os.kill(serving.process.pid, signal.SIGHUP)
                await asyncio.sleep(0.002)

    status, _ = await asyncio.gather(serving.terminate(), hang_up())
    assert status == 0
    assert "task_failed" not in [line["event"] for line in serving.events()]


async def until(reached: Callable[[], bool]) -> None:
    """Wait for another process."""
    async with asyncio.timeout(READY_SECONDS):
        while not reached():  # noqa: ASYNC110 - it is outside of this one
            await asyncio.sleep(0.02)


def files_of(process: Process) -> list[str]:
    """What a process has open."""
    found = []
    for entry in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(OSError):
            found.append(str(entry.readlink()))
    return found


async def test_a_service_ends_cleanly_with_its_terminal(place: Installation):
    """Whoever closes the window of ``serve`` ends it as SIGTERM would."""
    user, program = pty.openpty()
    serving = await started_on(place, program)
    serving.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(READY_SECONDS):
        assert await serving.process.wait() == 0
    assert serving.events()[-1]["event"] == "stopped"
    assert place.leftovers() == []
    for descriptor in (user, program):
        os.close(descriptor)


async def test_a_service_that_is_told_to_stop_ends_streams(place: Installation):
    """Whoever follows a request reads the stream to its proper end, at once."""
    till = place.till
    serving = await place.serve()
    await place.phone().enrol(PRESET)
    auth_req_id = await till.started()
    async with stream(till, auth_req_id) as reader:
        first = await reader.next()
        assert first is not None
        assert first.event == "requested"
        async with asyncio.timeout(10):
            assert await serving.terminate() == 0
            assert {told.event for told in await reader.rest()} <= {"announced"}
    assert place.leftovers() == []


async def test_what_was_copied_starts_elsewhere(place: Installation, tmp_path: Path):
    """docs/operations.md: stop, copy, start; the phone decides what was asked before the copy."""
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    auth_req_id = await place.till.started()
    assert await serving.terminate() == 0
    archive, elsewhere = tmp_path / "ciba.tar", tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    for words in (("-C", str(place.data), "-cpf", str(archive), "."),
                  ("-C", str(elsewhere), "-xpf", str(archive))):  # fmt: skip
        copying = await asyncio.create_subprocess_exec("tar", *words)
        assert await copying.wait() == 0
    metrics = {"port": free_port()}
    store = {"data_directory": str(elsewhere)}
    place.configure(**DEVELOPMENT, store=store, metrics=metrics)
    place.data.rename(tmp_path / "gone")
    serving = await place.serve()
    assert (await phone.approve_next())["type"] == "accepted"
    assert (await place.till.poll(auth_req_id)).status_code == 200
    scraped = await place.http.get(f"http://127.0.0.1:{metrics['port']}/metrics")
    lines = scraped.text.splitlines()
    assert "ciba_transactions_redeemed_total 1.0" in lines
    assert any(line.startswith("process_resident_memory_bytes") for line in lines)
    assert await serving.terminate() == 0


async def test_the_commands_of_operations_do_what_they_say(place: Installation, tmp_path: Path):
    """Beside a service that runs, as docs/operations.md has them."""
    page = (Path(__file__).parents[2] / "docs/operations.md").read_text("utf-8")
    place.configure(**DEVELOPMENT, evidence={"checkpoint_records": 1})
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    await place.till.started()
    assert (await phone.approve_next())["type"] == "accepted"

    async def done(line: str, **names: str) -> str:
        assert f"ciba-service {line}" in page
        words = line.replace(" --config ciba.toml", "").split()
        outcome = await place.command(*(names.get(word, word) for word in words))
        assert outcome.status == 0, outcome.err
        return outcome.out

    assert "ES256" in await done("keys list --config ciba.toml")
    await done("users show --config ciba.toml SUB", SUB="alice")
    await done("users unlock --config ciba.toml SUB", SUB="alice")
    await done("deliveries list --config ciba.toml --state abandoned")
    keys = tmp_path / "evidence-keys.json"
    keys.write_text(await done("evidence jwks --config ciba.toml"), "utf-8")
    await done("devices revoke --config ciba.toml DEVICE_ID", DEVICE_ID=phone.device_id)
    assert phone.device_id not in await done(
        "devices list --config ciba.toml --user SUB", SUB="alice"
    )
    await done("users reset --config ciba.toml SUB", SUB="alice")
    async with asyncio.timeout(READY_SECONDS):
        while "evidence_signed" not in [line["event"] for line in serving.events()]:
            assert serving.process.returncode is None
            await asyncio.sleep(0.02)
    assert await serving.terminate() == 0
    files = sorted(map(str, (place.data / "evidence").glob("evidence-*.jsonl")))
    verified = await place.run("ciba-service", "evidence", "verify", "--jwks", str(keys), *files)
    assert verified.status == 0, verified.err
