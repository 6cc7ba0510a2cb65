"""The account gate with its look-ups: who may take a step, as the accounts are now."""

from ciba_service.ports import UserDirectory
from ciba_service.protocol.transaction.gate import (
    Accounts,
    DeviceState,
    Step,
    UserState,
    is_open,
)

__all__ = ["AccountGate"]


class AccountGate:
    """Asks the table (``protocol.transaction.gate``) about a user of the directory."""

    def __init__(self, users: UserDirectory) -> None:
        self._users = users

    def is_open(self, step: Step, subject: str, *, device_is_active: bool = True) -> bool:
        """Whether ``step`` may go on for this user and, where one is concerned, this phone."""
        user = self._users.find_subject(subject)
        accounts = Accounts(
            user=UserState.ACTIVE if user is not None and user.enabled else UserState.DISABLED,
            device=DeviceState.ACTIVE if device_is_active else DeviceState.REVOKED,
        )
        return is_open(step, accounts)
