"""Waking this phone, as the user reads it."""

from authenticator_sim.core.events import (
    Event,
    FetchFailed,
    PushIgnored,
    PushListening,
    WakeUpKept,
    WakeUpNotKept,
    WakeUpStopped,
    Woken,
)

__all__ = ["about_wake_up"]


def about_wake_up(event: Event) -> str:
    """Put an event about pushes into words; empty for any other."""
    match event:
        case WakeUpKept():
            return "The service wakes this phone by push."
        case WakeUpNotKept():
            return f"The service does not wake this phone by push: {event.reason}."
        case WakeUpStopped():
            return "The service wakes this phone no more."
        case _:
            return _about_pushes(event)


def _about_pushes(event: Event) -> str:
    match event:
        case PushListening():
            return f"Push service of this phone: http://127.0.0.1:{event.port}"
        case Woken():
            return "Woken by a push."
        case FetchFailed():
            return f"Nothing fetched: {event.detail}"
        case PushIgnored():
            return f"WARNING: a push was ignored: {event.detail}."
        case _:
            return ""
