"""Activation codes in Redis.

A code is found by its keyed hash, since there is no other name to look it up by; the second secret
is kept as a salted keyed hash. Both hang on a key of the ring, so that the store alone gives none.
"""

from collections.abc import Callable
from typing import Final

from ciba_service.ports import Randomness, UnknownRecordFormat
from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import activation_key, activation_use_key
from ciba_service.stores.operations import OPERATION_MEMORY_MS, Operations
from ciba_service.stores.sealing import Sealer

__all__ = ["RedisActivations"]

ATTEMPT_LIMIT: Final = 5
_FORMAT: Final = "1"
_SALT_BYTES: Final = 16

_PUT: Final = Script.load("put_code")
_TRY: Final = Script.load("try_code")
_USE: Final = Script.load("use_code")


class RedisActivations:
    """``ports.ActivationStore`` on Redis."""

    __slots__ = ("_new_operation", "_operations", "_random", "_sealer")

    def __init__(
        self,
        operations: Operations,
        sealer: Sealer,
        *,
        random: Randomness,
        new_operation: Callable[[], str],
    ) -> None:
        self._operations = operations
        self._sealer = sealer
        self._random = random
        self._new_operation = new_operation

    async def put(
        self, code: str, subject: str, second_secret: str | None, *, until: int | None
    ) -> bool:
        """Store a code; one without ``until`` is a preset, and is remembered when it was used."""
        salt = base64url(self._random(_SALT_BYTES))
        secret_hash = "" if second_secret is None else self._secret_hash(salt, second_secret)
        stored = await self._operations.evaluate(
            _PUT,
            [activation_key(self._lookup(code), preset=until is None)],
            [self._new_operation(), subject, salt, secret_hash, until or 0, _FORMAT],
        )
        return bool(stored)

    async def attempt(self, code: str, second_secret: str | None, *, operation: str) -> str | None:
        """The subject if code and second secret hold, and the code is then used."""
        lookup = self._lookup(code)
        for preset in (False, True):
            keys = [activation_key(lookup, preset=preset), activation_use_key(lookup, operation)]
            found = await self._operations.evaluate(_TRY, keys, [operation, ATTEMPT_LIMIT, _FORMAT])
            if found is None:
                continue
            if not found:
                raise UnknownRecordFormat("an activation code has another format")
            subject, salt, secret_hash = (part.decode() for part in found)
            expected = secret_hash or self._secret_hash(salt, "")
            if not equal_secrets(self._secret_hash(salt, second_secret or ""), expected):
                return None
            used = await self._operations.evaluate(_USE, keys, [operation, OPERATION_MEMORY_MS])
            return subject if used else None
        return None

    def _lookup(self, code: str) -> str:
        return self._sealer.keyed_hash("ciba-activation", code)

    def _secret_hash(self, salt: str, second_secret: str) -> str:
        return self._sealer.keyed_hash("ciba-second-secret", salt, second_secret)
