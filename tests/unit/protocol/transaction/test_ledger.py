"""The ledger as a rule: what stands where, what is complete, and what a client is told."""

from dataclasses import fields
from typing import Any

import msgspec
import pytest

from ciba_service.protocol.transaction.ledger import (
    Ledger,
    LedgerEntry,
    LedgerKind,
    with_expiry,
)
from ciba_service.protocol.transaction.ledger_document import (
    instant,
    ledger_document,
    ledger_event,
)
from ciba_service.protocol.transaction.state import TRANSITIONS, State

AT = 1_795_250_351_007


def entry(kind: LedgerKind, at: int = AT, **facts: Any) -> LedgerEntry:
    """Something that happened."""
    return LedgerEntry(kind, at, **facts)


def kinds(entries: tuple[LedgerEntry, ...]) -> list[tuple[int, str]]:
    """Numbers and kinds."""
    return [(each.number, str(each.kind)) for each in entries]


def test_entries_are_numbered_in_the_order_in_which_they_were_written():
    """From 1, whatever their times: clocks of two hosts differ a little."""
    written = [entry(LedgerKind.REQUESTED, AT + 5), entry(LedgerKind.ANNOUNCED, AT)]
    assert kinds(with_expiry(written, None)) == [(1, "requested"), (2, "announced")]


def test_expiry_stands_where_its_deadline_belongs():
    """Last, until something is written later; no number changes by that."""
    written = [entry(LedgerKind.REQUESTED), entry(LedgerKind.APPROVED, AT + 1)]
    before = with_expiry(written, AT + 10)
    assert kinds(before) == [(1, "requested"), (2, "approved"), (3, "expired")]
    assert before[-1].at == AT + 10
    after = with_expiry([*written, entry(LedgerKind.CALLBACK_ABANDONED, AT + 10)], AT + 10)
    assert after[:3] == before
    assert kinds(after[3:]) == [(4, "callback_abandoned")]


def test_what_is_not_known_yet_is_told_as_something():
    """Another version may write more kinds: the others keep their numbers."""
    assert LedgerKind("forgotten") is LedgerKind.OTHER


@pytest.mark.parametrize("state", [state for state in State if state is not State.PENDING])
def test_every_state_that_is_reached_has_a_kind_of_its_name(state: State):
    """A swap writes the state that it leads to."""
    assert LedgerKind(str(state)) is not LedgerKind.OTHER


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("calls_back", [False, True])
def test_a_ledger_is_complete_when_nothing_more_can_happen(state: State, *, calls_back: bool):
    """No transition leads on, and the client is not to be called back any more."""
    ledger = Ledger("id", "till", state, (), calls_back)
    assert ledger.is_complete is (not TRANSITIONS[state] and not calls_back)


def test_whoever_comes_back_is_told_what_follows():
    """After a number; a number that is not there yet leaves nothing to tell."""
    entries = with_expiry([entry(LedgerKind.REQUESTED), entry(LedgerKind.DENIED)], None)
    ledger = Ledger("id", "till", State.DENIED, entries, calls_back=False)
    assert [ledger.after(number) for number in (0, 1, 2, 99)] == [entries, entries[1:], (), ()]


@pytest.mark.parametrize("kind", LedgerKind)
def test_a_client_is_told_nothing_about_its_user(kind: LedgerKind):
    """Whatever an entry has: of decisions no reason, of callbacks no cause of silence."""
    whole = entry(
        kind,
        reason="why",
        attempt=3,
        status=500,
        failure="connect_failed",
        again_at=AT + 1,
        number=7,
    )
    assert {each.name for each in fields(whole)} == {
        "kind", "at", "reason", "attempt", "status", "failure", "again_at", "number",
    }  # fmt: skip
    told = msgspec.to_builtins(ledger_event(whole))
    facts = {
        "callback_due": {"attempt": 3, "status": 500, "again_at": instant(AT + 1)},
        "callback_delivered": {"attempt": 3, "status": 500},
        "callback_abandoned": {"attempt": 3, "status": 500, "reason": "why"},
    }
    expected = {"id": 7, "event": str(kind), "at": instant(AT)}
    assert told == {**expected, **facts.get(str(kind), {})}


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (AT, "2026-11-21T08:39:11.007Z"),
        (1_795_250_351_999, "2026-11-21T08:39:11.999Z"),
    ],
)
def test_instants_are_exact_to_the_millisecond(at: int, text: str):
    """RFC 3339, in UTC."""
    assert instant(at) == text


def test_the_document_says_where_the_transaction_stands():
    """Its name, its state, whether more may come, and all entries."""
    entries = with_expiry([entry(LedgerKind.REQUESTED)], None)
    ledger = Ledger("id", "till", State.PENDING, entries, calls_back=False)
    assert msgspec.to_builtins(ledger_document(ledger)) == {
        "transaction_id": "id",
        "state": "pending",
        "complete": False,
        "events": ({"id": 1, "event": "requested", "at": instant(AT)},),
    }
