"""How strongly and how lately the user must have approved (RFC 9470 3)."""

from dataclasses import dataclass

from ciba_service.protocol.errors import InsufficientUserAuthenticationError, Reason
from ciba_service.protocol.tokens.grant import Grant

__all__ = ["AuthenticationDemand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationDemand:
    """What a resource demands: one of ``acr_values``, if any, and an age of ``max_age`` seconds."""

    acr_values: tuple[str, ...] = ()
    max_age: int | None = None

    def verify(self, grant: Grant, *, now: int) -> None:
        """Hold that the approval behind a valid token is enough; ``now`` is in seconds.

        Raises:
            InsufficientUserAuthenticationError: with all that is demanded.
        """
        if self.acr_values and grant.acr not in self.acr_values:
            raise self._refusal() from Reason(f"the approval reached {grant.acr} only")
        if self.max_age is not None and now > grant.auth_time + self.max_age:
            raise self._refusal() from Reason("the approval is too long ago")

    def _refusal(self) -> InsufficientUserAuthenticationError:
        return InsufficientUserAuthenticationError(self.acr_values, self.max_age)
