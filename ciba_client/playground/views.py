"""What the page is told of a flow: no token and no secret is among it but the code to type."""

from enum import StrEnum

import msgspec

from ciba_client.playground.diagram import Step
from ciba_client.playground.explained.claims import Explanation

__all__ = ["FlowState", "FlowView", "Problem"]


class FlowState(StrEnum):
    """Where a flow stands."""

    STARTING = "starting"
    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Problem(msgspec.Struct, frozen=True):
    """Why a flow brought no tokens."""

    code: str
    text: str
    explanation: Explanation


class FlowView(msgspec.Struct, frozen=True):
    """One flow with its diagram; instants are in seconds since the epoch.

    ``can`` names what may be done with it now. ``left_out`` messages were dropped for their number.
    """

    id: str
    client: str
    mode: str
    state: FlowState
    title: str
    hint: str
    began_at: float
    expires_at: float | None
    interval: float | None
    verification_code: str | None
    transaction_id: str | None
    subject: str | None
    problem: Problem | None
    ledger: bool
    can: tuple[str, ...]
    steps: tuple[Step, ...]
    left_out: int
