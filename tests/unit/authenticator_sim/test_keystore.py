"""The phone's files: private, whole, and free of any test for the PIN."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from authenticator_sim import keystore as stored
from authenticator_sim import storage
from authenticator_sim.core.events import Decided
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.pin import Pin, unwrap_pin_key
from authenticator_sim.errors import KeystoreRefused, NotEnrolled
from authenticator_sim.journal import Journal
from authenticator_sim.keystore import Keystore
from ciba_service.sca.messages import Verdict
from tests.unit.authenticator_sim.scripted_service import (
    MALFORMED_JSON,
    NOW_MS,
    PIN,
    ScriptedBank,
    b64,
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A directory that does not exist yet."""
    return tmp_path / "state" / "phone"


@pytest.fixture
def keystore(state: Path, identity: DeviceIdentity) -> Keystore:
    """A stored phone."""
    keystore = Keystore(state)
    keystore.prepare()
    keystore.save(identity)
    return keystore


def mode(path: Path) -> int:
    """Permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_phone_survives_a_restart(
    keystore: Keystore, identity: DeviceIdentity, bank: ScriptedBank
) -> None:
    """Everything comes back, and the PIN key with the PIN."""
    loaded = Keystore(keystore.directory).load()
    assert (
        loaded.signing_key.as_dict(private=True)["d"]
        == (identity.signing_key.as_dict(private=True)["d"])
    )
    assert (loaded.device_id, loaded.issuer, loaded.subject, loaded.name) == (
        identity.device_id,
        identity.issuer,
        identity.subject,
        identity.name,
    )
    assert (loaded.websocket, loaded.messages) == (identity.websocket, identity.messages)
    assert (loaded.service_keys, loaded.totp) == (identity.service_keys, identity.totp)
    assert unwrap_pin_key(loaded.pin_key, Pin(PIN)).key == bank.pin_key


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_files_are_private_whatever_the_umask(
    state: Path, identity: DeviceIdentity, umask: int
) -> None:
    """0600 in 0700, and nothing else is left behind."""
    before = os.umask(umask)
    try:
        Keystore(state).prepare()
        Keystore(state).save(identity)
        Journal(state).reserve_otp_step(1)
    finally:
        os.umask(before)
    assert mode(state) == 0o700
    assert {path.name: mode(path) for path in state.iterdir()} == {
        "keystore.json": 0o600,
        "journal.json": 0o600,
        "journal.lock": 0o600,
    }


@pytest.mark.clause("sca-art6-1")
def test_the_pin_is_nowhere_in_the_file(keystore: Keystore, bank: ScriptedBank) -> None:
    """Neither the PIN nor the PIN key, and the wrapped key has exactly its length."""
    text = (keystore.directory / "keystore.json").read_text()
    assert PIN not in text.replace(b64(bank.pin_key), "")
    assert b64(bank.pin_key) not in text
    stored = json.loads(text)
    assert (len(stored["pin_key_wrapped"]), len(stored["pin_salt"])) == (43, 22)


@pytest.mark.parametrize(
    ("name", "loose", "advice"),
    [
        ("keystore.json", 0o640, "run chmod 600"),
        ("keystore.json", 0o604, "run chmod 600"),
        (".", 0o750, "run chmod 700"),
    ],
)
def test_loose_permissions_are_refused_with_advice(
    keystore: Keystore, name: str, loose: int, advice: str
) -> None:
    """The sentence says which file and what to do."""
    path = keystore.directory / name
    path.chmod(loose)
    with pytest.raises(KeystoreRefused, match=f"{loose:04o}.*{advice}"):
        keystore.load()


def test_a_loose_directory_is_refused_before_enrolment(state: Path) -> None:
    """No activation code is spent on it."""
    state.mkdir(parents=True)
    state.chmod(0o755)
    with pytest.raises(KeystoreRefused, match="run chmod 700"):
        Keystore(state).prepare()


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    """With the system's reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(KeystoreRefused, match="cannot be used"):
        Keystore(tmp_path / "file" / "phone").prepare()


def test_files_of_another_user_are_refused(
    keystore: Keystore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever owns the file owns the phone."""
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    with pytest.raises(KeystoreRefused, match="belongs to another user"):
        keystore.load()


def test_a_link_is_not_followed(keystore: Keystore, tmp_path: Path) -> None:
    """Neither read through nor written through."""
    path = keystore.directory / "keystore.json"
    target = tmp_path / "elsewhere.json"
    path.rename(target)
    path.symlink_to(target)
    with pytest.raises(KeystoreRefused, match="cannot be read"):
        keystore.load()
    with pytest.raises(KeystoreRefused, match="enrolled"):
        keystore.prepare()


def test_something_that_is_no_file_is_refused(state: Path) -> None:
    """A pipe would wait for ever."""
    storage.private_directory(state)
    os.mkfifo(state / "keystore.json", 0o600)
    with pytest.raises(KeystoreRefused, match="not a regular file"):
        Keystore(state).load()


def test_a_phone_is_not_overwritten(keystore: Keystore) -> None:
    """A second enrolment needs another directory."""
    with pytest.raises(KeystoreRefused, match="name another with --state"):
        Keystore(keystore.directory).prepare()


def test_no_phone_is_said_plainly(state: Path) -> None:
    """With the command that makes one."""
    with pytest.raises(NotEnrolled, match="run authenticator-sim enrol"):
        Keystore(state).load()


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"pin_salt": ""},
        {"pin_key_wrapped": "AAAA"},
        {"pin_key_wrapped": "*"},
        {"signing_key": {"kty": "EC"}},
        {"signing_key": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"}},
        {"device_id": None},
        {"totp": {"secret": "!"}},
        {"more": 1},
    ],
)
def test_a_damaged_keystore_is_refused(keystore: Keystore, change: dict[str, object]) -> None:
    """Cleanly, whatever is wrong with it."""
    path = keystore.directory / "keystore.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(KeystoreRefused, match="is damaged"):
        keystore.load()


@pytest.mark.parametrize("content", [*MALFORMED_JSON, b'{"device_id": "\xff"}'])
def test_a_file_that_is_no_keystore_is_refused(keystore: Keystore, content: bytes) -> None:
    """Broken text and bottomless nesting, too."""
    (keystore.directory / "keystore.json").write_bytes(content)
    with pytest.raises(KeystoreRefused, match="is damaged"):
        keystore.load()


def test_a_keystore_with_public_halves_only_is_damaged(keystore: Keystore) -> None:
    """A key that cannot sign is no key of a phone."""
    path = keystore.directory / "keystore.json"
    stored = json.loads(path.read_text())
    del stored["signing_key"]["d"]
    path.write_text(json.dumps(stored))
    with pytest.raises(KeystoreRefused, match="is damaged"):
        keystore.load()


def test_a_crash_while_writing_leaves_the_old_file_whole(
    keystore: Keystore, identity: DeviceIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rename is the only step that counts, and the half-written file goes away."""
    path = keystore.directory / "keystore.json"
    before = path.read_bytes()

    def crash(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(KeystoreRefused, match="No space left"):
        keystore.save(identity)
    assert path.read_bytes() == before
    assert [entry.name for entry in keystore.directory.iterdir()] == ["keystore.json"]


def _decided(bank: ScriptedBank, name: str) -> Decided:
    return Decided(name, Verdict.APPROVE, NOW_MS, bank.challenge(name))


def test_the_journal_keeps_the_last_fifty_decisions(state: Path, bank: ScriptedBank) -> None:
    """In order, across runs."""
    storage.private_directory(state)
    for number in range(52):
        Journal(state).record(_decided(bank, f"tx-{number}"))
    names = [decided.transaction_id for decided in Journal(state).decisions()]
    assert names == [f"tx-{number}" for number in range(2, 52)]


def test_a_time_step_is_reserved_once(state: Path, bank: ScriptedBank) -> None:
    """Neither it nor an older one is given again, and decisions are untouched by that."""
    storage.private_directory(state)
    journal = Journal(state)
    journal.record(_decided(bank, "tx-1"))
    assert journal.reserve_otp_step(7)
    assert not Journal(state).reserve_otp_step(7)
    assert not journal.reserve_otp_step(6)
    assert journal.reserve_otp_step(8)
    assert len(journal.decisions()) == 1


def test_two_processes_never_reserve_the_same_step(state: Path) -> None:
    """The lock holds between processes."""
    storage.private_directory(state)
    program = (
        "import sys, pathlib; from authenticator_sim.journal import Journal\n"
        "journal = Journal(pathlib.Path(sys.argv[1]))\n"
        "print(*[step for step in range(40) if journal.reserve_otp_step(step)])"
    )
    processes = [
        subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", program, str(state)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    taken = [step for process in processes for step in process.communicate()[0].split()]
    assert sorted(map(int, taken)) == sorted(set(map(int, taken)))
    assert "39" in taken


@pytest.mark.parametrize(
    ("content", "sentence"),
    [*((content, "is damaged") for content in MALFORMED_JSON), (b'{"format": 2}', "does not know")],
)
def test_a_damaged_journal_is_refused(state: Path, content: bytes, sentence: str) -> None:
    """It might have forgotten a spent code."""
    storage.private_directory(state)
    storage.write_private(state / "journal.json", content)
    with pytest.raises(KeystoreRefused, match=sentence):
        Journal(state).decisions()


def test_a_lock_that_cannot_be_opened_is_said(state: Path) -> None:
    """With the system's reason."""
    with pytest.raises(KeystoreRefused, match="cannot be locked"):
        Journal(state).reserve_otp_step(1)


def test_the_journal_holds_no_secret(state: Path, bank: ScriptedBank) -> None:
    """Only what was displayed and decided."""
    storage.private_directory(state)
    Journal(state).record(_decided(bank, "tx-1"))
    entries = msgspec.json.decode((state / "journal.json").read_bytes())
    assert set(entries) <= {"format", "otp_step", "decisions"}
    assert "decision" not in entries["decisions"][0]


@pytest.mark.parametrize("kind", ["_StoredPhone", "_StoredPin", "_StoredPasskey"])
def test_what_is_stored_is_in_no_log(kind: str):
    """Keys, salts and orders stand in none of the texts that Python makes of them."""
    struct = getattr(stored, kind)
    assert repr(struct(**dict.fromkeys(struct.__struct_fields__))) == f"{kind}(...)"
