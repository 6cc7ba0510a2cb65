"""Refresh tokens: who gets one, how long it is good for, what it may ask for (RFC 6749 6).

One is good until the grant ends, it lies idle too long, or its time since the user's approval is
over. It is not rotated: it is worth nothing without the client's own authentication, and rotation
loses grants when an answer is lost (FAPI 2.0 5.3.2.1 (9)).
"""

from dataclasses import dataclass
from typing import Final

from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import InvalidScopeError, Reason
from ciba_service.protocol.tokens.grant import Grant

__all__ = [
    "LONGEST_REFRESH_LIFETIME",
    "RefreshLifetime",
    "may_have_refresh_token",
    "narrowed_scope",
]

# Seconds since strong customer authentication (PSD2 RTS art. 10(2)(b), as amended in 2022).
LONGEST_REFRESH_LIFETIME: Final = 180 * 86_400


@dataclass(frozen=True, slots=True)
class RefreshLifetime:
    """How long refresh tokens live, in seconds: unused, and since the user's approval."""

    idle: int
    absolute: int

    def good_until(self, grant: Grant, now: int) -> int:
        """Until when one is good that is issued or used at ``now``; both in milliseconds."""
        absolute = min(self.absolute, LONGEST_REFRESH_LIFETIME)
        return min(now + self.idle * 1000, (grant.auth_time + absolute) * 1000)


def may_have_refresh_token(client: Client, *, has_payment: bool) -> bool:
    """Only for clients that registered the grant, and never with a payment: that is done once."""
    return client.may_refresh and not has_payment


def narrowed_scope(requested: str | None, granted: tuple[str, ...]) -> tuple[str, ...]:
    """The scope of a refreshed access token: what was granted, or the part that is asked for.

    Raises:
        InvalidScopeError: when more is asked for than was granted, or nothing (RFC 6749 6).
    """
    if requested is None:
        return granted
    wanted = set(requested.split(" "))
    if not wanted <= set(granted):
        raise InvalidScopeError from Reason("more scope than was granted")
    return tuple(token for token in granted if token in wanted)
