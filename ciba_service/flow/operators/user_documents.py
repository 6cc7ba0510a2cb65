"""What operators are told of a user."""

import msgspec

from ciba_service.flow.operators.devices import DeviceSummary
from ciba_service.flow.phones.activation import IssuedCode
from ciba_service.ports import Block
from ciba_service.protocol.instants import instant
from ciba_service.sca.messages import LastingAccess

__all__ = [
    "AccessSummary",
    "ActivationCode",
    "BlockedClient",
    "OpenPrompt",
    "UserAccount",
    "access_summary",
    "activation_code",
    "blocked_client",
]


class BlockedClient(msgspec.Struct, frozen=True):
    """A client that may not ask the user; ``until`` None: until it is lifted."""

    client_id: str
    until: str | None


class OpenPrompt(msgspec.Struct, frozen=True):
    """A request that the user was asked and has not answered."""

    transaction_id: str
    client_id: str


class AccessSummary(msgspec.Struct, frozen=True):
    """A client that holds a refresh token; ``until`` unless it uses it before."""

    transaction_id: str
    client_name: str
    shares: tuple[str, ...]
    since: str
    until: str


class UserAccount(msgspec.Struct, frozen=True):
    """All that is known of a user, but for what was asked and answered."""

    sub: str
    enabled: bool
    failed_attempts: int
    locked: bool
    phones: tuple[DeviceSummary, ...]
    blocked_clients: tuple[BlockedClient, ...]
    open_prompts: tuple[OpenPrompt, ...]
    lasting_accesses: tuple[AccessSummary, ...]


class ActivationCode(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is handed over, by two different ways; ``expires_in`` is in seconds.

    ``needs_approval``: the phone then waits for one that the user has. ``link`` opens the web phone
    with the code in its fragment.
    """

    activation_code: str
    expires_in: int
    second_secret: str | None = None
    needs_approval: bool = False
    link: str | None = None

    def __repr__(self) -> str:
        return "ActivationCode(...)"


def blocked_client(block: Block) -> BlockedClient:
    """As it is told."""
    return BlockedClient(block.client_id, None if block.until is None else instant(block.until))


def access_summary(access: LastingAccess) -> AccessSummary:
    """As it is told."""
    return AccessSummary(
        transaction_id=access.transaction_id,
        client_name=access.client,
        shares=access.shares,
        since=instant(access.since * 1000),
        until=instant(access.until * 1000),
    )


def activation_code(issued: IssuedCode) -> ActivationCode:
    """What was made."""
    return ActivationCode(
        issued.code, issued.expires_in, issued.second_secret, issued.further, issued.link
    )
