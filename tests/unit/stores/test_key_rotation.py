"""Rotation on disk: whole or not at all, one process at a time, nothing dropped too early."""

import errno
import json
import multiprocessing
import os
import secrets
import shutil
from pathlib import Path

import pytest

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.life_cycle import Retention
from ciba_service.stores.key_files import (
    FileKeys,
    KeyFileError,
    KeyListing,
    generate_keys,
    list_keys,
    load_keys,
)
from ciba_service.stores.key_rotation import Rotation, RotationRefused, prune_keys, rotate_keys
from ciba_service.stores.stored_keys import one_writer

NOW = 1_795_230_000_000
PUBLISHED = 600_000
RETENTION = Retention(access_token_lifetime=300, id_token_lifetime=300, id_token_hint_lifetime=600)
KEPT = RETENTION.seconds * 1000
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
    directory: Path, now: int, *, alg: str | None = "ES256", at_once: bool = False
) -> Rotation:
    """One rotation."""
    return rotate_keys(
        directory,
        alg=alg,
        retention=RETENTION,
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

    assert prune_keys(directory, retention=RETENTION, now=NOW + PUBLISHED + KEPT - 1) == []
    (gone,) = prune_keys(directory, retention=RETENTION, now=NOW + PUBLISHED + KEPT)
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


def test_what_phones_have_pinned_does_not_change(directory: Path):
    """Rotating is about token keys; challenges and factors keep theirs."""
    before = load_keys(directory)
    for now in (NOW, NOW + PUBLISHED):
        rotate(directory, now, alg=None)
    after = load_keys(directory)
    assert after.challenge_jwks() == before.challenge_jwks()
    assert after.factors_key.public_jwk == before.factors_key.public_jwk


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
    for round_ in range(2 * (32 - 3)):
        rotate(directory, NOW + round_, at_once=True)
    with pytest.raises(RotationRefused, match="more than 32 token keys"):
        rotate(directory, NOW + 100, at_once=True)
    assert len(load_keys(directory).public_jwks()) == 32


def test_an_algorithm_without_a_key_is_a_sentence(directory: Path):
    """Rotating makes no key of a kind that was never there."""
    path = directory / "keys.json"
    path.write_text(
        json.dumps([key for key in json.loads(path.read_bytes()) if key["alg"] != "EdDSA"])
    )
    with pytest.raises(RotationRefused, match="no token key of EdDSA"):
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
