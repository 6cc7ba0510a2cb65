"""What a scenario says of its steps: a timeline for people, JSON lines for programs."""

from typing import TextIO

import msgspec

from authenticator_sim.scenario.steps import Expect, Outcome, PhoneName
from authenticator_sim.terminal.look.text import harmless

__all__ = ["Finished", "StepDone", "Timeline"]


class StepDone(msgspec.Struct, frozen=True, tag="step", tag_field="event", omit_defaults=True):
    """One step, or one decision of it; ``seconds`` since the scenario began."""

    number: int
    seconds: float
    phone: PhoneName
    did: str
    outcome: Outcome
    transaction_id: str | None = None
    attempts_left: int | None = None
    expected: Expect | None = None
    as_expected: bool | None = None


class Finished(msgspec.Struct, frozen=True, tag="finished", tag_field="event"):
    """The end: whether every step came to what was expected of it."""

    as_expected: bool
    steps: int


class Timeline:
    """Tells each step as it is done."""

    def __init__(self, screen: TextIO, *, json: bool) -> None:
        self._screen = screen
        self._json = json

    def tell(self, event: StepDone | Finished) -> None:
        """Write one line and flush it."""
        line = msgspec.json.encode(event).decode() if self._json else _sentence(event)
        self._screen.write(f"{line}\n")
        self._screen.flush()


def _sentence(event: StepDone | Finished) -> str:
    if isinstance(event, Finished):
        return "Everything went as expected." if event.as_expected else "NOT as expected."
    left = "" if event.attempts_left is None else f", attempts left: {event.attempts_left}"
    judged = {None: "", True: "  as expected", False: f"  NOT AS EXPECTED: {event.expected}"}
    return (
        f"{event.seconds:7.1f} s  {event.number:2}  {event.phone:<6}  {harmless(event.did)}:"
        f" {event.outcome}{left}{judged[event.as_expected]}"
    )
