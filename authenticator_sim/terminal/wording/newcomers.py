"""Further phones of a user, as the user reads of them on either side."""

from authenticator_sim.core.events import (
    ApprovalAwaited,
    Event,
    InvitationShown,
    PhoneNotWaiting,
    PhoneRejected,
    PhoneWaiting,
)
from authenticator_sim.terminal.look.text import harmless

__all__ = ["about_newcomers"]


def about_newcomers(event: Event) -> str:
    """Put an event about a phone that waits into words; empty for any other.

    The code is not said where the user is to type what the other phone shows.
    """
    match event:
        case PhoneWaiting():
            name, device_id = harmless(event.name), harmless(event.device_id)
            return f"WARNING: another phone wants to be yours: {name}.\n  {device_id}"
        case PhoneRejected():
            return f"The phone {harmless(event.name)} was turned away."
        case PhoneNotWaiting():
            return f"No phone {harmless(event.device_id)} waits any more."
        case ApprovalAwaited():
            code = f"{event.code[:3]} {event.code[3:]}"
            return f"Approve this phone on another one of yours: enter the code {code} there."
        case InvitationShown():
            return (
                f"Activation code  {harmless(event.activation_code)}\n"
                f"As a QR code     {harmless(event.link)}\n"
                f"Good for one phone within {event.expires_in} s; then approve it here."
            )
        case _:
            return ""
