"""Typed reading of JWT claims and the time rules every JWT here obeys (RFC 7519 4.1)."""

from collections.abc import Mapping
from typing import Final

from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json_object
from ciba_service.protocol.security_events.causes import Cause

__all__ = ["FUTURE_SKEW", "MAXIMUM_JTI_LENGTH", "Claims", "InvalidClaimsError"]

# FAPI 2.0 5.3.2.1 (13): up to 10 s in the future is accepted, more than 60 s never.
FUTURE_SKEW: Final = 10
MAXIMUM_JTI_LENGTH: Final = 512
# JSON numbers may be of any size; arithmetic on instants is not.
_LAST_INSTANT: Final = 2**53


class InvalidClaimsError(ValueError):
    """A claim is missing, of the wrong type or out of bounds; the text is for the log only."""

    def __init__(self, text: str, cause: Cause = Cause.CLAIMS) -> None:
        super().__init__(text)
        self.cause = cause


class Claims:
    """The claims of one JWT; every getter raises ``InvalidClaimsError`` on a wrong type."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, object]) -> None:
        self._members = members

    @classmethod
    def parse(cls, payload: bytes) -> "Claims":
        """Read a JWS payload as a claims set without repeated members."""
        try:
            return cls(parse_json_object(payload))
        except MalformedEncodingError as error:
            raise InvalidClaimsError(f"the payload is {error}") from error

    def get(self, name: str) -> object:
        """The raw value, or None."""
        return self._members.get(name)

    def has(self, name: str) -> bool:
        """Whether it is there, whatever it holds."""
        return name in self._members

    def text(self, name: str) -> str:
        """A required, non-empty string."""
        value = self._members.get(name)
        if not isinstance(value, str) or not value:
            raise InvalidClaimsError(f"{name} is missing or not a string")
        return value

    def seconds(self, name: str) -> float:
        """A required NumericDate, since the epoch and within exact arithmetic."""
        value = self._members.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidClaimsError(f"{name} is missing or not a number")
        if not 0 <= value <= _LAST_INSTANT:
            raise InvalidClaimsError(f"{name} is out of range")
        return value

    def optional_seconds(self, name: str) -> float | None:
        """A NumericDate, or None when absent."""
        return self.seconds(name) if name in self._members else None

    def audience(self) -> str | tuple[str, ...]:
        """``aud`` as it was sent: one string, or several in an array."""
        value = self._members.get("aud")
        if isinstance(value, str):
            return value
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise InvalidClaimsError("aud is missing or malformed", Cause.AUDIENCE)

    def jti(self) -> str:
        """A required identifier of bounded length."""
        value = self.text("jti")
        if len(value) > MAXIMUM_JTI_LENGTH:
            raise InvalidClaimsError("jti is too long")
        return value

    def unexpired(self, now: float) -> float:
        """``exp``, refused on or after that second (OpenID Connect Core 9)."""
        exp = self.seconds("exp")
        if now >= exp:
            raise InvalidClaimsError("exp has passed", Cause.TIME)
        return exp

    def not_future(self, name: str, now: float) -> float | None:
        """``iat`` or ``nbf`` if present, refused when it lies beyond the skew."""
        value = self.optional_seconds(name)
        if value is not None and value > now + FUTURE_SKEW:
            raise InvalidClaimsError(f"{name} is in the future", Cause.TIME)
        return value
