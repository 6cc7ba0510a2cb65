"""An access token as this service keeps it: what it says beyond its grant."""

import msgspec

from ciba_service.protocol.request.authorization_details import AuthorizationDetail
from ciba_service.protocol.tokens.dpop.binding import Binding
from ciba_service.protocol.tokens.grant import Grant

__all__ = ["AccessToken"]


class AccessToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one access token says; instants are seconds since the epoch.

    ``scope`` may be narrower than the grant's, and so may ``narrowed_details``, which is None where
    the token states all of the grant's; ``cnf`` is what the token is bound to, if anything.
    """

    jti: str
    aud: str | tuple[str, ...]
    iat: int
    exp: int
    scope: tuple[str, ...]
    cnf: Binding | None = None
    narrowed_details: tuple[AuthorizationDetail, ...] | None = None

    def details(self, grant: Grant) -> tuple[AuthorizationDetail, ...]:
        """What of the details of its grant it is good for."""
        return grant.details if self.narrowed_details is None else self.narrowed_details

    def stated_details(self, grant: Grant) -> tuple[msgspec.Raw, ...]:
        """The same, as answers and tokens state it (RFC 9396 7, 9)."""
        return tuple(detail.stated for detail in self.details(grant))

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
