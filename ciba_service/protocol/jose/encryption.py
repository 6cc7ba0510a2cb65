"""JWE between phones and the service: ECDH-ES with A256GCM and nothing else (RFC 7516)."""

from collections.abc import Callable, Mapping
from typing import Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol

__all__ = ["DecryptionKey", "InvalidJweError", "decrypt", "encrypt_to"]

_ALGORITHMS: Final = ["ECDH-ES", "A256GCM"]
MAXIMUM_LENGTH: Final = 4096


class InvalidJweError(ValueError):
    """The object cannot be decrypted here; the text is for the log only."""


class DecryptionKey:
    """A private P-256 key with its name; its ``repr`` is masked.

    ``others`` by their names open as well: senders may still use them, or use them already.
    """

    __slots__ = ("_key", "_others", "kid")

    def __init__(self, kid: str, key: ECKey, others: Mapping[str, ECKey] | None = None) -> None:
        self.kid = kid
        self._key = key
        self._others = others or {}

    def __repr__(self) -> str:
        return f"DecryptionKey({self.kid!r})"

    @property
    def public_jwk(self) -> dict[str, str]:
        """The public half, as phones pin it."""
        members = self._key.as_dict(private=False)
        return {name: str(members[name]) for name in ("kty", "crv", "x", "y")} | {"kid": self.kid}

    def open(self, token: str, typ: str) -> bytes:
        """Decrypt a compact JWE of the given ``typ``; raises ``InvalidJweError``."""
        return decrypt(token, self._named, typ)

    def _named(self, token: GuestProtocol) -> ECKey:
        return self._others.get(token.headers().get("kid", self.kid), self._key)


def decrypt(token: str, key: ECKey | Callable[[GuestProtocol], ECKey], typ: str) -> bytes:
    """Decrypt a compact JWE of the given ``typ``; raises ``InvalidJweError``."""
    if len(token) > MAXIMUM_LENGTH:
        raise InvalidJweError("too long")
    try:
        opened = jwe.decrypt_compact(token.encode("ascii"), key, algorithms=_ALGORITHMS)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise InvalidJweError("cannot be decrypted") from error
    if "zip" in opened.protected or opened.protected.get("typ") != typ or opened.plaintext is None:
        raise InvalidJweError("typ is that of another object")
    return opened.plaintext


def encrypt_to(key: ECKey, plaintext: bytes, *, typ: str, kid: str | None = None) -> str:
    """Compact JWE with a fresh ephemeral key."""
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "typ": typ}
    if kid is not None:
        header["kid"] = kid
    return jwe.encrypt_compact(header, plaintext, key, algorithms=_ALGORITHMS)
