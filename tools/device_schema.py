"""JSON Schemas of the device protocol, made from the types that the code reads and writes with.

``python -m tools.device_schema`` writes ``docs/device-protocol.schema.json`` and the AsyncAPI
document beside it; a test holds both to the code.
"""

import json
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from ciba_service.sca import messages

__all__ = ["PHONE_MESSAGES", "SCHEMA", "SERVICE_MESSAGES", "definitions", "schema_text"]

_ROOT: Final = Path(__file__).resolve().parent.parent
SCHEMA: Final = _ROOT / "docs" / "device-protocol.schema.json"

SERVICE_MESSAGES: Final[tuple[type[msgspec.Struct], ...]] = get_args(messages.ServiceMessage)
PHONE_MESSAGES: Final[tuple[type[msgspec.Struct], ...]] = get_args(messages.DeviceMessage)

_BODIES: Final = (
    messages.EnrolmentRequest,
    messages.EnrolmentAnswer,
    messages.MessageExchange,
)
_SIGNED: Final[dict[type[msgspec.Struct], str]] = {
    messages.Challenge: messages.CHALLENGE_TYP,
    messages.KeyAnnouncement: messages.KEYS_TYP,
    messages.EnrolmentClaims: messages.ENROLMENT_TYP,
    messages.SessionClaims: messages.SESSION_TYP,
    messages.DecisionClaims: messages.DECISION_TYP,
    messages.OrderClaims: messages.ORDER_TYP,
}
_ENCRYPTED: Final[dict[type[msgspec.Struct], str]] = {
    messages.EnrolmentSecrets: messages.SECRETS_TYP,
    messages.FactorProofs: messages.FACTORS_TYP,
    messages.OrderProofs: messages.ORDER_FACTORS_TYP,
}
_INSIDE: Final[dict[tuple[str, str], type[msgspec.Struct]]] = {
    ("ChallengeOffered", "challenge"): messages.Challenge,
    ("KeysAnnounced", "announcements"): messages.KeyAnnouncement,
    ("Authenticate", "proof"): messages.SessionClaims,
    ("Decide", "decision"): messages.DecisionClaims,
    ("GiveOrder", "order"): messages.OrderClaims,
    ("EnrolmentRequest", "enrolment"): messages.EnrolmentClaims,
    ("EnrolmentAnswer", "secrets"): messages.EnrolmentSecrets,
    ("DecisionClaims", "factors"): messages.FactorProofs,
    ("OrderClaims", "factors"): messages.OrderProofs,
}
"""Where a member is a JWS or JWE: what is inside."""


def definitions(prefix: str) -> dict[str, Any]:
    """A schema for each type by its name; they refer to each other below ``prefix``."""
    types = [*SERVICE_MESSAGES, *PHONE_MESSAGES, *_BODIES, *_SIGNED, *_ENCRYPTED]
    _, found = msgspec.json.schema_components(
        types, ref_template=prefix + "{name}", schema_hook=lambda _: {"title": "Any JSON value"}
    )
    for (name, member), inside in _INSIDE.items():
        schema = found[name]["properties"][member]
        found[name]["properties"][member] = _with_content(schema, inside, prefix)
    return {name: _plain(found[name]) for name in sorted(found)}


def schema_text() -> str:
    """The JSON Schema: any message of either side, and everything in it by name."""
    prefix = "#/$defs/"
    ways = {
        "from_service": {"anyOf": [{"$ref": prefix + each.__name__} for each in SERVICE_MESSAGES]},
        "from_phone": {"anyOf": [{"$ref": prefix + each.__name__} for each in PHONE_MESSAGES]},
    }
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Device protocol {messages.SUBPROTOCOL}",
        "description": "Members that are not named here are ignored, and absent ones are left out.",
        "anyOf": [{"$ref": prefix + name} for name in ways],
        "$defs": {**ways, **definitions(prefix)},
    }
    return json.dumps(document, indent=1) + "\n"


def _with_content(
    schema: dict[str, Any], inside: type[msgspec.Struct], prefix: str
) -> dict[str, Any]:
    """The schema of a text that is a JWS or JWE, or of a list of them."""
    schema = _without_null(schema)
    if schema["type"] == "array":
        return {**schema, "items": _with_content(schema["items"], inside, prefix)}
    form, typ = ("JWS", _SIGNED.get(inside)) if inside in _SIGNED else ("JWE", _ENCRYPTED[inside])
    return {
        **schema,
        "description": f"Compact {form} of typ {typ}",
        "contentMediaType": "application/jose",
        "x-payload": prefix + inside.__name__,
    }


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """As other languages read it: absent members instead of null ones, patterns of ECMA 262.

    ``discriminator`` is OpenAPI's and has no meaning here.
    """
    members = _without_null(schema).items()
    return {name: _plain_value(value) for name, value in members if name != "discriminator"}


def _plain_value(value: object) -> object:
    match value:
        case dict():
            return _plain(value)
        case list():
            return [_plain_value(each) for each in value]
        case str():
            return " ".join(value.replace("``", "`").replace(r"\Z", "$").split())
        case _:
            return value


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("default", "") is not None:
        return schema
    (present,) = (each for each in schema["anyOf"] if each != {"type": "null"})
    return dict(present)
