"""The account gate: which step goes on in which state of user, device and client.

One table for every step; the flow asks it before each and turns a refusal into the step's error.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

__all__ = ["Accounts", "ClientState", "DeviceState", "Step", "UserState", "is_open"]


class Step(StrEnum):
    """A step that looks at the accounts before it goes on."""

    INITIATE = "initiate"
    NOTIFY = "notify"
    APPROVE = "approve"
    REDEEM = "redeem"


class UserState(Enum):
    """The user's account."""

    ACTIVE = "active"
    LOCKED = "locked"
    DISABLED = "disabled"


class DeviceState(Enum):
    """The phone that decides, or whether there is one at all."""

    ACTIVE = "active"
    REVOKED = "revoked"


class ClientState(Enum):
    """The client's registration."""

    ENABLED = "enabled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts a step depends on, as they are now."""

    user: UserState = UserState.ACTIVE
    device: DeviceState = DeviceState.ACTIVE
    client: ClientState = ClientState.ENABLED


# Locked factors stop new approvals; what was approved before may still be redeemed, since the
# lock says that somebody guesses PINs and not that the approval was wrong.
_CLOSED: Final[dict[Step, frozenset[UserState | DeviceState | ClientState]]] = {
    Step.INITIATE: frozenset(
        {UserState.LOCKED, UserState.DISABLED, DeviceState.REVOKED, ClientState.DISABLED}
    ),
    Step.NOTIFY: frozenset({UserState.DISABLED, DeviceState.REVOKED, ClientState.DISABLED}),
    Step.APPROVE: frozenset(
        {UserState.LOCKED, UserState.DISABLED, DeviceState.REVOKED, ClientState.DISABLED}
    ),
    Step.REDEEM: frozenset({UserState.DISABLED, DeviceState.REVOKED, ClientState.DISABLED}),
}


def is_open(step: Step, accounts: Accounts) -> bool:
    """Whether ``step`` may go on."""
    return _CLOSED[step].isdisjoint({accounts.user, accounts.device, accounts.client})
