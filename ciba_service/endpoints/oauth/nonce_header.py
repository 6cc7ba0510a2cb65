"""The nonce for the next DPoP proof, told to whoever uses DPoP (RFC 9449 8)."""

from starlette.types import Scope

from ciba_service.endpoints.body import header
from ciba_service.ports import Clock
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces

__all__ = ["Headers", "NonceHeader"]

Headers = tuple[tuple[bytes, bytes], ...]


class NonceHeader:
    """Headers of an answer; none where no nonces are demanded."""

    def __init__(self, nonces: DpopNonces | None, clock: Clock) -> None:
        self._nonces = nonces
        self._clock = clock

    def told(self, scope: Scope) -> Headers:
        """The nonce, if the request carries a proof or what was meant to be one."""
        if self._nonces is None or header(scope, b"dpop") is None:
            return ()
        return ((b"dpop-nonce", self._nonces.current(self._clock.now_ms() / 1000).encode()),)
