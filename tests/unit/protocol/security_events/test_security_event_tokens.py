"""A security event as a token: its claims, its subject, its one event."""

from typing import Any

import msgspec
import pytest

from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import (
    Actor,
    ClientAuthenticationFailed,
    FactorsLocked,
    KeysChanged,
    PhoneEnrolled,
    PhoneRevoked,
    PinChanged,
    SecurityEvent,
)
from ciba_service.protocol.security_events.record import record_of
from ciba_service.protocol.security_events.security_event_token import (
    CREDENTIAL_CHANGE,
    set_claims,
)

NOW = 1_700_000_000_900
SECONDS = 1_700_000_000
LOCKED = FactorsLocked(device_id="phone", user="tag", client_id="till", transaction_id="txn")
NAME = "urn:ciba-service:security-event:factors_locked"


def claims_of(event: SecurityEvent) -> dict[str, Any]:
    """The claims as a receiver reads them."""
    record = record_of(event, entropy=bytes(16), now=NOW)
    claims = set_claims(record, issuer="https://op.example", audience="https://siem.example")
    return msgspec.json.decode(msgspec.json.encode(claims))


@pytest.mark.clause("rfc8417-2-1", "ssf-3-1", "ssf-4-2", "caep-2-1")
def test_a_token_has_what_it_must_have_and_nothing_to_be_mistaken_by():
    """iss, iat, jti, one event with its own time; a sub_id; neither sub nor exp nor nonce."""
    assert claims_of(LOCKED) == {
        "iss": "https://op.example",
        "aud": "https://siem.example",
        "iat": SECONDS,
        "toe": SECONDS,
        "jti": "A" * 22,
        "txn": "txn",
        "sub_id": {
            "format": "complex",
            "user": {"format": "opaque", "id": "tag"},
            "device": {"format": "opaque", "id": "phone"},
            "application": {"format": "opaque", "id": "till"},
        },
        "events": {
            NAME: {
                "device_id": "phone",
                "user": "tag",
                "client_id": "till",
                "transaction_id": "txn",
                "severity": "alert",
                "event_timestamp": SECONDS,
            }
        },
    }


def test_an_event_about_nobody_is_about_the_service():
    """Its subject is the issuer, and its transaction is itself."""
    claims = claims_of(KeysChanged(kids=("one",)))
    assert claims["sub_id"] == {"format": "uri", "uri": "https://op.example"}
    assert claims["txn"] == claims["jti"]


def test_a_stranger_has_no_name():
    """Whoever did not prove who it is does not become a subject."""
    failed = ClientAuthenticationFailed(cause=Cause.UNKNOWN, peer="192.0.2.1")
    assert claims_of(failed)["sub_id"]["format"] == "uri"


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            PinChanged(device_id="phone", user="tag"),
            {"credential_type": "pin", "change_type": "update", "initiating_entity": "user"},
        ),
        (
            PhoneEnrolled(device_id="phone", user="tag"),
            {"credential_type": "app", "change_type": "create"},
        ),
        (
            PhoneRevoked(device_id="phone", user="tag", by=Actor.OPERATOR),
            {"credential_type": "app", "change_type": "revoke", "initiating_entity": "admin"},
        ),
        (
            PhoneRevoked(device_id="phone", user="tag", by=Actor.PHONE, by_device_id="other"),
            {"credential_type": "app", "change_type": "revoke", "initiating_entity": "user"},
        ),
    ],
)
@pytest.mark.clause("caep-2-1", "caep-3-1")
def test_a_changed_credential_is_told_in_the_words_of_caep(
    event: SecurityEvent, said: dict[str, str]
):
    """Receivers that know CAEP understand it, with the time at which it happened."""
    assert claims_of(event)["events"] == {CREDENTIAL_CHANGE: {**said, "event_timestamp": SECONDS}}
