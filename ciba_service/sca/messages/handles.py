"""Login handles: names that a phone shows to a client, once."""

from enum import StrEnum

import msgspec

__all__ = [
    "HandleMade",
    "HandleRefusal",
    "HandleRefused",
]


class HandleRefusal(StrEnum):
    """Why there is no handle for this user now."""

    LOCKED = "locked"
    DISABLED = "disabled"


class HandleMade(msgspec.Struct, frozen=True, tag="handle_made", tag_field="type"):
    """A name of the user for one request of whoever is shown it; ``expires_in`` is in seconds."""

    handle: str
    expires_in: int

    def __repr__(self) -> str:
        return "HandleMade(...)"


class HandleRefused(msgspec.Struct, frozen=True, tag="handle_refused", tag_field="type"):
    """There is no handle for this user now."""

    reason: HandleRefusal
