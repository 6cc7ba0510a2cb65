"""Frames: all messages there are, each one JSON object, read on either side."""

from typing import Final, TypeVar

import msgspec

from ciba_service.sca.messages.accesses import (
    AccessEnded,
    AccessesListed,
    AccessUnknown,
    LastingAccess,
)
from ciba_service.sca.messages.from_phone import (
    AskWakeUp,
    Authenticate,
    Decide,
    DropWakeUp,
    EndAccess,
    Fetch,
    GiveOrder,
    GiveUp,
    ListAccesses,
    ListDevices,
    ListPasskeys,
    MakeHandle,
    MakePasskey,
    Received,
    RejectDevice,
    RemovePasskey,
    RenameDevice,
    SetWakeUp,
    Shown,
)
from ciba_service.sca.messages.from_service import (
    Accepted,
    ChallengeOffered,
    Fetched,
    Hello,
    KeysAnnounced,
    Refused,
    Welcome,
    Withdrawn,
)
from ciba_service.sca.messages.handles import HandleMade, HandleRefused
from ciba_service.sca.messages.orders import OrderCarriedOut, OrderRefused
from ciba_service.sca.messages.passkeys import (
    PasskeyAdded,
    PasskeyOffered,
    PasskeyRefused,
    PasskeyRemoved,
    PasskeysListed,
    PasskeyUnknown,
    RegisteredPasskey,
)
from ciba_service.sca.messages.phones import (
    AttemptsWarning,
    DeviceEnrolled,
    DeviceRejected,
    DeviceRemoved,
    DeviceRenamed,
    DevicesListed,
    DeviceUnknown,
    DeviceWaiting,
    EnrolledDevice,
    NameRefused,
)
from ciba_service.sca.messages.wake_up import WakeUpDropped, WakeUpOffered, WakeUpRefused, WakeUpSet

__all__ = [
    "DeviceMessage",
    "MessageExchange",
    "ServiceMessage",
    "decode_device_message",
    "decode_service_message",
]


ServiceMessage = (
    Hello
    | Welcome
    | KeysAnnounced
    | ChallengeOffered
    | Fetched
    | Withdrawn
    | Accepted
    | Refused
    | DeviceEnrolled
    | HandleMade
    | HandleRefused
    | LastingAccess
    | AccessesListed
    | AccessEnded
    | AccessUnknown
    | DeviceRemoved
    | DeviceWaiting
    | DeviceRejected
    | DeviceUnknown
    | AttemptsWarning
    | EnrolledDevice
    | DevicesListed
    | DeviceRenamed
    | NameRefused
    | OrderCarriedOut
    | OrderRefused
    | WakeUpOffered
    | WakeUpSet
    | WakeUpRefused
    | WakeUpDropped
    | PasskeyOffered
    | PasskeyRefused
    | RegisteredPasskey
    | PasskeysListed
    | PasskeyAdded
    | PasskeyRemoved
    | PasskeyUnknown
)
DeviceMessage = (
    Authenticate
    | Fetch
    | Decide
    | MakeHandle
    | ListAccesses
    | EndAccess
    | ListDevices
    | RenameDevice
    | GiveUp
    | RejectDevice
    | GiveOrder
    | MakePasskey
    | ListPasskeys
    | RemovePasskey
    | Received
    | Shown
    | AskWakeUp
    | SetWakeUp
    | DropWakeUp
)


class MessageExchange(msgspec.Struct, frozen=True):
    """Body of the answer to ``POST /device/messages``: the frames a socket would have carried."""

    messages: tuple[ServiceMessage, ...]


_T = TypeVar("_T")
_device_decoder: Final[msgspec.json.Decoder[DeviceMessage]] = msgspec.json.Decoder(DeviceMessage)
_service_decoder: Final[msgspec.json.Decoder[ServiceMessage]] = msgspec.json.Decoder(ServiceMessage)


def decode_device_message(frame: str | bytes) -> DeviceMessage:
    """Parse a frame sent by a phone; raises ``msgspec.DecodeError`` when it is malformed."""
    return _decode(_device_decoder, frame)


def decode_service_message(frame: str | bytes) -> ServiceMessage:
    """Parse a frame sent by the service; raises ``msgspec.DecodeError`` when it is malformed."""
    return _decode(_service_decoder, frame)


def _decode(decoder: msgspec.json.Decoder[_T], frame: str | bytes) -> _T:
    try:
        return decoder.decode(frame)
    except (UnicodeError, RecursionError) as error:
        raise msgspec.DecodeError("not UTF-8, or nested too deeply") from error
