"""A request that was acknowledged, and one that ended with tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ciba_client.conformance.answer import Answer
from ciba_client.conformance.expectations import expect, is_number, is_text
from ciba_client.conformance.parties.client import ScriptedClient

__all__ = ["Completed", "Pending", "acknowledged"]

_DEFAULT_INTERVAL: Final = 5
_LONGEST_INTERVAL: Final = 120
_LONGEST_EXPIRY: Final = 86_400
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that was acknowledged, by this answer.

    ``expires_in`` and ``interval`` are in seconds, and bounded.
    """

    client: ScriptedClient = field(repr=False)
    answer: Answer
    auth_req_id: str = field(repr=False)
    notification_token: str = field(repr=False)
    expires_in: float
    interval: float


@dataclass(frozen=True, slots=True)
class Completed:
    """A flow that ended with tokens; ``answer`` is how they came, from the endpoint or pushed."""

    pending: Pending
    answer: Answer
    members: Mapping[str, object] = field(repr=False)

    def text(self, name: str) -> str:
        """A member that must be there; raises ``Violation``."""
        value = self.members.get(name)
        expect(is_text(value), f"{name} in the token response", f"it is {type(value).__name__}")
        return str(value)


def acknowledged(client: ScriptedClient, answer: Answer) -> Pending:
    """Take an acknowledgement as far as it is needed to go on (CIBA 7.3); raises ``Violation``.

    The client's next request has another notification token.
    """
    accepted = answer.status == _OK
    expect(accepted, "an acknowledgement, 200", f"the answer was {answer.summary()}")
    members = answer.members()
    auth_req_id, expires_in = members.get("auth_req_id"), members.get("expires_in")
    expect(is_text(auth_req_id), "auth_req_id, a string", f"it is {auth_req_id!r}")
    expect(is_number(expires_in), "expires_in, a number", f"it is {expires_in!r}")
    interval = members.get("interval", _DEFAULT_INTERVAL)
    token = client.notification_token
    client.renew_notification_token()
    return Pending(
        client=client,
        answer=answer,
        auth_req_id=str(auth_req_id),
        notification_token=token,
        expires_in=_seconds(expires_in, 0, _LONGEST_EXPIRY),
        interval=_seconds(interval, _DEFAULT_INTERVAL, _LONGEST_INTERVAL),
    )


def _seconds(value: object, default: float, longest: float) -> float:
    """However strange the value: what can be waited for."""
    return min(max(value, 0), longest) if isinstance(value, int | float) else default
