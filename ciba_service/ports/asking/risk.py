"""Risk: what an operator's own rules make of a request, beyond what was configured."""

from dataclasses import dataclass
from typing import Protocol

from ciba_service.protocol.request.authorization_details import AuthorizationDetail
from ciba_service.protocol.request.request_context import RequestContext

__all__ = ["RiskPolicy", "Situation"]


@dataclass(frozen=True, slots=True)
class Situation:
    """What a client asks for, and what it says of where and how it is asked.

    ``context`` is the client's word, signed where its requests are, and proven by nobody.
    """

    client_id: str
    scope: tuple[str, ...]
    details: tuple[AuthorizationDetail, ...]
    context: RequestContext | None


class RiskPolicy(Protocol):
    """A rule over what is known at once: it answers without waiting, and raises nothing."""

    def needs_one_time_code(self, situation: Situation) -> bool:
        """Whether a one-time code is asked for, too; False takes back no other demand."""
        ...
