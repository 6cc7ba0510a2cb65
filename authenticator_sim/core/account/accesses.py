"""What the service says of accesses that last, as events."""

from typing import assert_never

from authenticator_sim.core.events import (
    AccessListCompleted,
    AccessNotFound,
    AccessShown,
    AccessStopped,
    Event,
)
from ciba_service.sca.messages import (
    AccessEnded,
    AccessesListed,
    AccessUnknown,
    LastingAccess,
)

__all__ = ["AboutAccess", "access_event"]

AboutAccess = LastingAccess | AccessesListed | AccessEnded | AccessUnknown


def access_event(message: AboutAccess) -> Event:
    """The event of one message."""
    match message:
        case LastingAccess():
            return AccessShown(
                transaction_id=message.transaction_id,
                client=message.client,
                shares=message.shares,
                since=message.since,
                until=message.until,
                details=message.details,
            )
        case AccessesListed():
            return AccessListCompleted(message.lasting)
        case AccessEnded():
            return AccessStopped(message.transaction_id)
        case AccessUnknown():
            return AccessNotFound(message.transaction_id)
        case _:
            assert_never(message)
