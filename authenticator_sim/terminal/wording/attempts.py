"""Attempts that run out, as the user reads of them on every phone."""

from authenticator_sim.core.events import AttemptsRunOut, Event
from authenticator_sim.terminal.look.text import harmless

__all__ = ["about_attempts"]


def about_attempts(event: Event) -> str:
    """Put a warning into words; empty for any other event."""
    match event:
        case AttemptsRunOut(attempts_left=0):
            name = harmless(event.name)
            return f"WARNING: locked after too many wrong PINs or codes, the last on {name}."
        case AttemptsRunOut():
            name = harmless(event.name)
            return f"WARNING: wrong PINs or codes on {name}: one attempt is left for all phones."
        case _:
            return ""
