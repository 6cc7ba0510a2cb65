"""What phone and service say to each other is held against the published schema."""

import json
from functools import cache
from typing import Any

import jsonschema_rs

from ciba_service.sca.messages import decode_device_message
from tools.asyncapi import ANSWERS
from tools.device_schema import schema_text

__all__ = ["hold_answers", "hold_frame", "is_valid"]


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    document = json.loads(schema_text())
    return jsonschema_rs.Draft202012Validator(
        {"$schema": document["$schema"], "$ref": f"#/$defs/{name}", "$defs": document["$defs"]}
    )


def is_valid(name: str, value: Any) -> bool:
    """Whether a value is what the schema of this name describes."""
    return bool(_validator(name).is_valid(value))


def hold_frame(frame: Any) -> None:
    """Hold that the service may say this."""
    _validator("from_service").validate(frame)


def hold_answers(message: dict[str, Any], frames: list[Any]) -> None:
    """Hold that a message that was accepted is one, and that it may be answered so."""
    _validator("from_phone").validate(message)
    allowed = {
        answer.__struct_config__.tag
        for answer in ANSWERS[type(decode_device_message(json.dumps(message)))]
    }
    assert {frame["type"] for frame in frames} <= allowed
    for frame in frames:
        hold_frame(frame)
