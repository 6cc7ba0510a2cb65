"""The account gate: which step goes on in which state of user, device, client and consent.

One table for every step; the flow asks it before each and turns a refusal into the step's error.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

__all__ = [
    "AccountState",
    "Accounts",
    "ClientState",
    "ConsentState",
    "DeviceState",
    "Step",
    "UserState",
    "is_open",
]


class Step(StrEnum):
    """A step that looks at the accounts before it goes on."""

    IDENTIFY = "identify"
    INITIATE = "initiate"
    NOTIFY = "notify"
    APPROVE = "approve"
    CALLBACK = "callback"
    REDEEM = "redeem"
    REFRESH = "refresh"
    INTROSPECT = "introspect"
    USERINFO = "userinfo"
    RESOURCE = "resource"


class UserState(Enum):
    """The user's account; LOCKED means that its factors are."""

    ACTIVE = "active"
    LOCKED = "locked"
    DISABLED = "disabled"


class DeviceState(Enum):
    """The phone that decides or decided, or whether there is one at all."""

    ACTIVE = "active"
    REVOKED = "revoked"


class ClientState(Enum):
    """The client's registration."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class ConsentState(Enum):
    """What the user has said to this client's request."""

    ASKED = "asked"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


AccountState = UserState | DeviceState | ClientState | ConsentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts a step depends on, as they are now."""

    user: UserState
    device: DeviceState
    client: ClientState
    consent: ConsentState


# While the user is being asked, locked factors stop new approvals.
_ASKING: Final[frozenset[AccountState]] = frozenset(
    {
        UserState.LOCKED,
        UserState.DISABLED,
        DeviceState.REVOKED,
        ClientState.DISABLED,
        ConsentState.WITHDRAWN,
    }
)
# What was approved stays approved when factors are locked: the lock says that somebody guesses
# PINs, and not that the approval was wrong. A phone that is lost takes its approvals with it.
_USING: Final[frozenset[AccountState]] = frozenset(
    {
        UserState.DISABLED,
        DeviceState.REVOKED,
        ClientState.DISABLED,
        ConsentState.ASKED,
        ConsentState.WITHDRAWN,
    }
)

_CLOSED: Final[dict[Step, frozenset[AccountState]]] = {
    # A phone asks for a handle, which is good for nothing but a request.
    Step.IDENTIFY: _ASKING,
    Step.INITIATE: _ASKING,
    # A phone shows what is open even when its answer will be refused as locked.
    Step.NOTIFY: _ASKING - {UserState.LOCKED},
    Step.APPROVE: _ASKING,
    # It says that something was decided, denials too, and delivers nothing: tokens, also pushed
    # ones, come with REDEEM.
    Step.CALLBACK: frozenset({ClientState.DISABLED}),
    Step.REDEEM: _USING,
    Step.REFRESH: _USING,
    Step.INTROSPECT: _USING,
    Step.USERINFO: _USING,
    Step.RESOURCE: _USING,
}


def is_open(step: Step, accounts: Accounts) -> bool:
    """Whether ``step`` may go on."""
    present = {accounts.user, accounts.device, accounts.client, accounts.consent}
    return _CLOSED[step].isdisjoint(present)
