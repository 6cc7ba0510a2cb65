"""A security event as a security event token, a JWT about what happened (RFC 8417, CAEP 1.0)."""

from typing import Final

import msgspec

from ciba_service.protocol.security_events.kinds import (
    Actor,
    PhoneEnrolled,
    PhoneRevoked,
    PinChanged,
    SecurityEvent,
)
from ciba_service.protocol.security_events.record import SecurityEventRecord

__all__ = [
    "CREDENTIAL_CHANGE",
    "OWN_EVENTS",
    "SET_TYP",
    "SetClaims",
    "set_claims",
]

SET_TYP: Final = "secevent+jwt"
OWN_EVENTS: Final = "urn:ciba-service:security-event:"
"""What the identifiers of our own events begin with; the kind follows."""
CREDENTIAL_CHANGE: Final = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
_ENTITIES: Final = {Actor.OPERATOR: "admin", Actor.PHONE: "user", Actor.CLIENT: "system"}


class SetClaims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The claims of a token: one event, its subject beside it, no expiry and no ``sub``.

    Instants are in seconds; ``toe`` is when it happened (RFC 8417 2.2).
    """

    iss: str
    iat: int
    jti: str
    aud: str
    txn: str
    toe: int
    sub_id: dict[str, object]
    events: dict[str, dict[str, object]]


def set_claims(record: SecurityEventRecord, *, issuer: str, audience: str) -> SetClaims:
    """The same for every attempt to push it: a receiver knows it again by its ``jti``."""
    at = record.at // 1000
    transaction = getattr(record.event, "transaction_id", None)
    uri, payload = _event(record)
    return SetClaims(
        iss=issuer,
        iat=at,
        jti=record.id,
        aud=audience,
        # SSF 4: unique to the underlying cause.
        txn=transaction or record.id,
        toe=at,
        sub_id=_subject(record.event, issuer),
        events={uri: {**payload, "event_timestamp": at}},
    )


def _event(record: SecurityEventRecord) -> tuple[str, dict[str, object]]:
    """CAEP's own event where one says exactly this, else one of ours with all its fields."""
    event = record.event
    match event:
        case PinChanged():
            changed = {"credential_type": "pin", "change_type": "update"}
            return CREDENTIAL_CHANGE, {**changed, "initiating_entity": "user"}
        case PhoneEnrolled():
            return CREDENTIAL_CHANGE, {"credential_type": "app", "change_type": "create"}
        case PhoneRevoked():
            revoked = {"credential_type": "app", "change_type": "revoke"}
            return CREDENTIAL_CHANGE, {**revoked, "initiating_entity": _ENTITIES[event.by]}
        case _:
            fields: dict[str, object] = msgspec.to_builtins(event)
            kind = fields.pop("kind")
            return f"{OWN_EVENTS}{kind}", {**fields, "severity": record.severity.value}


def _subject(event: SecurityEvent, issuer: str) -> dict[str, object]:
    """Whom it is about, by the names that the service has for them (RFC 9493 3, SSF 3)."""
    names = {
        member: {"format": "opaque", "id": name}
        for member, attribute in (
            ("user", "user"),
            ("device", "device_id"),
            ("application", "client_id"),
        )
        if (name := getattr(event, attribute, None)) is not None
    }
    if names:
        return {"format": "complex", **names}
    # Nobody in particular: the service itself.
    return {"format": "uri", "uri": issuer}
