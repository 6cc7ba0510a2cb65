"""Activation codes in Redis.

A code is found by its keyed hash, since there is no other name to look it up by. The second secret
is kept as a salted keyed hash over all that the code stands for: who changes the user of a code in
the store, or takes its second secret away, has a code that is worth nothing. Both hang on a key of
the ring, so that the store alone gives none.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from ciba_service.ports import Activation, Randomness, UnknownRecordFormat
from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.sca.factors.activation import ATTEMPT_LIMIT
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import activation_key, activation_use_key
from ciba_service.stores.operations import OPERATION_MEMORY_MS, Operations
from ciba_service.stores.sealing import Sealer

__all__ = ["RedisActivations"]

_FORMAT: Final = "1"
_SALT_BYTES: Final = 16

_PUT: Final = Script.load("put_code")
_TRY: Final = Script.load("try_code", durable=True)
_USE: Final = Script.load("use_code", durable=True)


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
        self,
        code: str,
        activation: Activation,
        second_secret: str | None,
        *,
        until: int | None,
    ) -> bool:
        """Store a code; one without ``until`` is a preset, and is remembered when it was used."""
        lookup, salt = self._lookup(code), base64url(self._random(_SALT_BYTES))
        stored = await self._operations.evaluate(
            _PUT,
            [activation_key(lookup, preset=until is None)],
            [
                self._new_operation(),
                activation.subject,
                int(activation.further),
                salt,
                self._proof(lookup, salt, activation, second_secret),
                until or 0,
                _FORMAT,
            ],
        )
        return bool(stored)

    async def attempt(
        self, code: str, second_secret: str | None, *, operation: str
    ) -> Activation | None:
        """What the code is good for, if it and the second secret hold; it is then used."""
        lookup = self._lookup(code)
        for preset in (False, True):
            keys = [activation_key(lookup, preset=preset), activation_use_key(lookup, operation)]
            found = await self._operations.evaluate(_TRY, keys, [operation, ATTEMPT_LIMIT, _FORMAT])
            if found is None:
                continue
            if not found:
                raise UnknownRecordFormat("an activation code has another format")
            subject, further, salt, proof = (part.decode() for part in found)
            activation = Activation(subject, further=further == "1")
            if not equal_secrets(self._proof(lookup, salt, activation, second_secret), proof):
                return None
            used = await self._operations.evaluate(_USE, keys, [operation, OPERATION_MEMORY_MS])
            return activation if used else None
        return None

    def _lookup(self, code: str) -> str:
        return self._sealer.keyed_hash("ciba-activation", code)

    def _proof(
        self, lookup: str, salt: str, activation: Activation, second_secret: str | None
    ) -> str:
        # As JSON, so that no text can pass for two.
        parts = (lookup, salt, activation.subject, activation.further, second_secret or "")
        return self._sealer.keyed_hash("ciba-second-secret", msgspec.json.encode(parts).decode())
