"""What a phone hears of clients whose access lasts."""

import msgspec

from ciba_service.sca.messages.challenge import ShownDetail
from ciba_service.sca.messages.wire import Moment

__all__ = [
    "AccessEnded",
    "AccessUnknown",
    "AccessesListed",
    "LastingAccess",
]


class LastingAccess(
    msgspec.Struct, frozen=True, tag="access", tag_field="type", omit_defaults=True
):
    """A client that holds a refresh token; ``since`` and ``until`` are in seconds.

    ``until`` is when it ends if the client does not use it, which puts the end off.
    """

    transaction_id: str
    client: str
    shares: tuple[str, ...]
    since: Moment
    until: Moment
    details: tuple[ShownDetail, ...] = ()


class AccessesListed(msgspec.Struct, frozen=True, tag="accesses", tag_field="type"):
    """End of the answer to ``list_accesses``; ``lasting`` has the transaction of each."""

    lasting: tuple[str, ...]


class AccessEnded(msgspec.Struct, frozen=True, tag="access_ended", tag_field="type"):
    """No token of this access is good any more."""

    transaction_id: str


class AccessUnknown(msgspec.Struct, frozen=True, tag="access_unknown", tag_field="type"):
    """This user has no lasting access of that name."""

    transaction_id: str
