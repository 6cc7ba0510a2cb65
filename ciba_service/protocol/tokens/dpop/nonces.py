"""Nonces for DPoP proofs: no state, the same in every process with the same key (RFC 9449 8)."""

import hmac
from functools import lru_cache
from typing import Final

from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.jose.encoding import base64url

__all__ = ["NONCE_SLOT", "DpopNonces"]

# Seconds. A nonce is good for the rest of its slot and the whole of the next.
NONCE_SLOT: Final = 150


class DpopNonces:
    """One nonce a time slot: a MAC over the slot's number; instants are seconds since the epoch."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def current(self, now: float) -> str:
        """The nonce to hand out at ``now``."""
        return self._nonce(_slot(now))

    def is_fresh(self, nonce: str, now: float) -> bool:
        """Whether it is that of this slot or of the one before."""
        slot = _slot(now)
        is_of_this = equal_secrets(nonce, self._nonce(slot))
        is_of_the_last = equal_secrets(nonce, self._nonce(slot - 1))
        return is_of_this or is_of_the_last

    def _nonce(self, slot: int) -> str:
        return _mac(self._key, slot)


@lru_cache(maxsize=4)
def _mac(key: bytes, slot: int) -> str:
    """The two slots that count are asked for again and again."""
    return base64url(hmac.digest(key, b"ciba-dpop-nonce.v1\0%d" % slot, "sha256"))


def _slot(now: float) -> int:
    return int(now // NONCE_SLOT)
