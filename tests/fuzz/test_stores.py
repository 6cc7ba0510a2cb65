"""Records in Redis that another program, another version or an attacker has changed."""

import secrets
from typing import Any, Final

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from ciba_service.ports import UnknownRecordFormat
from ciba_service.protocol.security_events.record import SecurityEventRecord
from ciba_service.stores.asking import ledger_lines
from ciba_service.stores.clients import registrations
from ciba_service.stores.due import deliveries
from ciba_service.stores.operators import set_outbox
from ciba_service.stores.phones import notices
from ciba_service.stores.phones.device_records import parse_device
from ciba_service.stores.phones.waiting_devices import _parse as parse_waiting
from ciba_service.stores.sealing import Ring, Sealer
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import RAW, any_text, damaged, documents, outcome
from tests.wire.registration import metadata_of
from tests.wire.signing import new_key

SEALER: Final = Sealer(Ring.of(b"k" * 32), secrets.token_bytes)
SEALED: Final = SEALER.seal(b"content", key="key", name="name", owner="owner")
DEVICE: Final[dict[str, Any]] = {
    "v": 1,
    "subject": "alice",
    "name": "Phone",
    "enrolled_at": 1,
    "jwk": {"kty": "EC", "crv": "P-256", "x": "A", "y": "A"},
    "pin_key": "AAAA",
    "totp_secret": "AAAA",
}
REGISTRATION: Final[dict[str, Any]] = {
    "v": 1,
    "client_id": "c",
    "profile": "ciba-core",
    "token_hash": "h",
    "issued_at": 1,
    "notification_hosts": [],
    "metadata": metadata_of(new_key(), scope="openid"),
}
LINE: Final = "callback_due 1 attempt=1 status=500 again_at=2"
NESTED: Final = b'{"odd":' + b"[" * 100_000


@fuzzed
@given(st.one_of(RAW, damaged(SEALED)))
@example(SEALED[:5])
@example(SEALED[:20])
def test_a_sealed_value_opens_as_it_was_or_not_at_all(sealed: bytes) -> None:
    """No byte more, less or other."""
    opened = outcome(SEALER.open, UnknownRecordFormat)(
        sealed, key="key", name="name", owner="owner"
    )
    assert opened is None or (opened == b"content" and sealed == SEALED)


@fuzzed
@given(st.one_of(documents(DEVICE), documents(REGISTRATION)))
@example(NESTED)
def test_a_record_that_was_changed_is_one_or_of_another_format(stored: bytes) -> None:
    """Phones, phones that wait and clients: 503 for them, and for nobody else."""
    for read in (parse_device, parse_waiting, registrations._decode):
        outcome(read, UnknownRecordFormat)(stored)


def test_the_records_that_are_changed_here_are_good_ones() -> None:
    """Otherwise they would be refused for another reason."""
    assert parse_device(msgspec.json.encode(DEVICE)).subject == "alice"
    assert registrations._decode(msgspec.json.encode(REGISTRATION)).client.client_id == "c"


@fuzzed
@given(documents(DEVICE))
@example(NESTED)
def test_what_cannot_be_read_hides_nothing_else_in_a_list(stored: bytes) -> None:
    """Events, notices, callbacks that were given up, and what waits for a receiver."""
    for read in (notices._parsed, deliveries._entry, set_outbox._entry):
        assert read(stored) is None
    outcome(SecurityEventRecord.decoded, ValueError, RecursionError)(stored)


@fuzzed
@given(st.one_of(any_text, damaged(LINE.encode()).map(lambda data: data.decode("latin-1"))))
@example("callback_due " + "9" * 5_000)
@example("callback_due 1 kind=x")
def test_a_line_of_a_ledger_is_an_entry_or_of_another_format(line: str) -> None:
    """What a newer version adds is left out; what is no line is told."""
    entry = outcome(ledger_lines.parse_line, UnknownRecordFormat)(line)
    assert entry is None or entry.kind
