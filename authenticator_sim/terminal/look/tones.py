"""What an event means to a person at a glance: done, refused, over, a warning, an alarm."""

from enum import Enum
from typing import Final

from authenticator_sim.core.events import (
    ApprovalAwaited,
    AttemptsRunOut,
    ChallengeIgnored,
    Closed,
    Connected,
    Decided,
    DecisionRefused,
    DecisionUnconfirmed,
    Enrolled,
    Event,
    HandleNotMade,
    HandleShown,
    InvitationShown,
    KeysIgnored,
    NotDecided,
    OrderDone,
    OrderNotDone,
    OtherDeviceEnrolled,
    OtherDeviceRevoked,
    OtherPasskeyAdded,
    PhoneStopped,
    PhoneWaiting,
    PushIgnored,
)
from ciba_service.sca.messages import HandleRefusal, OrderRefusal, RefusalReason, Verdict

__all__ = ["Tone", "tone_of"]


class Tone(Enum):
    """How much an event matters, and in which way."""

    NOTE = "note"
    DONE = "done"
    DECLINED = "declined"
    REFUSED = "refused"
    OVER = "over"
    KEY = "key"
    """Something to be typed or shown elsewhere."""
    WARNING = "warning"
    ALARM = "alarm"


_TONES: Final[dict[type[Event], Tone]] = {
    ApprovalAwaited: Tone.KEY,
    AttemptsRunOut: Tone.WARNING,
    ChallengeIgnored: Tone.WARNING,
    Closed: Tone.OVER,
    Connected: Tone.DONE,
    Decided: Tone.DONE,
    DecisionRefused: Tone.REFUSED,
    DecisionUnconfirmed: Tone.WARNING,
    Enrolled: Tone.DONE,
    HandleNotMade: Tone.REFUSED,
    HandleShown: Tone.KEY,
    InvitationShown: Tone.KEY,
    KeysIgnored: Tone.WARNING,
    NotDecided: Tone.REFUSED,
    OrderDone: Tone.DONE,
    OrderNotDone: Tone.REFUSED,
    OtherDeviceEnrolled: Tone.WARNING,
    OtherDeviceRevoked: Tone.WARNING,
    OtherPasskeyAdded: Tone.WARNING,
    PhoneStopped: Tone.ALARM,
    PhoneWaiting: Tone.WARNING,
    PushIgnored: Tone.WARNING,
}


def tone_of(event: Event) -> Tone:
    """Tell what an event means; a lock is an alarm, whoever caused it."""
    match event:
        case (
            AttemptsRunOut(attempts_left=0)
            | DecisionRefused(reason=RefusalReason.LOCKED)
            | OrderNotDone(reason=OrderRefusal.LOCKED)
            | HandleNotMade(reason=HandleRefusal.LOCKED)
        ):
            return Tone.ALARM
        case Decided(verdict=Verdict.DENY):
            return Tone.DECLINED
        case _:
            return _TONES.get(type(event), Tone.NOTE)
