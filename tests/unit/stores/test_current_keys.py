"""A running service follows its key file, and stays with what it has when that is unusable."""

import asyncio
import json
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.security_events.kinds import KeysChanged, KeysNotRead
from ciba_service.stores.service_keys.current_keys import CurrentKeys
from ciba_service.stores.service_keys.key_files import KeyFileError, generate_keys, load_keys
from ciba_service.stores.service_keys.key_rotation import rotate_keys
from tests.services.recording_telemetry import RecordingTelemetry

ES256 = SignatureAlgorithm.ES256
NOW = 1_795_230_000_000


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a full set of keys."""
    directory = tmp_path_factory.mktemp("keys") / "private"
    generate_keys(directory, random=secrets.token_bytes, now=NOW)
    return directory


@pytest.fixture
def directory(made_once: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    return Path(shutil.copytree(made_once, tmp_path / "keys"))


@pytest.fixture
def keys(directory: Path) -> CurrentKeys:
    """What a running service uses."""
    return CurrentKeys(load_keys(directory))


def rotate(directory: Path) -> None:
    """One step of a rotation."""
    rotate_keys(
        directory,
        alg="ES256",
        token_keys_kept=4200,
        random=secrets.token_bytes,
        now=NOW,
        at_once=True,
    )


def published(keys: CurrentKeys) -> set[str]:
    """What others find in the key set."""
    return {jwk["kid"] for jwk in keys.public_jwks()}


async def test_changed_keys_are_taken_over(directory: Path, keys: CurrentKeys):
    """What is published and what signs change with the file, and nothing else does."""
    old, ring = keys.token_signer(ES256).kid, keys.ring
    before = published(keys)
    assert not await keys.refresh()
    rotate(directory)
    assert await keys.refresh()
    assert keys.token_signer(ES256).kid == old
    (new,) = published(keys) - before
    rotate(directory)
    assert await keys.refresh()
    assert keys.token_signer(ES256).kid == new
    assert len(keys.token_verification_keys.candidates(kid=old, alg=ES256)) == 1
    assert keys.ring is ring


async def test_a_file_that_is_unusable_changes_nothing(directory: Path, keys: CurrentKeys):
    """Malformed, gone, open to others, without an algorithm that is in use: the old ones stay."""
    kid = keys.token_signer(ES256).kid
    path = directory / "keys.json"
    good = path.read_text()
    path.write_text("[")
    with pytest.raises(KeyFileError, match="malformed"):
        await keys.refresh()
    path.unlink()
    with pytest.raises(KeyFileError, match="cannot be read"):
        await keys.refresh()
    path.write_text(json.dumps([key for key in json.loads(good) if key["alg"] != "EdDSA"]))
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="have none for tokens of EdDSA"):
        await keys.refresh()
    assert keys.token_signer(ES256).kid == kid
    assert keys.token_algorithms >= {SignatureAlgorithm.EDDSA}


class Turns:
    """``ports.Clock`` that lets a sleeper run one turn at a time."""

    def __init__(self) -> None:
        self._asleep = asyncio.Event()
        self._turns = asyncio.Queue[None]()

    def now_ms(self) -> int:
        """No time passes."""
        return NOW

    async def sleep(self, seconds: float) -> None:
        """Wait for the next turn."""
        assert seconds == 5
        self._asleep.set()
        await self._turns.get()

    async def turn(self) -> None:
        """Wake the sleeper and wait until it sleeps again."""
        async with asyncio.timeout(10):
            await self._asleep.wait()
            self._asleep.clear()
            self._turns.put_nowait(None)
            await self._asleep.wait()


@pytest.fixture
async def following(keys: CurrentKeys) -> AsyncIterator[tuple[Turns, RecordingTelemetry]]:
    """Keys that follow their file."""
    clock, telemetry = Turns(), RecordingTelemetry()
    task = asyncio.create_task(keys.follow(clock, telemetry))
    yield clock, telemetry
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_the_log_says_what_was_read_and_once_what_was_not(
    directory: Path, following: tuple[Turns, RecordingTelemetry]
):
    """A failure that lasts is one line; a file that is mended is read. Both are security events."""
    clock, telemetry = following
    await clock.turn()
    assert (telemetry.events, telemetry.failures) == ([], [])
    path = directory / "keys.json"
    path.chmod(0o640)
    for _ in range(3):
        await clock.turn()
    (failure,) = telemetry.failures
    assert failure.name == "keys_not_read"
    assert telemetry.security_events == [KeysNotRead()]
    path.chmod(0o600)
    rotate(directory)
    await clock.turn()
    (event,) = telemetry.named("keys_read")
    kids = [jwk["kid"] for jwk in load_keys(directory).public_jwks()]
    assert event.fields == {"kids": kids}
    assert telemetry.security_events[1:] == [KeysChanged(kids=tuple(kids))]
    path.chmod(0o640)
    await clock.turn()
    assert len(telemetry.failures) == 2
