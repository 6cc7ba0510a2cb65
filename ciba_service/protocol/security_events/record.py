"""One security event as it is written down: when, how bad, and what; and the schema of it."""

from inspect import cleandoc
from typing import Annotated, Final

import msgspec

from ciba_service.protocol.instants import moment
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.security_events.kinds import SecurityEvent, Severity

__all__ = ["EVENT_ID_BYTES", "LONGEST_TEXT", "SecurityEventRecord", "record_of", "record_schema"]

EVENT_ID_BYTES: Final = 16
LONGEST_TEXT: Final = 256
_encoder: Final = msgspec.json.Encoder()


class SecurityEventRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event with its name and its time.

    ``id`` is the same wherever the event is told, ``at`` is in milliseconds since the epoch.
    """

    id: Annotated[str, msgspec.Meta(min_length=22, max_length=22, pattern="^[A-Za-z0-9_-]*$")]
    at: Annotated[int, msgspec.Meta(ge=0)]
    time: Annotated[str, msgspec.Meta(max_length=32)]
    severity: Severity
    event: SecurityEvent

    def encoded(self) -> bytes:
        """As JSON, without a newline."""
        return _encoder.encode(self)

    @classmethod
    def decoded(cls, text: bytes) -> "SecurityEventRecord":
        """What ``encoded`` made; raises ``ValueError``."""
        return msgspec.json.decode(text, type=cls)


def record_of(event: SecurityEvent, *, entropy: bytes, now: int) -> SecurityEventRecord:
    """Write an event down; ``entropy`` becomes its name, ``now`` is in milliseconds.

    Texts are cut where they are too long, and what cannot be written as UTF-8 is replaced.
    """
    return SecurityEventRecord(
        id=base64url(entropy),
        at=now,
        time=moment(now).isoformat(timespec="milliseconds"),
        severity=event.severity,
        event=_bounded(event),
    )


def _bounded(event: SecurityEvent) -> SecurityEvent:
    changed = {}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        # Words of our own are enumerations, which are texts as well.
        if type(value) is str:
            changed[name] = value[:LONGEST_TEXT].encode("utf-8", "replace").decode()
    return msgspec.structs.replace(event, **changed) if changed else event


def record_schema() -> dict[str, object]:
    """The JSON Schema of a line."""
    schema = msgspec.json.schema(SecurityEventRecord)
    for definition in schema["$defs"].values():
        # Up to Python 3.12 a docstring still has the indentation of its lines.
        definition["description"] = cleandoc(definition["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A security event of the CIBA service",
        **schema,
    }
