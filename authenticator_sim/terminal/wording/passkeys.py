"""Passkeys of this phone and of the user's others, as the user reads it."""

from typing import Final

from authenticator_sim.core.events import (
    Event,
    OtherPasskeyAdded,
    OtherPasskeyRemoved,
    PasskeyForgotten,
    PasskeyInvited,
    PasskeyListCompleted,
    PasskeyNotFound,
    PasskeyNotOffered,
    PasskeyShown,
)
from authenticator_sim.terminal.look.text import harmless
from authenticator_sim.terminal.wording.view import moment
from ciba_service.sca.messages import PasskeyRefusal

__all__ = ["about_passkeys"]

_REFUSALS: Final = {
    PasskeyRefusal.DISABLED: "The service takes no passkeys.",
    PasskeyRefusal.TOO_MANY: "This phone has as many passkeys as it may have: remove one.",
}


def about_passkeys(event: Event) -> str:
    """Put an event about passkeys into words; empty for any other."""
    match event:
        case PasskeyInvited():
            return f"A passkey for {harmless(event.options.rp.id)} can be made."
        case PasskeyNotOffered():
            return _REFUSALS[event.reason]
        case PasskeyShown():
            at = moment(event.registered_at)
            synced = "  (synced)" if event.synced else ""
            return f"{harmless(event.passkey_id)}  {at}{synced}"
        case PasskeyListCompleted() if not event.registered:
            return "This phone has no passkey."
        case _:
            return _about_change(event)


def _about_change(event: Event) -> str:
    match event:
        case PasskeyForgotten():
            return "The passkey is removed."
        case PasskeyNotFound():
            return "This phone has no such passkey."
        case OtherPasskeyAdded():
            return f"WARNING: another phone of yours got a passkey: {harmless(event.name)}."
        case OtherPasskeyRemoved():
            return f"A passkey of another phone of yours was removed: {harmless(event.name)}."
        case _:
            return ""
