"""Identifiers that may be used once."""

from enum import StrEnum
from typing import Protocol

__all__ = ["ReplayKind", "ReplayStore"]


class ReplayKind(StrEnum):
    """What is used up; identifiers of different kinds never meet."""

    CLIENT_ASSERTION = "client_assertion"
    REQUEST_OBJECT = "request_object"
    LOGIN_HINT_TOKEN = "login_hint_token"  # noqa: S105 - a name
    DPOP_PROOF = "dpop_proof"
    DEVICE_PROOF = "device_proof"
    ORDER_PROOF = "order_proof"
    PASSKEY_CHALLENGE = "passkey_challenge"


class ReplayStore(Protocol):
    """Identifiers that may be used once."""

    async def reserve(
        self, kind: ReplayKind, owner: str, identifier: str, *, operation: str, until: int
    ) -> bool:
        """Claim for this operation; False when another operation did before.

        Remembered a minute longer than ``until``, for clocks of other hosts.
        """
        ...
