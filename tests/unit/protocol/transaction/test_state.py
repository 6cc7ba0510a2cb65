"""The transaction's machine over every state, every event, and both sides of every deadline."""

import itertools

import pytest

from ciba_service.protocol.transaction.state import (
    REDEMPTION_GRACE_MS,
    TRANSITIONS,
    Deadlines,
    Event,
    IllegalTransition,
    State,
    advance,
    effective_state,
    redeemable_until,
)

DEADLINES = Deadlines(expires_at=1_000, redeem_until=2_000)
FINAL = (State.DENIED, State.FAILED, State.CANCELLED, State.EXPIRED, State.REDEEMED)

# What is possible before any deadline has passed; everything else is not.
POSSIBLE = {
    (State.PENDING, Event.APPROVE): State.APPROVED,
    (State.PENDING, Event.DENY): State.DENIED,
    (State.PENDING, Event.FAIL): State.FAILED,
    (State.PENDING, Event.LOCK): State.FAILED,
    (State.PENDING, Event.CANCEL): State.CANCELLED,
    (State.APPROVED, Event.REDEEM): State.REDEEMED,
    (State.APPROVED, Event.FAIL): State.FAILED,
    (State.APPROVED, Event.CANCEL): State.CANCELLED,
}
PAIRS = list(itertools.product(State, Event))


def outcome(state: State, event: Event, now: int) -> State | None:
    """The state after the event, or None when it is refused."""
    try:
        return advance(state, event, DEADLINES, now)
    except IllegalTransition as refused:
        stands_at = refused.state
    assert stands_at is effective_state(state, DEADLINES, now)
    return None


@pytest.mark.parametrize("now", [0, 999])
@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_in_time_the_table_holds(state: State, event: Event, now: int):
    """Every pair leads where the table says, or nowhere; nothing expires before its time."""
    assert outcome(state, event, now) is POSSIBLE.get((state, event))


@pytest.mark.parametrize("now", [1_000, 1_999])
@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_after_expiry_only_an_approved_request_goes_on(state: State, event: Event, now: int):
    """A pending request only expires; an approved one is still redeemable; the rest is final."""
    expected = POSSIBLE.get((state, event))
    if state is State.PENDING:
        expected = State.EXPIRED if event is Event.EXPIRE else None
    assert outcome(state, event, now) is expected


@pytest.mark.parametrize("now", [2_000, 10**15])
@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_after_the_last_deadline_everything_is_over(state: State, event: Event, now: int):
    """All that is left is to write down that it has expired."""
    is_due = state in {State.PENDING, State.APPROVED} and event is Event.EXPIRE
    assert outcome(state, event, now) is (State.EXPIRED if is_due else None)


@pytest.mark.parametrize(
    ("state", "now", "effective"),
    [
        (State.PENDING, 999, State.PENDING),
        (State.PENDING, 1_000, State.EXPIRED),
        (State.APPROVED, 1_999, State.APPROVED),
        (State.APPROVED, 2_000, State.EXPIRED),
        *((state, 10**15, state) for state in FINAL),
    ],
)
def test_expiry_is_a_comparison_with_the_clock(state: State, now: int, effective: State):
    """What has passed its deadline is expired, whoever looks; what is final stays."""
    assert effective_state(state, DEADLINES, now) is effective


def test_a_final_state_has_no_way_out():
    """Five states are final, and every state has its row."""
    assert set(TRANSITIONS) == set(State)
    assert {state for state, ways in TRANSITIONS.items() if not ways} == set(FINAL)


@pytest.mark.parametrize(
    ("expires_at", "approved_at", "until"),
    [
        (180_000, 0, 180_000),
        (180_000, 120_000, 180_000),
        (180_000, 120_001, 180_001),
        (180_000, 179_999, 179_999 + REDEMPTION_GRACE_MS),
    ],
)
def test_an_approval_in_time_can_be_redeemed_for_a_minute(
    expires_at: int, approved_at: int, until: int
):
    """Until expiry, and for at least 60 seconds after the approval."""
    assert redeemable_until(expires_at=expires_at, approved_at=approved_at) == until


def test_a_refusal_says_what_was_tried():
    """The text names event and state."""
    refused = IllegalTransition(State.DENIED, Event.APPROVE)
    assert str(refused) == "approve is not possible in state denied"
