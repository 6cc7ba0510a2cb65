"""Accesses that last, as the user reads them: who, since when, until when, and what."""

from authenticator_sim.core.events import (
    AccessListCompleted,
    AccessNotFound,
    AccessShown,
    AccessStopped,
    Event,
)
from authenticator_sim.terminal.look.text import harmless
from authenticator_sim.terminal.wording.view import moment, render_details

__all__ = ["about_access"]


def about_access(event: Event) -> str:
    """Put an event about an access into words; empty for any other."""
    match event:
        case AccessShown():
            return _shown(event)
        case AccessListCompleted() if not event.lasting:
            return "No client has access that lasts."
        case AccessStopped():
            return f"Access {harmless(event.transaction_id)} has ended."
        case AccessNotFound():
            return f"There is no access {harmless(event.transaction_id)}."
        case _:
            return ""


def _shown(access: AccessShown) -> str:
    lines = (
        f"Access {harmless(access.transaction_id)}",
        f"  Client:  {harmless(access.client)}",
        f"  Since:   {moment(access.since)}",
        f"  Until:   {moment(access.until)}, or later if it is used before",
        *(f"    - {harmless(share)}" for share in access.shares),
        *render_details(access.details),
    )
    return "\n".join(lines)
