"""The service's keys on disk: one JSON file of private JWKs and one ring file, both 0600.

Keys for tokens, challenges and factors are different keys, and each has one algorithm.
"""

import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from ciba_service.ports import Randomness
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.protocol.jose.encryption import DecryptionKey
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.jose.signing import SigningKey
from ciba_service.stores.sealing import Ring

__all__ = ["FileKeys", "KeyFileError", "KeyListing", "generate_keys", "list_keys", "load_keys"]

KEYS_FILE: Final = "keys.json"
RING_FILE: Final = "ring.json"
_RSA_BITS: Final = 2048
_RING_KEY_BYTES: Final = 32
_KID_BYTES: Final = 8

_Purpose = Literal["token", "challenge", "factors"]
_WANTED: Final[tuple[tuple[_Purpose, str], ...]] = (
    ("token", "ES256"),
    ("token", "PS256"),
    ("challenge", "ES256"),
    ("factors", "ECDH-ES"),
)


class KeyFileError(Exception):
    """The keys cannot be used; the text names the file and the reason."""


class _StoredKey(msgspec.Struct, frozen=True):
    kid: str
    purpose: _Purpose
    alg: str
    created_at: int
    jwk: dict[str, str]


class _StoredRing(msgspec.Struct, frozen=True):
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyListing:
    """A key as operators see it; ``created_at`` is in milliseconds."""

    kid: str
    purpose: str
    alg: str
    created_at: int


@dataclass(frozen=True, slots=True)
class FileKeys:
    """``ports.KeyRing``, and the ring for data at rest."""

    ring: Ring = field(repr=False)
    challenge_key: SigningKey
    factors_key: DecryptionKey
    _token_keys: dict[SignatureAlgorithm, SigningKey] = field(repr=False)
    _token_jwks: list[dict[str, str]] = field(repr=False)
    _challenge_jwk: dict[str, str] = field(repr=False)
    token_verification_keys: KeySet = field(repr=False)

    def token_key(self, alg: SignatureAlgorithm) -> SigningKey:
        """The active key for tokens of ``alg``."""
        return self._token_keys[alg]

    @property
    def token_algorithms(self) -> frozenset[SignatureAlgorithm]:
        """What tokens can be signed with."""
        return frozenset(self._token_keys)

    def challenge_jwks(self) -> tuple[dict[str, str], ...]:
        """Public challenge keys, for phones to pin."""
        return (self._challenge_jwk,)

    def public_jwks(self) -> list[dict[str, str]]:
        """Public token keys, as published."""
        return self._token_jwks


def generate_keys(directory: Path, *, random: Randomness, now: int) -> list[KeyListing]:
    """Make whatever is missing; returns what was made. Existing keys are never touched.

    Raises:
        KeyFileError: when there are keys without their ring, which nothing can make again; or one
            of the files cannot be read.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_keys_without_ring(directory)
    stored = _read_keys(directory) if (directory / KEYS_FILE).exists() else ()
    if not (directory / RING_FILE).exists():
        # First the ring: where there are keys, there was one.
        ring = _StoredRing(keys=(base64url(random(_RING_KEY_BYTES)),))
        _write(directory / RING_FILE, msgspec.json.encode(ring))
    present = {(key.purpose, key.alg) for key in stored}
    made = [
        _new_key(purpose, alg, random=random, now=now)
        for purpose, alg in _WANTED
        if (purpose, alg) not in present
    ]
    if made:
        _write(directory / KEYS_FILE, msgspec.json.encode((*stored, *made)))
    return [_listing(key) for key in made]


def list_keys(directory: Path) -> list[KeyListing]:
    """The keys of a directory; raises ``KeyFileError``."""
    return [_listing(key) for key in _read_keys(directory)]


def load_keys(directory: Path) -> FileKeys:
    """Read ring and keys; raises ``KeyFileError`` when one is missing or readable by others."""
    _refuse_keys_without_ring(directory)
    if (directory / RING_FILE).exists() and not (directory / KEYS_FILE).exists():
        raise KeyFileError(
            f"{directory / KEYS_FILE} is missing beside its ring; if there is a backup, put it back"
        )
    stored = {(key.purpose, key.alg): key for key in _read_keys(directory)}
    missing = [f"{purpose} {alg}" for purpose, alg in _WANTED if (purpose, alg) not in stored]
    if missing:
        raise KeyFileError(f"{directory / KEYS_FILE} lacks keys: {', '.join(missing)}")
    ring = _read_ring(directory)
    try:
        return _file_keys(ring, stored)
    except (JoseError, ValueError, KeyError) as error:
        raise KeyFileError(f"{directory / KEYS_FILE} holds a key that is unusable") from error


def _refuse_keys_without_ring(directory: Path) -> None:
    if (directory / KEYS_FILE).exists() and not (directory / RING_FILE).exists():
        raise KeyFileError(
            f"{directory / RING_FILE} is missing beside the keys; put it back from the backup, for "
            "without it the data cannot be opened"
        )


def _file_keys(ring: Ring, stored: dict[tuple[_Purpose, str], _StoredKey]) -> FileKeys:
    challenge, factors = stored["challenge", "ES256"], stored["factors", "ECDH-ES"]
    tokens = [key for key in stored.values() if key.purpose == "token"]
    decryption_key = ECKey.import_key({**factors.jwk})
    if not decryption_key.is_private:
        raise KeyFileError(f"key {factors.kid} is not private")
    token_jwks = [_public_jwk(key) for key in tokens]
    return FileKeys(
        ring=ring,
        challenge_key=_signing_key(challenge),
        factors_key=DecryptionKey(factors.kid, decryption_key),
        _token_keys={SignatureAlgorithm(key.alg): _signing_key(key) for key in tokens},
        _token_jwks=token_jwks,
        _challenge_jwk=_public_jwk(challenge),
        token_verification_keys=KeySet.parse({"keys": token_jwks}),
    )


def _new_key(purpose: _Purpose, alg: str, *, random: Randomness, now: int) -> _StoredKey:
    if alg == "PS256":
        key: ECKey | RSAKey = RSAKey.generate_key(_RSA_BITS, private=True)
    else:
        key = ECKey.generate_key("P-256", private=True)
    members = {name: str(value) for name, value in key.as_dict(private=True).items()}
    members.pop("kid", None)
    return _StoredKey(
        kid=f"{purpose}-{base64url(random(_KID_BYTES))}",
        purpose=purpose,
        alg=alg,
        created_at=now,
        jwk=members,
    )


def _signing_key(stored: _StoredKey) -> SigningKey:
    alg = SignatureAlgorithm(stored.alg)
    if alg is SignatureAlgorithm.PS256:
        key: object = RSAKey.import_key({**stored.jwk}).private_key
    else:
        key = ECKey.import_key({**stored.jwk}).private_key
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise KeyFileError(f"key {stored.kid} is not private")
    return SigningKey(kid=stored.kid, alg=alg, key=key)


def _public_jwk(stored: _StoredKey) -> dict[str, str]:
    names = ("kty", "n", "e") if stored.alg == "PS256" else ("kty", "crv", "x", "y")
    public = {name: stored.jwk[name] for name in names}
    return public | {"kid": stored.kid, "alg": stored.alg, "use": "sig"}


def _listing(stored: _StoredKey) -> KeyListing:
    return KeyListing(stored.kid, stored.purpose, stored.alg, stored.created_at)


def _read_keys(directory: Path) -> tuple[_StoredKey, ...]:
    path = directory / KEYS_FILE
    try:
        return msgspec.json.decode(_read(path), type=tuple[_StoredKey, ...])
    except ValueError as error:
        raise KeyFileError(f"{path} is malformed: {error}") from error


def _read_ring(directory: Path) -> Ring:
    path = directory / RING_FILE
    try:
        stored = msgspec.json.decode(_read(path), type=_StoredRing)
        return Ring.of(*_ring_keys(stored.keys))
    except ValueError as error:
        raise KeyFileError(f"{path} is malformed: {error}") from error


def _ring_keys(texts: Iterable[str]) -> Iterable[bytes]:
    return (parse_base64url(text) for text in texts)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise KeyFileError(f"{path} must not be accessible to others (chmod 600)")
            return file.read()
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
