"""Operators at the command line: the same commands while the service runs and while it does not."""

import asyncio
import json
import os
import re
import signal
import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from ciba_service.cli import build_parser, main
from ciba_service.sca.messages import key_thumbprint, transaction_id
from tests.redis.servers import redis_server
from tests.services.service_process import BIN, READY_SECONDS, Installation, installation
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

USERS = ({"sub": "alice", "login_hints": ["alice@example.org"]}, {"sub": "bob", "enabled": False})
HTTPS = "https://op.example"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation with two users."""
    async with installation(tmp_path) as place:
        place.configure(users=USERS)
        yield place


@asynccontextmanager
async def maybe_serving(place: Installation, *, serving: bool) -> AsyncIterator[None]:
    """The service runs, or does not."""
    if not serving:
        yield
        return
    service = await place.serve()
    yield
    assert await service.terminate() == 0


async def activated(place: Installation, *more: str) -> WirePhone:
    """A phone of Alice that was enrolled with what the command line printed."""
    made = await place.command("users", "activate", "alice", "--json", *more)
    assert made.status == 0, made.err
    row = made.json()
    assert (row["sub"], row["expires_in"]) == ("alice", 600)
    phone = place.phone()
    return await phone.enrol(row["activation_code"], second_secret=row["second_secret"])


async def approve(phone: WirePhone, further: WirePhone) -> None:
    """Approve a phone that waits on one that is there."""
    key = key_thumbprint({name: str(each) for name, each in further.key.as_dict().items()})
    order = await phone.order("approve_device", device_id=further.device_id, key=key)
    assert (await phone.give_order(order))["type"] == "order_done"


async def locked(place: Installation, phone: WirePhone) -> str:
    """Five wrong PINs for one request; returns its challenge."""
    await place.till.started()
    (challenge,) = await phone.fetch()
    for left in (4, 3, 2, 1, 0):
        refused = await phone.decide(phone.approval(challenge, pin=False))
        assert (refused["reason"], refused["attempts_left"]) == ("factors", left)
    return challenge


@pytest.mark.clause("sca-art4-7", "sca-art4-11", "nist63b-4.3-1")
async def test_a_phone_from_its_activation_to_its_end(place: Installation):
    """Activate, list, lock, unlock, revoke: each command takes effect in the running service."""
    await place.serve()
    phone = await activated(place)
    (alice, bob) = (await place.command("users", "list", "--json")).json()
    assert alice == {
        "sub": "alice", "enabled": True, "phones": 1, "failed_attempts": 0, "locked": False,
    }  # fmt: skip
    assert bob == {**alice, "sub": "bob", "enabled": False, "phones": 0}
    (device,) = (await place.command("devices", "list", "--json")).json()
    assert (device["device_id"], device["name"]) == (phone.device_id, "Alice's phone")

    await locked(place, phone)
    (alice, _) = (await place.command("users", "list", "--json")).json()
    assert (alice["failed_attempts"], alice["locked"]) == (5, True)
    unlocked = await place.command("users", "unlock", "alice")
    assert (unlocked.status, unlocked.out) == (0, "alice is unlocked\n")
    (alice, _) = (await place.command("users", "list", "--json")).json()
    assert (alice["failed_attempts"], alice["locked"]) == (0, False)
    auth_req_id = await place.till.started()
    (challenge,) = await phone.fetch()
    assert (await phone.decide(phone.approval(challenge)))["type"] == "accepted"
    assert (await place.till.poll(auth_req_id)).status_code == 200

    auth_req_id = await place.till.started()
    async with phone.online() as online:
        (offered,) = [each for each in online.first if each["type"] == "challenge"]
        decision = phone.approval(offered["challenge"])
        revoked = await place.command("devices", "revoke", phone.device_id)
        assert (revoked.status, revoked.out) == (0, f"{phone.device_id} is revoked\n")
        async with asyncio.timeout(READY_SECONDS):
            with pytest.raises(ConnectionClosed) as closed:
                await online.next("nothing but what was under way")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    late = await phone.send({"type": "decide", "decision": decision})
    assert (late.status_code, late.json()["error"]) == (403, "device_revoked")
    assert (await place.till.poll(auth_req_id)).json()["error"] == "authorization_pending"
    assert (await place.command("devices", "list", "--json")).json() == []
    again = await place.command("devices", "revoke", phone.device_id)
    assert (again.status, again.err) == (
        1, f"ciba-service: there is no device {phone.device_id}\n",
    )  # fmt: skip


async def test_what_is_done_while_nothing_runs_counts_afterwards(place: Installation):
    """Codes, unlocking and revoking on the data directory alone are found by the next start."""
    made = (await place.command("users", "activate", "alice", "--json")).json()
    service = await place.serve()
    phone = await place.phone().enrol(made["activation_code"], second_secret=made["second_secret"])
    await locked(place, phone)
    assert await service.terminate() == 0

    assert (await place.command("users", "unlock", "alice")).status == 0
    (device,) = (await place.command("devices", "list", "--user", "alice", "--json")).json()
    assert device["device_id"] == phone.device_id
    service = await place.serve()
    await place.till.started()
    assert (await phone.approve_next())["type"] == "accepted"
    assert await service.terminate() == 0

    assert (await place.command("devices", "revoke", phone.device_id)).status == 0
    assert (await place.command("users", "list", "--json")).json()[0]["phones"] == 0
    assert place.leftovers() == []
    await place.serve()
    answer = await phone.send({"type": "fetch"})
    assert answer.json()["error"] == "device_revoked"


async def test_a_user_begins_anew_without_any_phone(place: Installation):
    """Every phone is cut off, the lock is gone, and the code needs its second secret."""
    await place.serve()
    phone = await activated(place)
    await approve(phone, await activated(place, "--additional"))
    async with phone.online() as online:
        await locked(place, phone)
        made = (await place.command("users", "reset", "alice", "--json")).json()
        await online.raw.wait_closed()
        assert online.raw.close_code == 4403
    alice = (await place.command("users", "list", "--json")).json()[0]
    assert (alice["phones"], alice["failed_attempts"]) == (0, 0)
    new = place.phone()
    half = await new.send_enrolment(new.enrolment(made["activation_code"]))
    assert half.status_code == 400
    await new.enrol(made["activation_code"], second_secret=made["second_secret"])
    await place.till.started()
    assert (await new.approve_next())["type"] == "accepted"


async def test_a_further_phone_is_said_in_so_many_words(place: Installation):
    """Who has a phone gets a further code only with --additional, and its phone waits."""
    await place.serve()
    phone = await activated(place)
    refused = await place.command("users", "activate", "alice")
    assert refused.status == 1
    assert "--additional" in refused.err
    further, unwanted = [await activated(place, "--additional") for _ in range(2)]
    rows = (await place.command("devices", "list", "--json")).json()
    assert [bool(row["waits_until"]) for row in rows] == [False, True, True]
    assert (await place.command("devices", "revoke", unwanted.device_id)).status == 0
    await approve(phone, further)
    assert (await place.command("users", "list", "--json")).json()[0]["phones"] == 2
    made = await place.command("users", "activate", "alice", "--additional")
    assert "waits until the user approves it" in made.out


async def test_a_code_made_before_the_first_phone_adds_no_second(place: Installation):
    """It was made without --additional, and is worth nothing once there is a phone."""
    await place.serve()
    made = (await place.command("users", "activate", "alice", "--json")).json()
    await activated(place)
    late = place.phone()
    refused = await late.send_enrolment(
        late.enrolment(made["activation_code"], second_secret=made["second_secret"])
    )
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_enrolment")
    assert (await place.command("users", "list", "--json")).json()[0]["phones"] == 1


@pytest.mark.parametrize("serving", [True, False], ids=["serving", "alone"])
async def test_people_read_tables(place: Installation, *, serving: bool):
    """Without --json, lists are tables and codes are sentences; check is content."""
    async with maybe_serving(place, serving=serving):
        users = await place.command("users", "list")
        assert [line.split() for line in users.out.splitlines()] == [
            ["sub", "enabled", "phones", "failed_attempts", "locked"],
            ["alice", "True", "0", "0", "False"],
            ["bob", "False", "0", "0", "False"],
        ]
        assert (await place.command("devices", "list")).out == "none\n"
        made = await place.command("users", "activate", "alice")
        assert [line.split()[:2] for line in made.out.splitlines()] == [
            ["activation", "code"], ["second", "secret"],
        ]  # fmt: skip
        place.configure(users=USERS, device={"second_secret": False})
        made = await place.command("users", "activate", "alice")
        assert len(made.out.splitlines()) == 1
        check = await place.command("check")
        assert (check.status, check.out) == (0, "configuration, keys and store are good\n")


async def test_what_happened_to_a_transaction(place: Installation):
    """An operator sees why it was denied, which its client does not; a table, or JSON."""
    service = await place.serve()
    phone = await activated(place)
    auth_req_id = await place.till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge, reason="not_me"))
    name = transaction_id(auth_req_id)
    shown = (await place.command("transactions", "show", name, "--json")).json()
    assert (shown["transaction_id"], shown["client_id"]) == (name, "till")
    assert (shown["state"], shown["complete"]) == ("denied", True)
    assert [event["event"] for event in shown["events"]] == ["requested", "announced", "denied"]
    assert shown["events"][-1].keys() == {"id", "event", "at", "reason"}
    assert shown["events"][-1]["reason"] == "not_me"
    assert await service.terminate() == 0
    table = (await place.command("transactions", "show", name)).out
    first, empty, head, *rows = table.splitlines()
    assert (first, empty) == (f"{name} of till is denied", "")
    assert head.split() == ["at", "event", "facts"]
    assert [row.split()[1:] for row in rows] == [
        ["requested"], ["announced"], ["denied", "reason=not_me"],
    ]  # fmt: skip
    assert [row.split()[0] for row in rows] == [event["at"] for event in shown["events"]]


async def test_the_receipt_of_an_approval(place: Installation):
    """The JWS alone, to be piped, or JSON with what it says; else the reason why there is none."""
    service = await place.serve()
    phone = await activated(place)
    auth_req_id = await place.till.started()
    name = transaction_id(auth_req_id)
    refused = await place.command("transactions", "receipt", name)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == f"ciba-service: {name} is pending: there is no approval that counts\n"
    await phone.approve_next()
    receipt = (await place.command("transactions", "receipt", name)).out.strip()
    shown = (await place.command("transactions", "receipt", name, "--json")).json()
    assert claims_of(receipt) == claims_of(shown["sca_receipt"]) == shown["claims"]
    assert (shown["transaction_id"], shown["claims"]["txn"]) == (name, name)
    for other in ("A" * 22, "none"):
        unknown = await place.command("transactions", "receipt", other)
        assert unknown.err == f"ciba-service: there is no transaction {other}\n"
    keys = place.data / "keys" / "keys.json"
    left = [key for key in json.loads(keys.read_text()) if key["purpose"] != "receipt"]
    keys.write_text(json.dumps(left))
    keyless = await place.command("transactions", "receipt", name)
    assert "there is no key for SCA receipts; ciba-service keys generate makes" in keyless.err
    assert await service.terminate() == 0


@pytest.mark.clause("sca-art22-4")
async def test_nobody_is_shown_what_is_secret(place: Installation):
    """No list, no check and no log has a private key, the ring, a code or a second secret."""
    service = await place.serve()
    made = (await place.command("users", "activate", "alice", "--json")).json()
    phone = await place.phone().enrol(made["activation_code"], second_secret=made["second_secret"])
    await locked(place, phone)
    shown = "".join(
        [
            (await place.command(*words.split())).out
            for words in (
                "users list", "users list --json", "devices list", "devices list --json",
                "keys list", "keys list --json", "keys generate", "check",
            )
        ]
    )  # fmt: skip
    assert await service.terminate() == 0
    shown += service.log.read_text("utf-8")
    keys = json.loads((place.data / "keys" / "keys.json").read_text())
    secrets = [key["jwk"]["d"] for key in keys]
    secrets += json.loads((place.data / "keys" / "ring.json").read_text())["keys"]
    secrets += [made["activation_code"], made["second_secret"], phone.totp_secret]
    assert len(secrets) == 13
    assert [secret for secret in secrets if secret in shown] == []
    assert all(key["kid"] in shown for key in keys)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("users activate eve", "there is no user eve"),
        ("users unlock eve", "there is no user eve"),
        ("users reset eve", "there is no user eve"),
        ("users show eve", "there is no user eve"),
        ("users unblock eve --client till", "there is no user eve"),
        ("devices list --user eve", "there is no user eve"),
        ("clients remove kiosk", "no client kiosk has registered"),
        ("clients remove till", "till is a client of the configuration: change it there"),
        ("clients disable till", "till is a client of the configuration: change it there"),
        ("devices revoke nonsense", "there is no device nonsense"),
        ("transactions show nonsense", "there is no transaction nonsense"),
        ("transactions show -AAAAAAAAAAAAAAAAAAAAA", "there is no transaction -AAAA"),
        ("devices revoke AAAAAAAAAAAAAAAAAAAAAAAA.x", "there is no device AAAA"),
    ],
)
async def test_what_cannot_be_done_is_status_1(place: Installation, words: str, sentence: str):
    """The reason is one line on standard error, and standard output stays empty."""
    refused = await place.command(*words.split())
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith(f"ciba-service: {sentence}")
    assert len(refused.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "unbuffered"),
    [
        ("ciba-service events schema", "1"),
        ("ciba-service --version", ""),
        ("ciba-client conformance --list", "1"),
        ("ciba-client --version", ""),
        ("authenticator-sim scenarios list", "1"),
        ("authenticator-sim --version", ""),
    ],
)
def test_output_for_which_there_is_no_room_is_a_sentence(command: str, unbuffered: str):
    """On a full disk; what was to be printed was not, whether at once or at the end."""
    program, *arguments = command.split()
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(  # noqa: S603 - ours
            [BIN / program, *arguments],
            stdout=full, stderr=subprocess.PIPE, check=False, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert ended.stderr == f"{program}: the output cannot be written: No space left on device\n"
    assert ended.returncode == 1


async def test_an_interrupted_reader_is_no_traceback(place: Installation):
    """Whoever closes the pipe early ends the command quietly."""
    script = "ciba-service users list --config ciba.toml | true; echo ${PIPESTATUS[0]}"
    bash = await asyncio.create_subprocess_exec(
        "bash", "-c", f'PATH="{BIN}:$PATH"; {script}',
        cwd=place.directory, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await bash.communicate()
    assert (out, err) == (b"1\n", b"")


async def test_streams_that_are_closed_are_no_sockets(place: Installation):
    """The store, say, never stands where output goes: neither is harmed."""
    script = "ciba-service users list --config ciba.toml <&- >&- 2>&-"
    bash = await asyncio.create_subprocess_exec(
        "bash", "-c", f'PATH="{BIN}:$PATH"; {script}', cwd=place.directory
    )
    assert await bash.wait() == 0


# --- Keys ---


@pytest.fixture
def https(tmp_path: Path) -> Path:
    """A configuration with an https issuer, and no keys."""
    config = tmp_path / "ciba.toml"
    data = json.dumps(str(tmp_path / "var"))
    config.write_text(f'[server]\nissuer = "{HTTPS}"\nport = 0\n[store]\ndata_directory = {data}\n')
    return config


def run(config: Path, words: str) -> int:
    """Run a command in this process."""
    return main([*words.split(), "--config", str(config)])


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("words", ["serve", "check", "users list", "devices list", "keys list"])
def test_absent_keys_are_refused_with_an_https_issuer(
    https: Path, capsys: pytest.CaptureFixture[str], words: str
):
    """Nothing makes them by itself."""
    assert run(https, words) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "keys.json cannot be read: No such file or directory" in said.err
    assert ("keys generate makes what is missing" in said.err) or words == "keys list"
    assert not (https.parent / "var" / "keys" / "keys.json").exists()


def test_keys_are_made_once_and_for_their_owner_only(
    https: Path, capsys: pytest.CaptureFixture[str]
):
    """All keys and the ring; a second time nothing changes; then everything works."""
    directory = https.parent / "var" / "keys"
    assert run(https, "keys generate --json") == 0
    made = json.loads(capsys.readouterr().out)
    assert sorted((key["purpose"], key["alg"]) for key in made) == [
        ("challenge", "ES256"), ("events", "ES256"), ("evidence", "ES256"), ("factors", "ECDH-ES"),
        ("receipt", "ES256"), ("token", "ES256"), ("token", "EdDSA"), ("token", "PS256"),
        ("wake_up", "ES256"),
    ]  # fmt: skip
    assert mode(directory) == 0o700
    assert {mode(path) for path in directory.glob("*.json")} == {0o600}
    before = (directory / "keys.json").read_bytes(), (directory / "ring.json").read_bytes()
    assert run(https, "keys generate") == 0
    assert capsys.readouterr().out == "all keys are there already\n"
    assert run(https, "keys generate --json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert before == (
        (directory / "keys.json").read_bytes(),
        (directory / "ring.json").read_bytes(),
    )
    assert run(https, "keys list --json") == 0
    assert json.loads(capsys.readouterr().out) == made
    assert run(https, "check") == 0


@pytest.mark.clause("sca-art22-4")
@pytest.mark.parametrize("name", ["keys.json", "ring.json"])
def test_keys_that_others_can_read_are_refused(
    https: Path, capsys: pytest.CaptureFixture[str], name: str
):
    """One bit for others is enough, and the sentence says how to mend it."""
    assert run(https, "keys generate") == 0
    path = https.parent / "var" / "keys" / name
    path.chmod(0o640)
    assert run(https, "check") == 1
    assert f"{path} must not be accessible to others (chmod 600)" in capsys.readouterr().err


def test_keys_of_several_starts_at_once_are_the_same(https: Path):
    """Processes that find no keys make one set, not one each."""

    async def made() -> set[str]:
        places = [
            await asyncio.create_subprocess_exec(
                BIN / "ciba-service", "keys", "generate", "--json", "--config", str(https),
                stdout=asyncio.subprocess.PIPE,
            )
            for _ in range(3)
        ]  # fmt: skip
        outputs = [json.loads((await place.communicate())[0]) for place in places]
        return {key["kid"] for output in outputs for key in output}

    kids = asyncio.run(made())
    stored = json.loads((https.parent / "var" / "keys" / "keys.json").read_text())
    assert kids == {key["kid"] for key in stored}


@pytest.mark.parametrize("content", ["", "[]", "{", '[{"kid": 1}]'])
def test_broken_keys_are_a_sentence(https: Path, capsys: pytest.CaptureFixture[str], content: str):
    """Whatever is in the file, the command ends with status 1 and no key is replaced."""
    directory = https.parent / "var" / "keys"
    assert run(https, "keys generate") == 0
    (directory / "keys.json").write_text(content)
    for words in ("check", "serve"):
        assert run(https, words) == 1
        assert str(directory / "keys.json") in capsys.readouterr().err
    if content != "[]":
        for words in ("keys list", "keys generate"):
            assert run(https, words) == 1
    assert (directory / "keys.json").read_text() == content


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    """What the last command printed as JSON."""
    return list(json.loads(capsys.readouterr().out))


def test_keys_are_rotated_by_two_commands(https: Path, capsys: pytest.CaptureFixture[str]):
    """Next keys first; they sign when everybody had time to fetch them, or when that is forced."""
    assert run(https, "keys generate --json") == 0
    old = {row["alg"]: row["kid"] for row in rows(capsys) if row["purpose"] == "token"}
    assert run(https, "keys rotate --purpose token --json") == 0
    made = rows(capsys)
    assert [(row["alg"], row["state"]) for row in made] == [(alg, "next") for alg in old]
    path = https.parent / "var" / "keys" / "keys.json"
    before = path.read_bytes()
    assert run(https, "keys rotate --purpose token --alg ES256") == 1
    said = capsys.readouterr()
    assert said.out == ""
    # Real time passes between the two commands, and more of it on a busy machine.
    assert re.search(r"the next keys must be published for (600|5[4-9]\d) seconds more", said.err)
    assert path.read_bytes() == before
    assert run(https, "keys rotate --purpose token --alg ES256 --now --json") == 0
    changed = {row["kid"]: row["state"] for row in rows(capsys)}
    new = next(row["kid"] for row in made if row["alg"] == "ES256")
    assert changed == {old["ES256"]: "retired", new: "active"}
    assert run(https, "keys list --json") == 0
    listed = {row["kid"]: (row["state"], row["since"] >= row["created_at"]) for row in rows(capsys)}
    assert len(listed) == 12
    assert listed[old["ES256"]] == ("retired", True)
    assert listed[old["PS256"]] == ("active", True)
    assert run(https, "keys prune") == 0
    assert capsys.readouterr().out == "none\n"
    assert run(https, "check") == 0


def test_an_algorithm_alone_means_token_keys(https: Path, capsys: pytest.CaptureFixture[str]):
    """Challenge keys, which phones must learn anew, are rotated by their purpose or with all."""
    assert run(https, "keys generate") == 0
    capsys.readouterr()
    assert run(https, "keys rotate --alg ES256 --json") == 0
    assert [(row["purpose"], row["alg"]) for row in rows(capsys)] == [("token", "ES256")]
    assert run(https, "keys rotate --purpose challenge --alg ES256 --json") == 0
    assert [(row["purpose"], row["alg"]) for row in rows(capsys)] == [("challenge", "ES256")]
    assert run(https, "keys rotate --purpose challenge --alg PS256") == 1
    assert "there is no such key" in capsys.readouterr().err


def test_retired_keys_are_dropped_when_their_time_is_over(
    https: Path, capsys: pytest.CaptureFixture[str]
):
    """By the lifetimes of the configuration; what may still count is kept."""
    assert run(https, "keys generate") == 0
    for _ in range(2):
        assert run(https, "keys rotate --alg EdDSA --now") == 0
    path = https.parent / "var" / "keys" / "keys.json"
    stored = json.loads(path.read_text())
    (retired,) = [key for key in stored if key["state"] == "retired"]
    retired["state_since"] -= (90 * 86_400 + 300 + 3600) * 1000
    path.write_text(json.dumps(stored))
    capsys.readouterr()
    assert run(https, "keys prune --json") == 0
    assert [(row["kid"], row["state"]) for row in rows(capsys)] == [(retired["kid"], "dropped")]
    assert run(https, "keys list --json") == 0
    assert retired["kid"] not in {row["kid"] for row in rows(capsys)}


def test_a_key_that_is_in_wrong_hands_goes_at_once(https: Path, capsys: pytest.CaptureFixture[str]):
    """It is retired and dropped without waiting; one that signs cannot be dropped."""
    assert run(https, "keys generate --json") == 0
    (kid,) = [row["kid"] for row in rows(capsys) if row["alg"] == "PS256"]
    for name in (kid, "token-nobody"):
        assert run(https, f"keys prune --kid {name}") == 1
        assert capsys.readouterr().err == f"ciba-service: there is no retired key {name}\n"
    for _ in range(2):
        assert run(https, "keys rotate --alg PS256 --now") == 0
    capsys.readouterr()
    assert run(https, f"keys prune --kid {kid} --json") == 0
    assert [(row["kid"], row["state"]) for row in rows(capsys)] == [(kid, "dropped")]
    assert run(https, "check") == 0


def test_rotations_at_once_are_one_after_the_other(https: Path):
    """Of several processes one makes the next keys, and the others are told to wait."""
    assert run(https, "keys generate") == 0

    async def rotated() -> list[int | None]:
        places = [
            await asyncio.create_subprocess_exec(
                BIN / "ciba-service", "keys", "rotate", "--config", str(https),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )
            for _ in range(3)
        ]  # fmt: skip
        for place in places:
            await place.communicate()
        return [place.returncode for place in places]

    assert sorted(asyncio.run(rotated())) == [0, 1, 1]
    stored = json.loads((https.parent / "var" / "keys" / "keys.json").read_text())
    assert [key["state"] for key in stored].count("next") == 7


@pytest.mark.parametrize("words", ["keys rotate", "keys prune"])
def test_without_keys_there_is_nothing_to_rotate(
    https: Path, capsys: pytest.CaptureFixture[str], words: str
):
    """The sentence names the file; no key is made."""
    assert run(https, words) == 1
    assert "keys.json cannot be read: No such file or directory" in capsys.readouterr().err
    assert not (https.parent / "var" / "keys" / "keys.json").exists()


def test_advice_is_given_only_where_it_helps(https: Path, capsys: pytest.CaptureFixture[str]):
    """Generating mends neither a wrong mode nor a lost ring."""
    assert run(https, "keys generate") == 0
    capsys.readouterr()
    directory = https.parent / "var" / "keys"
    (directory / "ring.json").chmod(0o640)
    assert run(https, "check") == 1
    assert "keys generate" not in capsys.readouterr().err
    (directory / "ring.json").unlink()
    assert run(https, "check") == 1
    assert "keys generate" not in capsys.readouterr().err


def test_an_algorithm_that_is_configured_needs_its_key(
    https: Path, capsys: pytest.CaptureFixture[str]
):
    """Keys from before there was EdDSA do until somebody wants it; then the start says so."""
    assert run(https, "keys generate") == 0
    path = https.parent / "var" / "keys" / "keys.json"
    kept = [key for key in json.loads(path.read_text()) if key["alg"] != "EdDSA"]
    path.write_text(json.dumps(kept))
    assert run(https, "check") == 0
    https.write_text(https.read_text() + '[tokens]\naccess_token_alg = "EdDSA"\n')
    capsys.readouterr()
    assert run(https, "check") == 1
    said = capsys.readouterr().err
    assert "lacks a key for tokens of EdDSA (ciba-service keys generate makes" in said
    assert run(https, "keys generate") == 0
    assert run(https, "check") == 0


def test_web_push_needs_its_key(https: Path, capsys: pytest.CaptureFixture[str]):
    """Keys from before there were wake-ups do until somebody wants to push."""
    assert run(https, "keys generate") == 0
    path = https.parent / "var" / "keys" / "keys.json"
    kept = [key for key in json.loads(path.read_text()) if key["purpose"] != "wake_up"]
    path.write_text(json.dumps(kept))
    https.write_text(
        https.read_text() + '[wake_up]\nweb_push = true\ncontact = "mailto:a@bank.example"\n'
    )
    capsys.readouterr()
    assert run(https, "check") == 1
    assert "lacks a key for wake-ups (ciba-service keys generate makes" in capsys.readouterr().err
    assert run(https, "keys generate") == 0
    assert run(https, "check") == 0


def test_receivers_of_events_need_a_key_for_them(https: Path, capsys: pytest.CaptureFixture[str]):
    """Keys from before there were any do until somebody is to get some."""
    assert run(https, "keys generate") == 0
    path = https.parent / "var" / "keys" / "keys.json"
    kept = [key for key in json.loads(path.read_text()) if key["purpose"] != "events"]
    path.write_text(json.dumps(kept))
    assert run(https, "check") == 0
    receiver = '[[security_events.receivers]]\nname = "siem"\nurl = "https://siem.example/"\n'
    https.write_text(https.read_text() + receiver)
    capsys.readouterr()
    assert run(https, "check") == 1
    assert "lacks a key for security events" in capsys.readouterr().err


def development(https: Path) -> Path:
    """The same configuration with an issuer on this machine."""
    config = https.with_name("development.toml")
    config.write_text(https.read_text().replace(HTTPS, "http://127.0.0.1:8080"))
    return config


@pytest.mark.parametrize("name", ["keys.json", "ring.json"])
def test_half_of_the_files_is_not_good_in_development_either(
    https: Path, capsys: pytest.CaptureFixture[str], name: str
):
    """Check says which file is missing, although a start would make keys for a ring."""
    config = development(https)
    assert run(config, "keys generate") == 0
    (https.parent / "var" / "keys" / name).unlink()
    capsys.readouterr()
    assert run(config, "check") == 1
    assert f"{name} is missing beside" in capsys.readouterr().err


def test_development_makes_the_key_that_is_wanted(https: Path):
    """A start there adds what keys from before there was EdDSA lack, and keeps the others."""
    config = development(https)
    assert run(config, "keys generate") == 0
    path = https.parent / "var" / "keys" / "keys.json"
    kept = [key for key in json.loads(path.read_text()) if key["alg"] != "EdDSA"]
    path.write_text(json.dumps(kept))
    config.write_text(config.read_text() + '[tokens]\naccess_token_alg = "EdDSA"\n')
    assert run(config, "users list") == 0
    stored = json.loads(path.read_text())
    assert stored[:-1] == [{**key, "state": "active"} for key in kept]
    assert stored[-1]["alg"] == "EdDSA"


def test_development_mends_no_wrong_mode(https: Path, capsys: pytest.CaptureFixture[str]):
    """What others can read is said, and not replaced."""
    config = development(https)
    assert run(config, "keys generate") == 0
    path = https.parent / "var" / "keys" / "keys.json"
    path.chmod(0o604)
    assert run(config, "users list") == 1
    assert f"{path} must not be accessible to others (chmod 600)\n" in capsys.readouterr().err


# --- Places that cannot be used ---


@pytest.mark.parametrize("words", ["keys generate", "users list", "check"])
def test_a_data_directory_that_is_a_file_is_a_sentence(
    https: Path, capsys: pytest.CaptureFixture[str], words: str
):
    """A path that cannot be made into a directory is named."""
    config = https.with_name("development.toml")
    (https.parent / "var").write_text("")
    config.write_text(https.read_text().replace(HTTPS, "http://127.0.0.1:8080"))
    assert run(config, words) == 1
    said = capsys.readouterr().err
    assert str(https.parent / "var") in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (("--maxmemory-policy", "allkeys-lru"), "maxmemory-policy is allkeys-lru"),
        (("--requirepass", "hunter2"), "Redis refuses the user"),
    ],
)
def test_a_redis_that_is_not_fit_is_refused(
    https: Path,
    capsys: pytest.CaptureFixture[str],
    settings: tuple[str, ...],
    sentence: str,
):
    """Check says what serve would say."""
    assert run(https, "keys generate") == 0
    with redis_server(*settings) as target:
        url = f"redis://127.0.0.1:{target.addresses[0].port}"
        https.write_text(https.read_text().replace("[store]", f'[store]\nurl = "{url}"'))
        assert run(https, "check") == 1
        assert sentence in capsys.readouterr().err
    assert run(https, "check") == 1
    assert "Redis cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (("--min-replicas-to-write", "1"), "Redis did not answer in time"),
        (("--rename-command", "EVALSHA", "", "--rename-command", "EVAL", ""), "unknown command"),
    ],
    ids=["no write", "no scripts"],
)
async def test_a_store_that_fails_later_is_a_sentence(
    place: Installation, settings: tuple[str, ...], sentence: str
):
    """What opens but cannot do the work ends the command with status 1."""
    with redis_server(*settings) as target:
        url = f"redis://127.0.0.1:{target.addresses[0].port}"
        env = {"CIBA_STORE__URL": url, "CIBA_STORE__DEADLINE_MS": "200"}
        refused = await place.command("users", "activate", "alice", env=env)
    assert (refused.status, refused.out) == (1, "")
    assert sentence in refused.err
    assert len(refused.err.splitlines()) == 1


async def test_an_interrupted_command_says_so(place: Installation):
    """Ctrl-C is status 1 and a word, not a traceback."""
    place.config.unlink()
    os.mkfifo(place.config)
    command = await place.start(
        "ciba-service", "users", "list", "--config", str(place.config),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    with await asyncio.to_thread(place.config.open, "wb"):  # It has begun to read.
        command.send_signal(signal.SIGINT)
        _, err = await command.communicate()
    assert (command.returncode, err) == (1, b"ciba-service: interrupted\n")


def test_check_makes_no_keys(https: Path, capsys: pytest.CaptureFixture[str]):
    """In development keys would be made at the start, not by looking; exposure is a warning."""
    config = https.with_name("development.toml")
    text = https.read_text().replace(HTTPS, "http://127.0.0.1:8080")
    config.write_text(text.replace("port = 0", 'port = 0\nhost = "0.0.0.0"'))
    assert run(config, "check") == 0
    said = capsys.readouterr()
    assert said.err.startswith("warning: server.host 0.0.0.0 takes plain http")
    assert said.out == "configuration, keys and store are good\n"
    assert not (https.parent / "var" / "keys").exists()


async def test_rotations_at_once_come_one_after_the_other(place: Installation):
    """One makes the next keys; the others find them, and that they are too young to sign."""
    assert (await place.command("keys", "generate")).status == 0
    words = ("keys", "rotate", "--purpose", "token", "--json")
    outcomes = await asyncio.gather(
        *(place.run("ciba-service", *words, "--config", str(place.config)) for _ in range(4))
    )
    (made,) = [outcome.json() for outcome in outcomes if outcome.status == 0]
    assert {row["state"] for row in made} == {"next"}
    refused = [outcome for outcome in outcomes if outcome.status == 1]
    assert len(refused) == 3
    assert all("the next keys must be published" in outcome.err for outcome in refused)
    listed = (await place.command("keys", "list", "--json")).json()
    assert [row["state"] for row in listed].count("next") == len(made) == 3


# --- The command line itself ---


@pytest.mark.parametrize(
    "words",
    [
        "", "serve", "check", "users", "users list", "users activate", "users unlock",
        "users reset", "users show", "users unblock", "devices",
        "devices list", "devices revoke", "clients", "clients list", "clients remove",
        "clients token", "deliveries", "deliveries list", "deliveries show", "deliveries redeliver",
        "keys", "keys generate", "keys list", "keys rotate", "keys prune",
    ],
)  # fmt: skip
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], words: str):
    """--help explains on standard output and ends with status 0."""
    with pytest.raises(SystemExit) as ended:
        main([*words.split(), "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: ciba-service {words}".rstrip())


@pytest.mark.parametrize(
    "words",
    [
        "", "users", "serve", "serve --config", "start --config a", "serve --config a b",
        "users activate --config a", "keys list --verbose --config a", "users list --conf a",
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_status_2(capsys: pytest.CaptureFixture[str], words: str):
    """Usage goes to standard error."""
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: ciba-service")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        ("[server]", "Object missing required field `issuer` - at `server`"),
        ("[server", "not TOML: "),
    ],
)
def test_a_wrong_configuration_is_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, reason: str
):
    """File, key and reason are one line; nothing is started or made."""
    config = tmp_path / "ciba.toml"
    if content is not None:
        config.write_text(content)
    for words in ("serve", "check", "users list", "keys generate"):
        assert run(config, words) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"ciba-service: {config}: {reason}")
        assert len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == ([] if content is None else [config])


def test_the_parser_can_be_had_for_documentation():
    """Those who describe the command line need not run it."""
    assert build_parser().prog == "ciba-service"
