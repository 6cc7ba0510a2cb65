"""The transaction: every state, every event, and what leads where.

Two rules hold. Everything about transitions stands in this file; and nothing here knows who asks:
the store runs the same table as a script, and a test proves the two equal over all inputs.

A transaction is PENDING until the user decides. A decision is final: a late or second one changes
nothing. APPROVED waits to be redeemed, once. Expiry is a comparison with the clock and not an
event of its own time: a record whose deadline has passed *is* expired, whoever looks, and the
event EXPIRE only writes down what has become true. A request approved in time stays redeemable
until the later of its expiry and 60 seconds after the approval.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "CALLED_BACK",
    "REDEMPTION_GRACE_MS",
    "TRANSITIONS",
    "Deadlines",
    "Event",
    "FailureReason",
    "IllegalTransition",
    "State",
    "advance",
    "effective_state",
    "redeemable_until",
    "told_until",
]

REDEMPTION_GRACE_MS: Final = 60_000


class State(StrEnum):
    """Where a transaction stands."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REDEEMED = "redeemed"


class Event(StrEnum):
    """What may happen to it.

    FAIL is the service's own refusal, even of an approved request. LOCK is the last wrong attempt,
    or the block of the client: it fails what is still open and cannot take back an approval that
    was faster.
    """

    APPROVE = "approve"
    DENY = "deny"
    FAIL = "fail"
    LOCK = "lock"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REDEEM = "redeem"


class FailureReason(StrEnum):
    """Why a transaction failed."""

    FACTORS_LOCKED = "factors_locked"
    CLIENT_BLOCKED = "client_blocked"
    GATE_REFUSED = "gate_refused"


TRANSITIONS: Final[dict[State, dict[Event, State]]] = {
    State.PENDING: {
        Event.APPROVE: State.APPROVED,
        Event.DENY: State.DENIED,
        Event.FAIL: State.FAILED,
        Event.LOCK: State.FAILED,
        Event.CANCEL: State.CANCELLED,
        Event.EXPIRE: State.EXPIRED,
    },
    State.APPROVED: {
        Event.REDEEM: State.REDEEMED,
        Event.FAIL: State.FAILED,
        Event.CANCEL: State.CANCELLED,
        Event.EXPIRE: State.EXPIRED,
    },
    State.DENIED: {},
    State.FAILED: {},
    State.CANCELLED: {},
    State.EXPIRED: {},
    State.REDEEMED: {},
}

# What a client is told of, once (CIBA 10.2, 10.3, 12): that it was decided, whichever way. What it
# cancelled it knows by itself; of expiry those are told who asked for it.
CALLED_BACK: Final = frozenset({State.APPROVED, State.DENIED, State.FAILED})


class IllegalTransition(Exception):
    """The event does not lead anywhere from where the transaction stands."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event} is not possible in state {state}")
        self.state = state


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Milliseconds since the epoch; ``redeem_until`` is set by the approval."""

    expires_at: int
    redeem_until: int = 0


def redeemable_until(*, expires_at: int, approved_at: int) -> int:
    """Until when an approved request may be redeemed, in milliseconds."""
    return max(expires_at, approved_at + REDEMPTION_GRACE_MS)


def told_until(deadlines: Deadlines) -> int:
    """Until when its client may be told how it ended, in milliseconds.

    Of an approval as long as it can be redeemed; of all else for as long after its expiry.
    """
    return deadlines.redeem_until or deadlines.expires_at + REDEMPTION_GRACE_MS


def effective_state(state: State, deadlines: Deadlines, now: int) -> State:
    """Where the transaction stands at ``now``, whatever was last written down."""
    match state:
        case State.PENDING if now >= deadlines.expires_at:
            return State.EXPIRED
        case State.APPROVED if now >= deadlines.redeem_until:
            return State.EXPIRED
        case _:
            return state


def advance(state: State, event: Event, deadlines: Deadlines, now: int) -> State:
    """The state after ``event`` at ``now`` (milliseconds).

    Raises:
        IllegalTransition: carrying the effective state, when the table has no such transition, or
            when EXPIRE comes before its time.
    """
    current = effective_state(state, deadlines, now)
    if event is Event.EXPIRE:
        due = current is State.EXPIRED and event in TRANSITIONS[state]
        if not due:
            raise IllegalTransition(current, event)
        return State.EXPIRED
    try:
        return TRANSITIONS[current][event]
    except KeyError:
        raise IllegalTransition(current, event) from None
