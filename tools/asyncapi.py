"""The device protocol as an AsyncAPI 3 document, from the types and from what answers what.

``python -m tools.asyncapi`` writes it, and the JSON Schema beside it; a test holds both to the
code.
"""

from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from ciba_service.sca import messages
from tools.device_schema import (
    PHONE_MESSAGES,
    SCHEMA,
    SERVICE_MESSAGES,
    definitions,
    schema_text,
)

__all__ = ["ANSWERS", "DOCUMENT", "asyncapi_text"]

DOCUMENT: Final = SCHEMA.with_name("device-protocol.asyncapi.yaml")
_SCHEMAS: Final = "#/components/schemas/"

_Types = tuple[type[msgspec.Struct], ...]

_WHAT_IS_OPEN: Final[_Types] = (
    messages.KeysAnnounced,
    messages.DeviceEnrolled,
    messages.DeviceRemoved,
    messages.PasskeyAdded,
    messages.PasskeyRemoved,
    messages.DeviceWaiting,
    messages.DeviceRejected,
    messages.AttemptsWarning,
    messages.ChallengeOffered,
    messages.Fetched,
)
ANSWERS: Final[dict[type[msgspec.Struct], _Types]] = {
    messages.Authenticate: (messages.Welcome, *_WHAT_IS_OPEN),
    messages.Fetch: _WHAT_IS_OPEN,
    messages.Decide: (messages.Accepted, messages.Refused),
    messages.MakeHandle: (messages.HandleMade, messages.HandleRefused),
    messages.ListAccesses: (messages.LastingAccess, messages.AccessesListed),
    messages.EndAccess: (messages.AccessEnded, messages.AccessUnknown),
    messages.ListDevices: (
        messages.EnrolledDevice,
        messages.DeviceWaiting,
        messages.DevicesListed,
    ),
    messages.RenameDevice: (messages.DeviceRenamed, messages.NameRefused),
    messages.RejectDevice: (messages.DeviceRejected, messages.DeviceUnknown),
    messages.GiveUp: (messages.DeviceRemoved,),
    messages.GiveOrder: (messages.OrderCarriedOut, messages.OrderRefused),
    messages.MakePasskey: (messages.PasskeyOffered, messages.PasskeyRefused),
    messages.ListPasskeys: (messages.RegisteredPasskey, messages.PasskeysListed),
    messages.RemovePasskey: (messages.PasskeyRemoved, messages.PasskeyUnknown),
    messages.AskWakeUp: (messages.WakeUpOffered,),
    messages.SetWakeUp: (messages.WakeUpSet, messages.WakeUpRefused),
    messages.DropWakeUp: (messages.WakeUpDropped,),
    messages.Received: (),
    messages.Shown: (),
}
"""What a message of the phone may be answered with, on a socket and over HTTPS alike."""

_UNASKED: Final[_Types] = (
    messages.Hello,
    messages.KeysAnnounced,
    messages.ChallengeOffered,
    messages.Withdrawn,
    messages.DeviceEnrolled,
    messages.DeviceRemoved,
    messages.PasskeyAdded,
    messages.PasskeyRemoved,
    messages.DeviceWaiting,
    messages.DeviceRejected,
    messages.AttemptsWarning,
)
"""What the service says on a socket by itself."""


def asyncapi_text() -> str:
    """The document, in YAML."""
    return yaml.safe_dump(_document(), sort_keys=False, width=100, allow_unicode=True)


def _document() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "CIBA device protocol",
            "version": messages.SUBPROTOCOL,
            "description": "How a phone talks to the service. docs/device-protocol.md explains it, "
            "and docs/openapi.yaml has the HTTP endpoints.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "service": {
                "host": "op.example",
                "protocol": "wss",
                "description": "A phone proves its key by the first message of the socket.",
            }
        },
        "channels": {"socket": _socket()},
        "operations": {"tell": _telling()} | {_name(each): _asked(each) for each in PHONE_MESSAGES},
        "components": {
            "messages": {
                _name(each): _message(each) for each in (*PHONE_MESSAGES, *SERVICE_MESSAGES)
            },
            "schemas": definitions(_SCHEMAS),
        },
    }


def _socket() -> dict[str, Any]:
    both = (*PHONE_MESSAGES, *SERVICE_MESSAGES)
    return {
        "address": str(messages.DevicePath.SOCKET),
        "title": f"WebSocket with the subprotocol {messages.SUBPROTOCOL}",
        "description": f"One JSON object a text frame, at most {messages.LARGEST_FRAME} bytes. "
        f"POST {messages.DevicePath.MESSAGES} takes the same messages, one at a time.",
        "messages": {
            _name(each): {"$ref": f"#/components/messages/{_name(each)}"} for each in both
        },
        "bindings": {"ws": {"method": "GET"}},
    }


def _telling() -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": "#/channels/socket"},
        "summary": "What the service says by itself.",
        "messages": _on_socket(_UNASKED),
    }


def _asked(message: type[msgspec.Struct]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": "receive",
        "channel": {"$ref": "#/channels/socket"},
        "summary": _summary(message),
        "messages": _on_socket((message,)),
    }
    answers = ANSWERS[message]
    if answers:
        operation["reply"] = {
            "channel": {"$ref": "#/channels/socket"},
            "messages": _on_socket(answers),
        }
    return operation


def _on_socket(types: _Types) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/socket/messages/{_name(each)}"} for each in types]


def _message(message: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "name": _name(message),
        "summary": _summary(message),
        "payload": {"$ref": _SCHEMAS + message.__name__},
    }


def _name(message: type[msgspec.Struct]) -> str:
    return str(message.__struct_config__.tag)


def _summary(message: type[msgspec.Struct]) -> str:
    return " ".join((message.__doc__ or "").split("\n\n")[0].replace("``", "`").split())


def write(path: Path, text: str) -> None:
    """Write a generated document."""
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(DOCUMENT, asyncapi_text())
    write(SCHEMA, schema_text())
