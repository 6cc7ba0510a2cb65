"""Rotation on disk: whole or not at all, one process at a time, nothing dropped too early."""

import errno
import json
import multiprocessing
import os
import secrets
import shutil
from pathlib import Path

import msgspec
import pytest
from joserfc.jwk import ECKey

from ciba_service.flow.phones.key_announcements import KeyAnnouncements
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encryption import InvalidJweError, encrypt_to
from ciba_service.protocol.jose.life_cycle import CHALLENGE_KEYS_KEPT
from ciba_service.sca.messages import LARGEST_FRAME
from ciba_service.stores.service_keys.key_files import (
    FileKeys,
    KeyFileError,
    KeyListing,
    generate_keys,
    list_keys,
    load_keys,
)
from ciba_service.stores.service_keys.key_rotation import (
    Rotation,
    RotationRefused,
    prune_keys,
    rotate_keys,
)
from ciba_service.stores.service_keys.stored_keys import Purpose, StoredKey, one_writer, read_keys
from tests.services.recording_telemetry import RecordingTelemetry

NOW = 1_795_230_000_000
PUBLISHED = 600_000
KEPT = 4_500_000
ES256 = SignatureAlgorithm.ES256


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a full set of keys."""
    directory = tmp_path_factory.mktemp("keys") / "private"
    generate_keys(directory, random=secrets.token_bytes, now=NOW)
    return directory


@pytest.fixture
def directory(made_once: Path, tmp_path: Path) -> Path:
    """A copy of it to rotate."""
    return Path(shutil.copytree(made_once, tmp_path / "keys"))


def rotate(
    directory: Path,
    now: int,
    *,
    purpose: Purpose | None = "token",
    alg: str | None = "ES256",
    at_once: bool = False,
) -> Rotation:
    """One rotation."""
    return rotate_keys(
        directory,
        purpose=purpose,
        alg=alg,
        token_keys_kept=KEPT // 1000,
        random=secrets.token_bytes,
        now=now,
        at_once=at_once,
    )


def states(keys: list[KeyListing], alg: str = "ES256") -> dict[str, str]:
    """Token keys of an algorithm and what state each is in."""
    return {key.kid: key.state.value for key in keys if (key.purpose, key.alg) == ("token", alg)}


def published(keys: FileKeys) -> set[str]:
    """What others find in the key set; whoever is there verifies here, too."""
    kids = {jwk["kid"] for jwk in keys.public_jwks()}
    assert {key.kid for key in keys.token_verification_keys} == kids
    return kids


def retire_copies(directory: Path, purpose: str, count: int) -> None:
    """Put retired keys beside the one on P-256 that is there, as many rotations leave them."""
    path = directory / "keys.json"
    stored = json.loads(path.read_bytes())
    (key,) = [
        key for key in stored if key["purpose"] == purpose and key["alg"] in {"ES256", "ECDH-ES"}
    ]
    path.write_text(
        json.dumps(
            [
                *stored,
                *({**key, "kid": f"{key['kid']}{n:02}", "state": "retired"} for n in range(count)),
            ]
        )
    )


def test_a_key_goes_through_its_life(directory: Path):
    """It is published before it signs, signs, is published still, and is gone at last."""
    old = load_keys(directory).token_signer(ES256).kid
    (new,) = states(rotate(directory, NOW).changed)
    keys = load_keys(directory)
    assert keys.token_signer(ES256).kid == old
    assert published(keys) >= {old, new}

    rotation = rotate(directory, NOW + PUBLISHED)
    assert states(rotation.changed) == {old: "retired", new: "active"}
    keys = load_keys(directory)
    assert keys.token_signer(ES256).kid == new
    assert published(keys) >= {old, new}

    assert prune_keys(directory, token_keys_kept=KEPT // 1000, now=NOW + PUBLISHED + KEPT - 1) == []
    (gone,) = prune_keys(directory, token_keys_kept=KEPT // 1000, now=NOW + PUBLISHED + KEPT)
    assert gone.kid == old
    assert old not in published(load_keys(directory))
    assert states(list_keys(directory)) == {new: "active"}


def test_a_rotation_drops_what_may_go(directory: Path):
    """Who rotates regularly need not prune."""
    old = load_keys(directory).token_signer(ES256).kid
    for now in (NOW, NOW + PUBLISHED):
        rotate(directory, now)
    rotation = rotate(directory, NOW + PUBLISHED + KEPT)
    assert [key.kid for key in rotation.dropped] == [old]
    assert sorted(states(list_keys(directory)).values()) == ["active", "next"]


def test_all_token_keys_rotate_unless_one_algorithm_is_named(directory: Path):
    """A key that lacks its next one gets it before any of the others changes."""
    rotate(directory, NOW, alg="PS256")
    made = rotate(directory, NOW + PUBLISHED, alg=None).changed
    assert sorted((key.alg, key.state.value) for key in made) == [
        ("ES256", "next"),
        ("EdDSA", "next"),
    ]
    changed = rotate(directory, NOW + 2 * PUBLISHED, alg=None).changed
    assert sorted((key.alg, key.state.value) for key in changed) == [
        (alg, state) for alg in ("ES256", "EdDSA", "PS256") for state in ("active", "retired")
    ]


def test_what_phones_have_pinned_need_not_change(directory: Path):
    """Where token keys rotate alone, challenges and factors keep theirs."""
    before = load_keys(directory)
    for now in (NOW, NOW + PUBLISHED):
        rotate(directory, now, alg=None)
    after = load_keys(directory)
    assert after.challenge_jwks() == before.challenge_jwks()
    assert after.pinned_keys_changed_at is None
    assert after.factors_key.public_jwk == before.factors_key.public_jwk


def test_challenge_keys_are_announced_by_whatever_phones_have_pinned(directory: Path):
    """The next one by the active one, then the active one by itself and by all retired ones."""
    first = load_keys(directory)
    (old,) = first.challenge_jwks()
    assert first.pinned_keys_changed_at is None
    rotate(directory, NOW + 1, purpose="challenge")
    keys = load_keys(directory)
    new, same = keys.challenge_jwks()
    assert (same, keys.pinned_keys_changed_at) == (old, NOW + 1)
    assert [signer.kid for signer in keys.challenge_announcers()] == [old["kid"]]
    assert keys.challenge_signer.kid == old["kid"]

    rotate(directory, NOW + 1 + PUBLISHED, purpose="challenge")
    keys = load_keys(directory)
    assert keys.challenge_jwks() == (new, old)
    assert keys.pinned_keys_changed_at == NOW + 1 + PUBLISHED
    assert [signer.kid for signer in keys.challenge_announcers()] == [new["kid"], old["kid"]]
    assert keys.challenge_signer.kid == new["kid"]
    assert keys.public_jwks() == first.public_jwks()

    for now in (NOW + 2 * PUBLISHED, NOW + 4 * PUBLISHED):
        rotate(directory, now, purpose="challenge")
    keys = load_keys(directory)
    assert [jwk["kid"] for jwk in keys.challenge_jwks()][1:] == [new["kid"]]
    assert {signer.kid for signer in keys.challenge_announcers()} > {new["kid"], old["kid"]}


def test_retired_challenge_keys_wait_half_a_year_for_phones(directory: Path):
    """Whatever tokens need; then they go, and what changed last is still known."""
    (old,) = load_keys(directory).challenge_jwks()
    for now in (NOW + 1, NOW + 1 + PUBLISHED):
        rotate(directory, now, purpose="challenge")
    gone = NOW + 1 + PUBLISHED + CHALLENGE_KEYS_KEPT * 1000
    assert prune_keys(directory, token_keys_kept=0, now=gone - 1) == []
    assert [key.kid for key in prune_keys(directory, token_keys_kept=0, now=gone)] == [old["kid"]]
    keys = load_keys(directory)
    assert len(keys.challenge_jwks()) == 1
    assert keys.pinned_keys_changed_at == NOW + 1 + PUBLISHED


def test_a_key_for_factors_opens_before_phones_are_told_and_long_after(directory: Path):
    """Every process has the next one before a phone may use it; the old one stays half a year."""
    old = load_keys(directory).factors_key.public_jwk
    (next_one,) = rotate(directory, NOW + 1, purpose="factors", alg=None).changed
    keys = load_keys(directory)
    assert (keys.factors_key.public_jwk, keys.pinned_keys_changed_at) == (old, None)
    new = ECKey.import_key({**stored(directory, next_one.kid).jwk})
    early = encrypt_to(new, b"early", typ="t", kid=next_one.kid)
    assert keys.factors_key.open(early, "t") == b"early"

    changed_at = NOW + 1 + PUBLISHED
    rotate(directory, changed_at, purpose="factors", alg=None)
    keys = load_keys(directory)
    assert keys.factors_key.public_jwk["kid"] == next_one.kid
    assert keys.pinned_keys_changed_at == changed_at
    late = encrypt_to(ECKey.import_key({**old}), b"late", typ="t", kid=old["kid"])
    assert keys.factors_key.open(late, "t") == b"late"
    gone = changed_at + CHALLENGE_KEYS_KEPT * 1000
    assert prune_keys(directory, token_keys_kept=0, now=gone - 1) == []
    assert [key.kid for key in prune_keys(directory, token_keys_kept=0, now=gone)] == [old["kid"]]
    with pytest.raises(InvalidJweError):
        load_keys(directory).factors_key.open(late, "t")


def test_what_phones_pin_changed_when_the_last_of_it_did(directory: Path):
    """A phone never goes back to an older announcement: each change makes it a later one."""
    for now in (NOW + 1, NOW + 1 + PUBLISHED):
        rotate(directory, now, purpose="factors", alg=None)
    rotate(directory, NOW + 2 * PUBLISHED, purpose="challenge")
    assert load_keys(directory).pinned_keys_changed_at == NOW + 2 * PUBLISHED
    for now in (NOW + 3 * PUBLISHED, NOW + 4 * PUBLISHED):
        rotate(directory, now, purpose="factors", alg=None)
    assert load_keys(directory).pinned_keys_changed_at == NOW + 4 * PUBLISHED


def test_a_clock_that_was_put_back_makes_no_announcement_older(directory: Path):
    """Phones refuse one that is older than the last: they would not know who signs next."""
    ahead, announced = NOW + 365 * 86_400_000, list[int | None]()
    instants = [ahead, ahead + PUBLISHED, *(NOW + turn * PUBLISHED for turn in range(1, 5))]
    for now in instants:
        rotate(directory, now, purpose="challenge")
        announced.append(load_keys(directory).pinned_keys_changed_at)
    assert announced == [ahead, *5 * [ahead + PUBLISHED]]


def test_nor_does_one_that_was_put_back_before_the_next_key_signs(directory: Path):
    """At once: else the key would have to wait for as long as the clock was ahead."""
    ahead = NOW + 86_400_000
    rotate(directory, ahead, purpose="challenge")
    rotate(directory, NOW + 1, purpose="challenge", at_once=True)
    assert load_keys(directory).pinned_keys_changed_at == ahead


def stored(directory: Path, kid: str) -> StoredKey:
    """A key as the file has it."""
    return next(key for key in read_keys(directory) if key.kid == kid)


async def test_all_announcements_are_one_frame(directory: Path):
    """Challenge keys do not become more than phones can be told of at once."""
    retire_copies(directory, "challenge", 9)
    with pytest.raises(RotationRefused, match="more than 10 challenge keys"):
        rotate(directory, NOW + 100, purpose="challenge", at_once=True)
    keys, telemetry = load_keys(directory), RecordingTelemetry()
    assert len(keys.challenge_announcers()) == 10
    issuer = f"https://{'a' * 240}.example"
    announcements = KeyAnnouncements(issuer=issuer, keys=keys, telemetry=telemetry)
    assert len(msgspec.json.encode(await announcements.current())) <= LARGEST_FRAME


def test_without_a_purpose_everything_that_signs_rotates(directory: Path):
    """Keys for tokens, challenges, factors, events and receipts, all by the same two steps."""
    for now in (NOW + 1, NOW + 1 + PUBLISHED):
        changed = rotate(directory, now, purpose=None, alg=None).changed
    assert sorted((key.purpose, key.alg) for key in changed if key.state == "active") == [
        ("challenge", "ES256"),
        ("events", "ES256"),
        ("factors", "ECDH-ES"),
        ("receipt", "ES256"),
        ("token", "ES256"),
        ("token", "EdDSA"),
        ("token", "PS256"),
    ]


def test_evidence_rotates_when_it_is_named_and_keeps_its_keys(directory: Path):
    """Auditors are given the next key first, and old files verify for ever with what stays."""
    old = signer_of_evidence(directory)
    for now in (NOW + 1, NOW + 1 + PUBLISHED):
        rotate(directory, now, purpose="evidence", alg=None)
        told = {jwk["kid"] for jwk in load_keys(directory).evidence_jwks}
    assert signer_of_evidence(directory) != old
    assert told == {old, signer_of_evidence(directory)}
    much_later = NOW + 100 * CHALLENGE_KEYS_KEPT * 1000
    assert prune_keys(directory, token_keys_kept=1, now=much_later) == []
    (gone,) = prune_keys(directory, token_keys_kept=1, now=much_later, kid=old)
    assert gone.kid == old


def signer_of_evidence(directory: Path) -> str:
    """The key of the next checkpoint."""
    signer = load_keys(directory).evidence_signer
    assert signer is not None
    return signer.kid


def test_too_early_changes_nothing(directory: Path):
    """A second rotation right after the first is refused, unless it is forced."""
    rotate(directory, NOW)
    before = (directory / "keys.json").read_bytes()
    with pytest.raises(RotationRefused, match="for 1 seconds more"):
        rotate(directory, NOW + PUBLISHED - 1)
    assert (directory / "keys.json").read_bytes() == before
    assert len(rotate(directory, NOW + 1, at_once=True).changed) == 2


def test_there_is_a_limit_to_published_keys(directory: Path):
    """Whoever rotates every hour and keeps for months is stopped before others choke."""
    retire_copies(directory, "token", 32 - 4)
    rotate(directory, NOW, at_once=True)
    rotate(directory, NOW, at_once=True)
    with pytest.raises(RotationRefused, match="more than 32 token keys"):
        rotate(directory, NOW + 100, at_once=True)
    assert len(load_keys(directory).public_jwks()) == 32


@pytest.mark.parametrize("purpose", ["factors", "events", "receipt"])
def test_of_what_others_hear_of_by_themselves_there_are_ten_keys(directory: Path, purpose: Purpose):
    """The tenth is made; one more would stay beside it for as long as retired ones are kept."""
    retire_copies(directory, purpose, 8)
    rotate(directory, NOW, purpose=purpose, alg=None)
    rotate(directory, NOW, purpose=purpose, alg=None, at_once=True)
    with pytest.raises(RotationRefused, match=f"more than 10 {purpose} keys"):
        rotate(directory, NOW + 100, purpose=purpose, alg=None)
    assert [key.purpose for key in list_keys(directory)].count(purpose) == 10


def test_keys_of_evidence_do_not_go_by_waiting(directory: Path):
    """Whoever has as many as there may be is told what helps."""
    retire_copies(directory, "evidence", 31)
    with pytest.raises(RotationRefused, match=r"more than 32 evidence keys; .*keys prune --kid"):
        rotate(directory, NOW, purpose="evidence", alg=None)
    retired = load_keys(directory).evidence_jwks[-1]["kid"]
    prune_keys(directory, token_keys_kept=0, now=NOW, kid=retired)
    assert rotate(directory, NOW, purpose="evidence", alg=None).changed


def test_an_algorithm_without_a_key_is_a_sentence(directory: Path):
    """Rotating makes no key of a kind that was never there."""
    path = directory / "keys.json"
    path.write_text(
        json.dumps([key for key in json.loads(path.read_bytes()) if key["alg"] != "EdDSA"])
    )
    with pytest.raises(RotationRefused, match="there is no such key"):
        rotate(directory, NOW, alg="EdDSA")


def test_keys_that_do_not_load_are_not_rotated(directory: Path):
    """What is wrong is said first."""
    (directory / "ring.json").unlink()
    with pytest.raises(KeyFileError, match=r"ring\.json is missing"):
        rotate(directory, NOW)


def test_a_full_disk_leaves_the_old_keys(directory: Path, monkeypatch: pytest.MonkeyPatch):
    """The file is replaced whole or stays."""

    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = (directory / "keys.json").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(OSError, match="No space left"):
            rotate(directory, NOW)
    assert (directory / "keys.json").read_bytes() == before
    assert {path.name for path in directory.iterdir()} == {"keys.json", "ring.json"}


def _stops_before_the_rename(directory: Path) -> None:
    def stop(*_: object) -> None:
        os._exit(9)

    os.rename = os.replace = Path.replace = stop  # type: ignore[assignment, method-assign]
    with one_writer(directory):
        rotate(directory, NOW)


def test_a_process_that_ends_in_the_middle_leaves_old_keys_and_no_lock(directory: Path):
    """The next writer goes on, and sweeps away the private keys that were half written."""
    before = (directory / "keys.json").read_bytes()
    process = multiprocessing.get_context("fork").Process(
        target=_stops_before_the_rename, args=(directory,)
    )
    process.start()
    process.join(30)
    assert process.exitcode == 9
    assert (directory / "keys.json").read_bytes() == before
    assert list(directory.glob(".keys.json.*"))
    with one_writer(directory):
        assert list(directory.glob(".keys.json.*")) == []
        rotate(directory, NOW)
    load_keys(directory)
