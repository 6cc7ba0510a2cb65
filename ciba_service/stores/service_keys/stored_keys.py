"""The files of keys: what stands in them.

One JSON file of private JWKs and one ring file, both 0600.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ciba_service.ports import Randomness
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.protocol.jose.keys import parse_verification_key
from ciba_service.protocol.jose.life_cycle import KeyLife, KeyState
from ciba_service.protocol.jose.signing import SigningKey
from ciba_service.stores.sealing import Ring
from ciba_service.stores.service_keys.key_file_access import (
    KeyFileError,
    MissingKeysError,
    locked,
    read_private,
    write_private,
)

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
_RSA_BITS: Final = 2048
_RING_KEY_BYTES: Final = 32
_KID_BYTES: Final = 8
_LAST_INSTANT: Final = 253_402_300_799_999
"""Milliseconds: the last one that can be written as a date."""

Purpose = Literal["token", "challenge", "factors", "evidence", "events", "receipt", "wake_up"]
_Instant = Annotated[int, msgspec.Meta(ge=0, le=_LAST_INSTANT)]
_Jwk = ECKey | OKPKey | RSAKey
_PUBLIC_MEMBERS: Final = {
    "PS256": ("kty", "n", "e"),
    "EdDSA": ("kty", "crv", "x"),
}


class StoredKey(msgspec.Struct, frozen=True):
    """One private key; instants are in milliseconds.

    What was written before keys had a life is active since it was made.
    """

    kid: Annotated[str, msgspec.Meta(min_length=1)]
    purpose: Purpose
    alg: str
    created_at: _Instant
    jwk: dict[str, str]
    state: KeyState = KeyState.ACTIVE
    state_since: _Instant | None = None

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
        if parse_verification_key(self.public_jwk()).key != key.public_key():
            raise KeyFileError(f"the halves of key {self.kid} do not belong together")
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
    """Keep others from changing the keys; raises ``KeyFileError`` and ``OSError``."""
    with locked(directory):
        # What a killed writer left behind holds private keys, and nobody else writes now.
        for name in (KEYS_FILE, RING_FILE):
            for left in directory.glob(f".{name}.*"):
                left.unlink()
        yield


def read_keys(directory: Path) -> tuple[StoredKey, ...]:
    """All keys; raises ``KeyFileError``."""
    path = directory / KEYS_FILE
    try:
        return msgspec.json.decode(read_private(path), type=tuple[StoredKey, ...])
    except (ValueError, RecursionError) as error:
        raise KeyFileError(f"{path} is malformed: {error}") from error


def write_keys(directory: Path, keys: Sequence[StoredKey]) -> None:
    """Replace all keys at once; raises ``KeyFileError`` and ``OSError``."""
    write_private(directory / KEYS_FILE, msgspec.json.encode(keys))


def read_ring(directory: Path) -> Ring:
    """The ring for data at rest; raises ``KeyFileError``."""
    path = directory / RING_FILE
    try:
        stored = msgspec.json.decode(read_private(path), type=_StoredRing)
        return Ring.of(*(parse_base64url(text) for text in stored.keys))
    except (ValueError, RecursionError) as error:
        raise KeyFileError(f"{path} is malformed: {error}") from error


def write_new_ring(directory: Path, random: Randomness) -> None:
    """Make the ring; raises ``KeyFileError`` and ``OSError``."""
    ring = _StoredRing(keys=(base64url(random(_RING_KEY_BYTES)),))
    write_private(directory / RING_FILE, msgspec.json.encode(ring))
