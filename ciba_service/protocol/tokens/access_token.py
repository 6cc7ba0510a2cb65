"""An access token as this service keeps it: what it says beyond its grant."""

import msgspec

from ciba_service.protocol.tokens.dpop.binding import Binding

__all__ = ["AccessToken"]


class AccessToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one access token says; instants are seconds since the epoch.

    ``scope`` may be narrower than the grant's; ``cnf`` is what the token is bound to, if anything.
    """

    jti: str
    aud: str | tuple[str, ...]
    iat: int
    exp: int
    scope: tuple[str, ...]
    cnf: Binding | None = None

    @property
    def audience(self) -> frozenset[str]:
        """The resources it is for."""
        return frozenset({self.aud} if isinstance(self.aud, str) else self.aud)

    def is_live(self, now: int) -> bool:
        """Whether it has not run out at ``now``, in seconds (RFC 9068 4)."""
        return now < self.exp

    @property
    def token_type(self) -> str:
        """The scheme it is presented with."""
        return (self.cnf or Binding()).token_type.value
