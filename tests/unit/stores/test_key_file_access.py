"""Key files as an attacker or an accident may leave them: refused, never waited for, never lost."""

import json
import os
import secrets
import shutil
import stat
from pathlib import Path

import pytest

from ciba_service.stores.service_keys import key_file_access
from ciba_service.stores.service_keys.key_file_access import KeyFileError, is_there
from ciba_service.stores.service_keys.key_files import generate_keys, list_keys, load_keys
from ciba_service.stores.service_keys.key_rotation import rotate_keys
from ciba_service.stores.service_keys.stored_keys import one_writer, read_ring

FILES = ("keys.json", "ring.json")
NOW = 1_795_230_000_000
NOBODY = 65_534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a full set of keys."""
    directory = tmp_path_factory.mktemp("keys") / "private"
    generate_keys(directory, random=secrets.token_bytes, now=NOW)
    return directory


@pytest.fixture
def directory(made_once: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(made_once, tmp_path / "keys"))


def rotate(directory: Path) -> None:
    """One step of a rotation, as the command does it."""
    with one_writer(directory):
        rotate_keys(directory, token_keys_kept=4_200, random=secrets.token_bytes, now=NOW)


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777, 0o720])
def test_a_directory_in_which_others_may_write_is_refused(directory: Path, mode: int):
    """Whoever can put a file there could bring keys of their own; nothing is made there either."""
    directory.chmod(mode)
    with pytest.raises(KeyFileError, match="must not be writable to others"):
        load_keys(directory)
    with pytest.raises(KeyFileError, match="must not be writable to others"):
        rotate(directory)
    assert sorted(path.name for path in directory.iterdir()) == sorted(FILES)


@pytest.mark.parametrize("mode", [0o750, 0o755, 0o1777])
def test_a_directory_that_others_may_look_into_will_do(directory: Path, mode: int):
    """The files are private themselves; under a sticky bit nobody replaces those of another."""
    directory.chmod(mode)
    load_keys(directory)


@pytest.mark.parametrize("name", FILES)
def test_a_pipe_is_not_waited_for(directory: Path, name: str):
    """Nor is anything else read that is no file."""
    (directory / name).unlink()
    os.mkfifo(directory / name, 0o600)
    with pytest.raises(KeyFileError, match=f"{name} is no file"):
        load_keys(directory)
    (directory / name).unlink()
    (directory / name).symlink_to("/dev/zero")
    with pytest.raises(KeyFileError, match=f"{name} is no file"):
        load_keys(directory)
    (directory / name).unlink()
    (directory / name).mkdir()
    with pytest.raises(KeyFileError, match=f"{name} is no file"):
        load_keys(directory)


@pytest.mark.parametrize("name", FILES)
def test_a_file_without_end_is_not_read_to_its_end(directory: Path, name: str):
    """A mebibyte is far more than keys take."""
    with (directory / name).open("ab") as file:
        file.truncate(1 << 40)
    with pytest.raises(KeyFileError, match=f"{name} is too large"):
        load_keys(directory)


@as_root
@pytest.mark.parametrize("name", FILES)
def test_a_file_of_somebody_else_is_refused(directory: Path, name: str):
    """Also where root could read it: another user has put it there, and may change it."""
    os.chown(directory / name, NOBODY, NOBODY)
    with pytest.raises(KeyFileError, match=f"{name} belongs to somebody else"):
        load_keys(directory)
    os.chown(directory, NOBODY, NOBODY)
    load_keys(directory)


@as_root
def test_what_root_writes_belongs_to_the_owner_of_the_directory(directory: Path):
    """A rotation by root leaves the service, which is not root, with files it can read."""
    for path in (directory, *directory.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    rotate(directory)
    for path in directory.iterdir():
        assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (NOBODY, 0o600)


def test_keys_behind_a_link_are_read_and_not_changed(directory: Path, tmp_path: Path):
    """A link would be replaced, and whoever reads what it leads to would keep the old keys."""
    linked = tmp_path / "linked"
    linked.mkdir(mode=0o700)
    for name in FILES:
        (linked / name).symlink_to(directory / name)
    before = list_keys(linked)
    load_keys(linked)
    with pytest.raises(KeyFileError, match=r"keys\.json is a link"):
        rotate(linked)
    assert (linked / "keys.json").is_symlink()
    assert list_keys(directory) == before
    assert [path.name for path in linked.glob(".*")] == []


def test_a_directory_that_is_made_is_for_its_owner_alone(tmp_path: Path):
    """Others learn not even the names of what is in it."""
    directory = tmp_path / "var" / "keys"
    with one_writer(directory):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_the_lock_is_for_its_owner_alone(directory: Path, tmp_path: Path):
    """Whoever can open it can hold it for ever; where it leads elsewhere, it is not followed."""
    lock = directory / "making.lock"
    lock.touch(0o666)
    lock.chmod(0o666)
    rotate(directory)
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    lock.unlink()
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        rotate(directory)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", FILES)
def test_what_cannot_be_looked_at_is_a_sentence(directory: Path, name: str):
    """A link that leads to itself stands for whatever the system refuses."""
    (directory / name).unlink()
    (directory / name).symlink_to(directory / name)
    for step in (load_keys, lambda where: generate_keys(where, random=secrets.token_bytes, now=1)):
        with pytest.raises(KeyFileError, match=f"{name} cannot be read: Too many levels"):
            step(directory)


def test_what_is_not_there_is_not_there(directory: Path):
    """Nor is what a file is in the way of."""
    assert is_there(directory / "keys.json")
    assert not is_there(directory / "other.json")
    assert not is_there(directory / "keys.json" / "other.json")


def test_a_directory_whose_owner_is_ours_needs_nothing_handed_over(
    directory: Path, monkeypatch: pytest.MonkeyPatch
):
    """Who is not root could not do it, and has no need to."""

    def refuse(*arguments: int) -> None:
        raise PermissionError(arguments)

    monkeypatch.setattr(key_file_access.os, "fchown", refuse)
    rotate(directory)
    read_ring(directory)


def changed(directory: Path, number: int, **members: object) -> None:
    """Change members of one stored key."""
    path = directory / "keys.json"
    stored = json.loads(path.read_bytes())
    stored[number] |= members
    path.write_text(json.dumps(stored))


def stored(directory: Path) -> list[dict[str, object]]:
    """The keys as they are written."""
    return list(json.loads((directory / "keys.json").read_bytes()))


def test_a_name_that_two_keys_have_is_refused(directory: Path):
    """Which of them a signature asks for must not depend on their order."""
    changed(directory, 0, kid=stored(directory)[1]["kid"])
    with pytest.raises(KeyFileError, match="several keys of one name"):
        load_keys(directory)


def test_a_key_for_two_uses_is_refused(directory: Path):
    """What signs tokens must sign no challenges."""
    changed(directory, 2, jwk=stored(directory)[0]["jwk"])
    with pytest.raises(KeyFileError, match="one key for several uses"):
        load_keys(directory)


def test_two_next_keys_for_one_use_are_refused(directory: Path):
    """Both would sign after the next rotation, and nothing would start any more."""
    rotate(directory)
    keys = stored(directory)
    following = next(key for key in keys if key["state"] == "next")
    (directory / "keys.json").write_text(json.dumps([*keys, {**following, "kid": "other"}]))
    with pytest.raises(KeyFileError, match="several next keys for one use"):
        rotate(directory)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_halves_that_do_not_belong_together_are_refused(directory: Path, tmp_path: Path, alg: str):
    """What is published must verify what is signed."""
    other = tmp_path / "other"
    generate_keys(other, random=secrets.token_bytes, now=NOW)
    (number,) = [
        number
        for number, key in enumerate(stored(directory))
        if (key["purpose"], key["alg"]) == ("token", alg)
    ]
    private, public = stored(directory)[number]["jwk"], stored(other)[number]["jwk"]
    assert isinstance(private, dict)
    assert isinstance(public, dict)
    kept = {name: private[name] for name in private if name not in {"x", "y", "n"}}
    changed(directory, number, jwk={**public, **kept})
    with pytest.raises(KeyFileError, match=r"do not belong together|unusable"):
        load_keys(directory)


@pytest.mark.parametrize(
    "members", [{"created_at": -1}, {"state_since": 10**18}, {"created_at": 10**40}, {"kid": ""}]
)
def test_instants_and_names_that_are_none_are_refused(directory: Path, members: dict[str, object]):
    """No command stumbles over a date that cannot be written."""
    changed(directory, 0, **members)
    with pytest.raises(KeyFileError, match=r"keys\.json is malformed"):
        list_keys(directory)
