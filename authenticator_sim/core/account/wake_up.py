"""What the service says of waking this phone, as events."""

from typing import assert_never

from authenticator_sim.core.events import (
    Event,
    WakeUpKept,
    WakeUpNotKept,
    WakeUpStopped,
    WakeUpWays,
)
from ciba_service.sca.messages import WakeUpDropped, WakeUpOffered, WakeUpRefused, WakeUpSet

__all__ = ["AboutWakeUp", "wake_up_event"]

AboutWakeUp = WakeUpOffered | WakeUpSet | WakeUpRefused | WakeUpDropped


def wake_up_event(message: AboutWakeUp) -> Event:
    """The event of one message."""
    match message:
        case WakeUpOffered():
            return WakeUpWays(message.web_push_key)
        case WakeUpSet():
            return WakeUpKept()
        case WakeUpRefused():
            return WakeUpNotKept(message.reason)
        case WakeUpDropped():
            return WakeUpStopped()
        case _:
            assert_never(message)
