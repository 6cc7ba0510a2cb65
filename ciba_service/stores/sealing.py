"""Encryption at rest: every sealed value has its own key, bound to the place it stands in.

The record key is HKDF-SHA-256 of a ring key and a random 128-bit salt; AES-256-GCM binds key name,
field and owner as associated data, so that a value moved elsewhere does not open.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ciba_service.ports import Randomness, UnknownRecordFormat
from ciba_service.protocol.jose.encoding import base64url

__all__ = ["Ring", "Sealer", "SealingError"]

_FORMAT: Final = b"\x01"
_KEY_ID_BYTES: Final = 4
_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_HEADER: Final = len(_FORMAT) + _KEY_ID_BYTES + _SALT_BYTES
_CIPHERS_KEPT: Final = 512
_Cipher = tuple[AESGCM, bytes]


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
        return _derive(self.oldest, b"", f"ciba-{purpose}.v1".encode(), _KEY_BYTES)

    @classmethod
    def of(cls, *keys: bytes) -> "Ring":
        """A ring of 256-bit keys, the first of them active."""
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise ValueError("a ring needs keys of 32 bytes")
        named = {hashlib.sha256(b"ciba-ring\0" + key).digest()[:_KEY_ID_BYTES]: key for key in keys}
        return cls(active=next(iter(named)), keys=named)


class Sealer:
    """Seals and opens values, and makes keyed hashes of secrets that must be found again."""

    __slots__ = ("_ciphers", "_pepper", "_random", "_ring")

    def __init__(self, ring: Ring, random: Randomness) -> None:
        self._ring = ring
        self._random = random
        self._pepper = ring.derive("pepper")
        self._ciphers: dict[bytes, _Cipher] = {}

    def new_key(self) -> bytes:
        """A random key of 256 bits, to be sealed itself."""
        return self._random(_KEY_BYTES)

    def seal(self, plaintext: bytes, *, key: str, name: str, owner: str = "") -> bytes:
        """Encrypt for exactly this Redis key, field and owner."""
        salt = self._random(_SALT_BYTES)
        cipher, nonce = self._cipher(self._ring.active, salt)
        sealed = cipher.encrypt(nonce, plaintext, _place(key, name, owner))
        return _FORMAT + self._ring.active + salt + sealed

    def open(self, sealed: bytes, *, key: str, name: str, owner: str = "") -> bytes:
        """Decrypt; raises ``SealingError``."""
        name_of_key = sealed[1 : 1 + _KEY_ID_BYTES]
        if sealed[:1] != _FORMAT or name_of_key not in self._ring.keys:
            raise SealingError("unknown format or key")
        cipher, nonce = self._cipher(name_of_key, sealed[1 + _KEY_ID_BYTES : _HEADER])
        try:
            return cipher.decrypt(nonce, sealed[_HEADER:], _place(key, name, owner))
        except InvalidTag as error:
            raise SealingError("the value was changed or moved") from error

    def keyed_hash(self, purpose: str, *texts: str) -> str:
        """HMAC-SHA-256 under a key derived from the ring, for look-ups and short secrets."""
        message = "\0".join((purpose, *texts)).encode("utf-8")
        return base64url(hmac.digest(self._pepper, message, "sha256"))

    def _cipher(self, name_of_key: bytes, salt: bytes) -> _Cipher:
        """Kept for a while: most of what is sealed is opened soon, by the same process."""
        place = name_of_key + salt
        found = self._ciphers.get(place)
        if found is None:
            found = _cipher(self._ring.keys[name_of_key], salt)
            if len(self._ciphers) >= _CIPHERS_KEPT:
                del self._ciphers[next(iter(self._ciphers))]
            self._ciphers[place] = found
        return found


def _derive(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256 (RFC 5869) for at most two blocks: a tenth of what ``cryptography`` takes.

    Without a salt the standard says zeros, which is what HMAC pads an empty key with.
    """
    extracted = hmac.digest(salt, key, "sha256")
    first = hmac.digest(extracted, info + b"\x01", "sha256")
    if length <= len(first):
        return first[:length]
    return (first + hmac.digest(extracted, first + info + b"\x02", "sha256"))[:length]


def _cipher(ring_key: bytes, salt: bytes) -> _Cipher:
    # The salt is fresh for every value, so key and nonce are never used twice.
    material = _derive(ring_key, salt, b"ciba-record.v1", _KEY_BYTES + _NONCE_BYTES)
    return AESGCM(material[:_KEY_BYTES]), material[_KEY_BYTES:]


def _place(key: str, name: str, owner: str) -> bytes:
    return f"{key}\0{name}\0{owner}".encode()
