"""Keys on disk: private from the first moment, read strictly, never overwritten."""

import errno
import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ciba_service.flow.signing import signed
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import parse_base64url
from ciba_service.protocol.jose.life_cycle import KeyState
from ciba_service.protocol.jose.verification import parse_jws, verify_jws
from ciba_service.stores.service_keys.key_files import (
    KeyFileError,
    KeyListing,
    generate_keys,
    list_keys,
    load_keys,
)
from ciba_service.stores.service_keys.stored_keys import FileStamp, read_keys
from tests.wire.signing import header_of

FILES = ("keys.json", "ring.json")
NOW = 1_795_230_000_000
KINDS = [
    ("token", "ES256"),
    ("token", "PS256"),
    ("challenge", "ES256"),
    ("factors", "ECDH-ES"),
    ("token", "EdDSA"),
    ("evidence", "ES256"),
    ("wake_up", "ES256"),
    ("events", "ES256"),
    ("receipt", "ES256"),
]


def generate(directory: Path, now: int = NOW) -> list[KeyListing]:
    """Make whatever keys are missing."""
    return generate_keys(directory, random=secrets.token_bytes, now=now)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a full set of keys."""
    directory = tmp_path_factory.mktemp("keys") / "private"
    generate(directory)
    return directory


@pytest.fixture
def directory(made_once: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    for name in FILES:
        (tmp_path / name).write_bytes((made_once / name).read_bytes())
        (tmp_path / name).chmod(0o600)
    return tmp_path


@pytest.mark.clause("sca-art22-4")
def test_keys_are_made_for_their_owner_alone(tmp_path: Path):
    """Files are 0600 and their directory 0700, whatever the umask; nothing else is left there."""
    before = os.umask(0)
    try:
        generate(tmp_path / "data" / "keys")
    finally:
        os.umask(before)
    made = tmp_path / "data" / "keys"
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert sorted(path.name for path in made.iterdir()) == sorted(FILES)
    for name in FILES:
        assert stat.S_IMODE((made / name).stat().st_mode) == 0o600


def test_each_use_has_a_key_of_its_own(directory: Path):
    """Tokens, challenges and factors never share a key, and each key has one algorithm."""
    listed = list_keys(directory)
    assert [(key.purpose, key.alg) for key in listed] == KINDS
    assert len({key.kid for key in listed}) == len(KINDS)
    assert {key.created_at for key in listed} == {key.state_since for key in listed} == {NOW}
    assert {key.state for key in listed} == {KeyState.ACTIVE}
    stored = json.loads((directory / "keys.json").read_bytes())
    assert len({key["jwk"].get("x") or key["jwk"]["n"] for key in stored}) == len(KINDS)


def test_existing_keys_are_never_touched(directory: Path):
    """Generating again makes nothing and writes nothing."""
    before = [(directory / name).read_bytes() for name in FILES]
    stamp = FileStamp.of(directory)
    assert generate(directory, NOW + 1) == []
    assert [(directory / name).read_bytes() for name in FILES] == before
    assert FileStamp.of(directory) == stamp


def test_only_what_is_missing_is_made(directory: Path):
    """A key that is lost is replaced; the others and the ring stay as they are."""
    path = directory / "keys.json"
    stored = json.loads(path.read_bytes())
    path.write_text(json.dumps([key for key in stored if key["purpose"] != "challenge"]))
    ring = (directory / "ring.json").read_bytes()
    (made,) = generate(directory, NOW + 1)
    assert (made.purpose, made.alg, made.created_at) == ("challenge", "ES256", NOW + 1)
    kept = [key for key in json.loads(path.read_bytes()) if key["purpose"] != "challenge"]
    assert kept == [key for key in stored if key["purpose"] != "challenge"]
    assert (directory / "ring.json").read_bytes() == ring


def test_a_lost_ring_is_not_made_anew(directory: Path):
    """Sealed data would be lost without a word; the operator is told which file is missing."""
    (directory / "ring.json").unlink()
    with pytest.raises(KeyFileError, match=r"ring\.json is missing"):
        generate_keys(directory, random=secrets.token_bytes, now=1)
    assert not (directory / "ring.json").exists()


def test_a_ring_without_keys_gets_them(directory: Path):
    """What a start that was cut off left behind is completed; the ring stays."""
    ring = (directory / "ring.json").read_bytes()
    (directory / "keys.json").unlink()
    assert generate_keys(directory, random=secrets.token_bytes, now=1)
    assert (directory / "ring.json").read_bytes() == ring


def test_what_an_interrupted_start_left_does_not_stop_the_next(tmp_path: Path):
    """A temporary file of a process with the same number is no obstacle."""
    for name in FILES:
        (tmp_path / f".{name}.{os.getpid()}").touch()
    generate(tmp_path)
    load_keys(tmp_path)


async def test_loaded_keys_sign_for_their_use_and_show_their_public_half(directory: Path):
    """Every algorithm has its key; what is published has no private member."""
    keys = load_keys(directory)
    assert keys.token_algorithms == set(SignatureAlgorithm) - {SignatureAlgorithm.RS256}
    for alg in keys.token_algorithms:
        signer = keys.token_signer(alg)
        token = await signed(signer, typ="at+jwt", claims={})
        assert header_of(token) == {"alg": alg, "kid": signer.kid, "typ": "at+jwt"}
        verify_jws(parse_jws(token), keys=keys.token_verification_keys, algorithms=frozenset({alg}))
    published = [
        *keys.public_jwks(),
        *keys.challenge_jwks(),
        *keys.evidence_jwks,
        *keys.events_jwks(),
        *keys.sca_receipt_jwks(),
        keys.factors_key.public_jwk,
    ]
    assert keys.wake_up_signer is not None
    named = {keys.wake_up_signer.kid, *(jwk["kid"] for jwk in published)}
    assert named == {key.kid for key in list_keys(directory)}
    public = keys.wake_up_signer.key.key.public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert parse_base64url(keys.wake_up_key) == point
    assert keys.challenge_jwks()[0]["kid"] == keys.challenge_signer.kid
    for jwk in published:
        assert jwk.keys() <= {"kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"}


def test_loaded_keys_do_not_show_themselves(directory: Path):
    """Their text names keys and holds none."""
    text = repr(load_keys(directory)) + repr(read_keys(directory))
    for key in json.loads((directory / "keys.json").read_bytes()):
        assert key["jwk"]["d"] not in text
    (ring,) = json.loads((directory / "ring.json").read_bytes())["keys"]
    assert ring not in text
    assert "private" not in text.lower()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601, 0o620])
@pytest.mark.parametrize("name", FILES)
def test_a_file_open_to_others_is_refused(directory: Path, name: str, mode: int):
    """One bit for anybody else is too much; the message says what to do."""
    (directory / name).chmod(mode)
    with pytest.raises(KeyFileError, match=rf"{name}.*chmod 600"):
        load_keys(directory)


def test_a_directory_without_keys_is_named(tmp_path: Path):
    """The message names the file and the reason."""
    with pytest.raises(KeyFileError, match=r"keys\.json cannot be read: No such file"):
        load_keys(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_half_of_the_files_is_refused(directory: Path, name: str):
    """Keys without their ring, or a ring without its keys: the message names what to bring back."""
    (directory / name).unlink()
    with pytest.raises(KeyFileError, match=rf"{directory / name} is missing beside .* put it back"):
        load_keys(directory)


class Disk:
    """Notes what is made durable, and can fail at the n-th time."""

    def __init__(self, *, fail_at: int | None = None) -> None:
        self.synced: list[str] = []
        self._fail_at = fail_at

    def fsync(self, descriptor: int) -> None:
        """Take the place of ``os.fsync``."""
        if len(self.synced) == self._fail_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)


def test_files_and_their_names_are_on_disk_the_ring_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Each file is synced before it gets its name, and then the directory that has the name."""
    disk = Disk()
    monkeypatch.setattr(os, "fsync", disk.fsync)
    generate(tmp_path)
    ring, first, keys, second = disk.synced
    assert ring.startswith(".ring.json.")
    assert keys.startswith(".keys.json.")
    assert first == second == tmp_path.name


@pytest.mark.parametrize("fail_at", range(4))
def test_whatever_fails_leaves_no_keys_without_a_ring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail_at: int
):
    """A full disk leaves nothing half written, and the next attempt completes what is there."""
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", Disk(fail_at=fail_at).fsync)
        with pytest.raises(OSError, match="No space left"):
            generate(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left in ([], ["ring.json"], sorted(FILES))
    ring = (tmp_path / "ring.json").read_bytes() if left else None
    generate(tmp_path)
    load_keys(tmp_path)
    assert ring in (None, (tmp_path / "ring.json").read_bytes())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("keys.json", b""),
        ("keys.json", b"{}"),
        ("keys.json", b"[1]"),
        ("keys.json", b"\xff"),
        ("keys.json", b'[{"kid": "x", "purpose": "other"}]'),
        ("ring.json", b""),
        ("ring.json", b'{"keys": []}'),
        ("ring.json", b'{"keys": ["short"]}'),
        ("ring.json", b'{"keys": ["***"]}'),
        ("ring.json", b"[]"),
    ],
)
def test_a_malformed_file_is_refused(directory: Path, name: str, content: bytes):
    """What is not a key file stops the start and names the file."""
    (directory / name).write_bytes(content)
    with pytest.raises(KeyFileError, match=f"{name} is malformed"):
        load_keys(directory)


def test_a_set_without_some_key_is_refused(directory: Path):
    """Every use needs its key; the message names those that lack one."""
    (directory / "keys.json").write_bytes(b"[]")
    with pytest.raises(KeyFileError, match=r"lacks keys: .*, challenge ES256, factors ECDH-ES"):
        load_keys(directory)


def spoil(directory: Path, purpose: str, alg: str, **members: Any) -> None:
    """Change members of one stored JWK; None takes one away."""
    path = directory / "keys.json"
    stored = json.loads(path.read_bytes())
    for key in stored:
        if (key["purpose"], key["alg"]) == (purpose, alg):
            changed = {**key["jwk"], **members}
            key["jwk"] = {name: value for name, value in changed.items() if value is not None}
    path.write_text(json.dumps(stored))


@pytest.mark.parametrize(("purpose", "alg"), KINDS)
def test_a_key_that_is_only_public_is_refused(directory: Path, purpose: str, alg: str):
    """Without its private half a key signs and opens nothing."""
    names = ("d", "p", "q", "dp", "dq", "qi")
    spoil(directory, purpose, alg, **dict.fromkeys(names))
    with pytest.raises(KeyFileError, match="is not private"):
        load_keys(directory)


@pytest.mark.parametrize(("purpose", "alg"), KINDS)
@pytest.mark.parametrize("spoilt", [{"kty": None}, {"d": "*"}], ids=str)
def test_a_key_that_cannot_be_read_is_refused(
    directory: Path, purpose: str, alg: str, spoilt: dict[str, str | None]
):
    """A damaged key is named by its file and never half used."""
    spoil(directory, purpose, alg, **spoilt)
    with pytest.raises(KeyFileError, match=r"keys\.json"):
        load_keys(directory)


def test_a_key_of_an_unknown_algorithm_is_refused(directory: Path):
    """A token key that nothing here can use stops the start."""
    path = directory / "keys.json"
    stored = json.loads(path.read_bytes())
    path.write_text(json.dumps([*stored, {**stored[0], "alg": "ES512"}]))
    with pytest.raises(KeyFileError, match=r"keys\.json"):
        load_keys(directory)


def without_states(directory: Path, *, but: tuple[str, str] | None = None) -> None:
    """Write the keys as they were written before keys had a life, and leave one use out."""
    path = directory / "keys.json"
    stored = json.loads(path.read_bytes())
    for key in stored:
        del key["state"], key["state_since"]
    kept = [key for key in stored if (key["purpose"], key["alg"]) != but]
    path.write_text(json.dumps(kept))


def test_keys_from_before_they_had_a_life_are_active(directory: Path):
    """They load as they are, and are active since they were made."""
    without_states(directory)
    load_keys(directory)
    for key in list_keys(directory):
        assert (key.state, key.state_since) == (KeyState.ACTIVE, NOW)


def test_keys_from_before_there_was_eddsa_still_load(directory: Path):
    """Nothing is signed with it then; generating makes the one that is missing."""
    without_states(directory, but=("token", "EdDSA"))
    assert SignatureAlgorithm.EDDSA not in load_keys(directory).token_algorithms
    (made,) = generate(directory, NOW + 1)
    assert (made.purpose, made.alg) == ("token", "EdDSA")
    assert SignatureAlgorithm.EDDSA in load_keys(directory).token_algorithms


def test_without_the_keys_that_only_some_need_there_is_no_such_signer(directory: Path):
    """Whoever keeps no evidence, pushes no events, wakes no phones and asks for no receipts."""
    path = directory / "keys.json"
    stored = json.loads(path.read_bytes())
    needed = {"token", "challenge", "factors"}
    path.write_text(json.dumps([key for key in stored if key["purpose"] in needed]))
    keys = load_keys(directory)
    assert (keys.evidence_signer, keys.events_signer, keys.sca_receipt_signer) == (None, None, None)
    assert (keys.wake_up_signer, keys.wake_up_key) == (None, None)


def test_two_active_keys_for_one_use_are_refused(directory: Path):
    """Which of them signs must not depend on their order."""
    path = directory / "keys.json"
    stored = json.loads(path.read_bytes())
    path.write_text(json.dumps([*stored, {**stored[0], "kid": "other"}]))
    with pytest.raises(KeyFileError, match="several active keys"):
        load_keys(directory)


def test_a_state_that_is_none_is_refused(directory: Path):
    """Whether a key may sign is never guessed."""
    path = directory / "keys.json"
    stored = json.loads(path.read_bytes())
    path.write_text(json.dumps([{**key, "state": "asleep"} for key in stored]))
    with pytest.raises(KeyFileError, match=r"keys\.json is malformed"):
        load_keys(directory)
