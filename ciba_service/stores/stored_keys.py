"""The files of keys: how they are written, read strictly, and changed by one process at a time.

One JSON file of private JWKs and one ring file, both 0600.
"""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ciba_service.ports import Randomness
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.protocol.jose.life_cycle import KeyLife, KeyState
from ciba_service.protocol.jose.signing import SigningKey
from ciba_service.stores.sealing import Ring

__all__ = [
    "KEYS_FILE",
    "RING_FILE",
    "FileStamp",
    "KeyFileError",
    "MissingKeysError",
    "Purpose",
    "StoredKey",
    "new_key",
    "one_writer",
    "read_keys",
    "read_ring",
    "write_keys",
    "write_new_ring",
]

KEYS_FILE: Final = "keys.json"
RING_FILE: Final = "ring.json"
_LOCK_FILE: Final = "making.lock"
_RSA_BITS: Final = 2048
_RING_KEY_BYTES: Final = 32
_KID_BYTES: Final = 8
_PRIVATE: Final = 0o700

Purpose = Literal["token", "challenge", "factors", "evidence"]
_Jwk = ECKey | OKPKey | RSAKey
_PUBLIC_MEMBERS: Final = {
    "PS256": ("kty", "n", "e"),
    "EdDSA": ("kty", "crv", "x"),
}


class KeyFileError(Exception):
    """The keys cannot be used; the text names the file and the reason."""


class MissingKeysError(KeyFileError):
    """There are no keys, or not all; they can be made."""


class StoredKey(msgspec.Struct, frozen=True):
    """One private key; instants are in milliseconds.

    What was written before keys had a life is active since it was made.
    """

    kid: str
    purpose: Purpose
    alg: str
    created_at: int
    jwk: dict[str, str]
    state: KeyState = KeyState.ACTIVE
    state_since: int | None = None

    def __repr__(self) -> str:
        return f"StoredKey({self.kid!r})"

    @property
    def use(self) -> tuple[Purpose, str]:
        """What it is for: of each use one key is active."""
        return self.purpose, self.alg

    @property
    def life(self) -> KeyLife:
        """Where it is in its life."""
        since = self.created_at if self.state_since is None else self.state_since
        return KeyLife(self.state, since)

    def living(self, life: KeyLife) -> "StoredKey":
        """The same key in another state."""
        return msgspec.structs.replace(self, state=life.state, state_since=life.since)

    def signing_key(self) -> SigningKey:
        """The key ready to sign; raises ``KeyFileError``, or what says that it is unusable."""
        alg = SignatureAlgorithm(self.alg)
        key = _key_class(self.alg).import_key({**self.jwk}).private_key
        if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey):
            raise KeyFileError(f"key {self.kid} is not private")
        return SigningKey(kid=self.kid, alg=alg, key=key)

    def public_jwk(self) -> dict[str, str]:
        """Its public half, as published; raises ``KeyError``."""
        names = _PUBLIC_MEMBERS.get(self.alg, ("kty", "crv", "x", "y"))
        public = {name: self.jwk[name] for name in names}
        return public | {"kid": self.kid, "alg": self.alg, "use": "sig"}


class _StoredRing(msgspec.Struct, frozen=True):
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells one content of a file from another without reading it."""

    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, directory: Path) -> "FileStamp":
        """The file of keys as it is now; raises ``KeyFileError``."""
        path = directory / KEYS_FILE
        try:
            status = path.stat()
        except FileNotFoundError as error:
            raise MissingKeysError(f"{path} cannot be read: {error.strerror}") from error
        except OSError as error:
            raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def new_key(
    purpose: Purpose, alg: str, *, state: KeyState, random: Randomness, now: int
) -> StoredKey:
    """Make a key of a use."""
    members = {name: str(value) for name, value in _generated(alg).as_dict(private=True).items()}
    members.pop("kid", None)
    return StoredKey(
        kid=f"{purpose}-{base64url(random(_KID_BYTES))}",
        purpose=purpose,
        alg=alg,
        created_at=now,
        jwk=members,
        state=state,
        state_since=now,
    )


def _generated(alg: str) -> _Jwk:
    match alg:
        case "PS256":
            return RSAKey.generate_key(_RSA_BITS, private=True)
        case "EdDSA":
            return OKPKey.generate_key("Ed25519", private=True)
        case _:
            return ECKey.generate_key("P-256", private=True)


def _key_class(alg: str) -> type[_Jwk]:
    match alg:
        case "PS256":
            return RSAKey
        case "EdDSA":
            return OKPKey
        case _:
            return ECKey


@contextmanager
def one_writer(directory: Path) -> Iterator[None]:
    """Keep others from changing the keys; the lock ends with the process, however that ends.

    Raises:
        OSError: when the directory cannot be made or written.
    """
    directory.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    with (directory / _LOCK_FILE).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # What a killed writer left behind holds private keys, and nobody else writes now.
        for name in (KEYS_FILE, RING_FILE):
            for left in directory.glob(f".{name}.*"):
                left.unlink()
        yield


def read_keys(directory: Path) -> tuple[StoredKey, ...]:
    """All keys; raises ``KeyFileError``."""
    path = directory / KEYS_FILE
    try:
        return msgspec.json.decode(_read(path), type=tuple[StoredKey, ...])
    except ValueError as error:
        raise KeyFileError(f"{path} is malformed: {error}") from error


def write_keys(directory: Path, keys: Sequence[StoredKey]) -> None:
    """Replace all keys at once; raises ``OSError``."""
    _write(directory / KEYS_FILE, msgspec.json.encode(keys))


def read_ring(directory: Path) -> Ring:
    """The ring for data at rest; raises ``KeyFileError``."""
    path = directory / RING_FILE
    try:
        stored = msgspec.json.decode(_read(path), type=_StoredRing)
        return Ring.of(*(parse_base64url(text) for text in stored.keys))
    except ValueError as error:
        raise KeyFileError(f"{path} is malformed: {error}") from error


def write_new_ring(directory: Path, random: Randomness) -> None:
    """Make the ring; raises ``OSError``."""
    ring = _StoredRing(keys=(base64url(random(_RING_KEY_BYTES)),))
    _write(directory / RING_FILE, msgspec.json.encode(ring))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise KeyFileError(f"{path} must not be accessible to others (chmod 600)")
            return file.read()
    except FileNotFoundError as error:
        raise MissingKeysError(f"{path} cannot be read: {error.strerror}") from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error


def _write(path: Path, content: bytes) -> None:
    # Whole or not at all, and never readable by others, not even for a moment.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
