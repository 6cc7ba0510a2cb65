"""The user's phones and what was ordered for them, as the user reads it."""

from typing import Final

from authenticator_sim.core.events import (
    DeviceShown,
    Event,
    NameNotTaken,
    OrderDone,
    OrderNotDone,
    OrderPostponed,
    OtherDeviceRevoked,
    Renamed,
    ThisDeviceRevoked,
)
from authenticator_sim.terminal.look.text import harmless
from authenticator_sim.terminal.wording.view import moment
from ciba_service.sca.messages import OrderAction, OrderRefusal

__all__ = ["about_phones"]

_DONE: Final = {
    OrderAction.REVOKE_DEVICE: "The phone is revoked.",
    OrderAction.CHANGE_PIN: "The PIN is changed.",
    OrderAction.APPROVE_DEVICE: "The phone is yours now.",
    OrderAction.INVITE_DEVICE: "There is a code for the next phone.",
    OrderAction.ADD_PASSKEY: "The passkey is registered.",
}
_REFUSALS: Final = {
    OrderRefusal.FACTORS: "The PIN was not right.",
    OrderRefusal.LOCKED: "Too many failed attempts: an operator must unlock this user.",
    OrderRefusal.PAUSED: "One attempt is left: wait before you use it.",
    OrderRefusal.STALE: "It came too late: try once more.",
    OrderRefusal.UNKNOWN_DEVICE: "There is no such phone, or it does not wait any more.",
    OrderRefusal.INVALID_PASSKEY: "The service does not take this passkey.",
    OrderRefusal.TOO_MANY_PASSKEYS: "This phone has as many passkeys as it may have.",
    OrderRefusal.INVALID_ORDER: "The service could not verify this phone's order.",
    OrderRefusal.UNAVAILABLE: "The service cannot do it now.",
}


def about_phones(event: Event) -> str:
    """Put an event about phones or orders into words; empty for any other."""
    match event:
        case OtherDeviceRevoked():
            return f"WARNING: another phone of yours was revoked: {harmless(event.name)}."
        case ThisDeviceRevoked():
            return "This phone is revoked."
        case DeviceShown():
            at = moment(event.enrolled_at)
            this = "  (this phone)" if event.this else ""
            return f"{harmless(event.device_id)}  {at}  {harmless(event.name)}{this}"
        case Renamed():
            return f"This phone is called {harmless(event.name)} now."
        case NameNotTaken():
            return "The service does not take this name: letters, digits, single spaces, signs."
        case _:
            return _about_order(event)


def _about_order(event: Event) -> str:
    match event:
        case OrderDone():
            return _DONE[event.action]
        case OrderNotDone(reason=reason, attempts_left=left):
            hint = "" if left is None else f" Attempts left: {left}."
            return f"Not done. {_REFUSALS[reason]}{hint}"
        case OrderPostponed():
            return "The service cannot do it now; it is asked again."
        case _:
            return ""
