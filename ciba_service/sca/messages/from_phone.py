"""What a phone says, on a socket and over HTTPS alike."""

import msgspec

from ciba_service.sca.messages.decision import DenialReason
from ciba_service.sca.messages.passkeys import PasskeyId
from ciba_service.sca.messages.wake_up import PushEndpoint, PushKey, PushSecret
from ciba_service.sca.messages.wire import DeviceId, DeviceName, TransactionId

__all__ = [
    "AskWakeUp",
    "Authenticate",
    "Decide",
    "DropWakeUp",
    "EndAccess",
    "Fetch",
    "GiveOrder",
    "GiveUp",
    "ListAccesses",
    "ListDevices",
    "ListPasskeys",
    "MakeHandle",
    "MakePasskey",
    "Received",
    "RejectDevice",
    "RemovePasskey",
    "RenameDevice",
    "SetWakeUp",
    "Shown",
]


class Authenticate(msgspec.Struct, frozen=True, tag="authenticate", tag_field="type"):
    """Answer to ``hello``: a session JWS over its nonce."""

    proof: str


class Fetch(msgspec.Struct, frozen=True, tag="fetch", tag_field="type"):
    """Ask for every open challenge."""


class Decide(msgspec.Struct, frozen=True, tag="decide", tag_field="type"):
    """Hand in a decision JWS; a resent one gets its first outcome."""

    decision: str


class MakeHandle(msgspec.Struct, frozen=True, tag="make_handle", tag_field="type"):
    """Ask for a login handle; each gets another one."""


class ListAccesses(msgspec.Struct, frozen=True, tag="list_accesses", tag_field="type"):
    """Ask for every access that lasts."""


class EndAccess(msgspec.Struct, frozen=True, tag="end_access", tag_field="type"):
    """End one of them; it may be sent again."""

    transaction_id: TransactionId


class ListDevices(msgspec.Struct, frozen=True, tag="list_devices", tag_field="type"):
    """Ask for every phone of the user."""


class RenameDevice(msgspec.Struct, frozen=True, tag="rename_device", tag_field="type"):
    """Give this phone another name."""

    name: DeviceName


class RejectDevice(msgspec.Struct, frozen=True, tag="reject_device", tag_field="type"):
    """Turn a phone away that waits; ``not_me`` says that the user knows nothing of it."""

    device_id: DeviceId
    reason: DenialReason = DenialReason.DECLINED


class GiveUp(msgspec.Struct, frozen=True, tag="give_up", tag_field="type"):
    """Revoke this very phone."""


class MakePasskey(msgspec.Struct, frozen=True, tag="make_passkey", tag_field="type"):
    """Ask for options to make a passkey with; each time they have another challenge."""


class ListPasskeys(msgspec.Struct, frozen=True, tag="list_passkeys", tag_field="type"):
    """Ask for every passkey of this phone."""


class RemovePasskey(msgspec.Struct, frozen=True, tag="remove_passkey", tag_field="type"):
    """Forget a passkey of this phone."""

    passkey_id: PasskeyId


class Received(msgspec.Struct, frozen=True, tag="received", tag_field="type"):
    """A challenge has come and verifies; nothing is answered."""

    transaction_id: TransactionId


class Shown(msgspec.Struct, frozen=True, tag="shown", tag_field="type"):
    """The challenge is in front of the user; nothing is answered."""

    transaction_id: TransactionId


class GiveOrder(msgspec.Struct, frozen=True, tag="order", tag_field="type"):
    """Hand in an order JWS; a resent one gets its first outcome."""

    order: str


class AskWakeUp(msgspec.Struct, frozen=True, tag="ask_wake_up", tag_field="type"):
    """Ask how the service can wake this phone while it has no socket."""


class SetWakeUp(msgspec.Struct, frozen=True, tag="set_wake_up", tag_field="type"):
    """Be woken by Web Push: the members of a push subscription (RFC 8030, RFC 8291 2)."""

    endpoint: PushEndpoint
    p256dh: PushKey
    auth: PushSecret

    def __repr__(self) -> str:
        return "SetWakeUp(...)"


class DropWakeUp(msgspec.Struct, frozen=True, tag="drop_wake_up", tag_field="type"):
    """Be woken no more."""
