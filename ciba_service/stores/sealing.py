"""Encryption at rest: every sealed value is bound to the place it stands in.

A sealing key is HKDF-SHA-256 of a ring key and a random 128-bit salt, and seals 65,536 values of
one process, each with a random nonce: far below what AES-256-GCM allows under one key (2^32, NIST
SP 800-38D 8.3). Key name, field and owner are associated data, so that a value moved elsewhere does
not open. Values of the first format, each of which has a key of its own, still open.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ciba_service.ports import Randomness, UnknownRecordFormat
from ciba_service.protocol.jose.encoding import base64url

__all__ = ["Ring", "Sealer", "SealingError"]

_FORMAT: Final = b"\x02"
_PURPOSE: Final = b"ciba-record.v2"
_FIRST: Final = b"\x01"
_FIRST_PURPOSE: Final = b"ciba-record.v1"
_KEY_ID_BYTES: Final = 4
_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VALUES_OF_A_KEY: Final = 65_536
_CIPHERS_KEPT: Final = 512

# Where its parts end in a sealed value.
_KEY_ID: Final = len(_FORMAT) + _KEY_ID_BYTES
_SALT: Final = _KEY_ID + _SALT_BYTES
_NONCE: Final = _SALT + _NONCE_BYTES


class SealingError(UnknownRecordFormat):
    """A value does not open: another ring, another place, or it was changed."""


@dataclass(frozen=True, slots=True)
class Ring:
    """Keys for data at rest; the active one seals, all of them open."""

    active: bytes
    keys: dict[bytes, bytes] = field(repr=False)

    @property
    def oldest(self) -> bytes:
        """The key that keyed hashes hang on, so that rotation does not orphan what they find."""
        return next(reversed(self.keys.values()))

    def derive(self, purpose: str) -> bytes:
        """A key of 256 bits for one purpose, the same in every process and after rotation."""
        return _derived(self.oldest, b"", f"ciba-{purpose}.v1".encode())

    @classmethod
    def of(cls, *keys: bytes) -> "Ring":
        """A ring of 256-bit keys, the first of them active."""
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise ValueError("a ring needs keys of 32 bytes")
        named = {hashlib.sha256(b"ciba-ring\0" + key).digest()[:_KEY_ID_BYTES]: key for key in keys}
        return cls(active=next(iter(named)), keys=named)


class Sealer:
    """Seals and opens values, and makes keyed hashes of secrets that must be found again."""

    __slots__ = ("_ciphers", "_header", "_pepper", "_random", "_ring", "_uses_left")

    def __init__(self, ring: Ring, random: Randomness) -> None:
        self._ring = ring
        self._random = random
        self._pepper = ring.derive("pepper")
        self._ciphers: dict[bytes, AESGCM] = {}
        self._header = b""
        self._uses_left = 0

    def new_key(self) -> bytes:
        """A random key of 256 bits, to be sealed itself."""
        return self._random(_KEY_BYTES)

    def seal(self, plaintext: bytes, *, key: str, name: str, owner: str = "") -> bytes:
        """Encrypt for exactly this Redis key, field and owner."""
        if not self._uses_left:
            self._header = _FORMAT + self._ring.active + self._random(_SALT_BYTES)
            self._uses_left = _VALUES_OF_A_KEY
        self._uses_left -= 1
        nonce = self._random(_NONCE_BYTES)
        sealed = self._cipher(self._header).encrypt(nonce, plaintext, _place(key, name, owner))
        return b"".join((self._header, nonce, sealed))

    def open(self, sealed: bytes, *, key: str, name: str, owner: str = "") -> bytes:
        """Decrypt; raises ``SealingError``."""
        cipher, nonce, encrypted = self._parts(sealed)
        try:
            return cipher.decrypt(nonce, encrypted, _place(key, name, owner))
        except InvalidTag as error:
            raise SealingError("the value was changed or moved") from error

    def keyed_hash(self, purpose: str, *texts: str) -> str:
        """HMAC-SHA-256 under a key derived from the ring, for look-ups and short secrets."""
        message = "\0".join((purpose, *texts)).encode("utf-8")
        return base64url(hmac.digest(self._pepper, message, "sha256"))

    def _parts(self, sealed: bytes) -> tuple[AESGCM, bytes, bytes]:
        """The cipher, the nonce, and what is encrypted; raises ``SealingError``."""
        ring_key = self._ring.keys.get(sealed[len(_FORMAT) : _KEY_ID])
        if ring_key is None or len(sealed) < _NONCE or sealed[:1] not in {_FORMAT, _FIRST}:
            raise SealingError("unknown format or key")
        if sealed[:1] == _FORMAT:
            return self._cipher(sealed[:_SALT]), sealed[_SALT:_NONCE], sealed[_NONCE:]
        salt, length = sealed[_KEY_ID:_SALT], _KEY_BYTES + _NONCE_BYTES
        material = _derived(ring_key, salt, _FIRST_PURPOSE, length)
        return AESGCM(material[:_KEY_BYTES]), material[_KEY_BYTES:], sealed[_SALT:]

    def _cipher(self, header: bytes) -> AESGCM:
        """Kept for a while: what processes seal in the same hours has few keys."""
        found = self._ciphers.get(header)
        if found is None:
            ring_key = self._ring.keys[header[len(_FORMAT) : _KEY_ID]]
            found = AESGCM(_derived(ring_key, header[_KEY_ID:], _PURPOSE))
            if len(self._ciphers) >= _CIPHERS_KEPT:
                del self._ciphers[next(iter(self._ciphers))]
            self._ciphers[header] = found
        return found


def _derived(key: bytes, salt: bytes, info: bytes, length: int = _KEY_BYTES) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)


def _place(key: str, name: str, owner: str) -> bytes:
    return f"{key}\0{name}\0{owner}".encode()
