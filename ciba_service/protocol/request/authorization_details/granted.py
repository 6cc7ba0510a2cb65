"""What of ``authorization_details`` is kept and stated: each object as one unchanging text."""

from collections.abc import Mapping

import msgspec

from ciba_service.protocol.errors import InvalidAuthorizationDetailsError, Reason
from ciba_service.protocol.request.authorization_details.payment import PAYMENT_INITIATION
from ciba_service.protocol.request.authorization_details.shape import parse_typed_objects

__all__ = ["AuthorizationDetail", "narrowed_details"]


class AuthorizationDetail(msgspec.Struct, frozen=True):
    """One object: its ``type``, and the whole of it, type included, as JSON text."""

    type: str
    json: str

    def __repr__(self) -> str:
        return f"AuthorizationDetail({self.type!r}, ...)"

    @property
    def stated(self) -> msgspec.Raw:
        """As tokens and answers hold it."""
        return msgspec.Raw(self.json.encode("utf-8"))


def narrowed_details(
    requested: object, granted: tuple[AuthorizationDetail, ...]
) -> tuple[AuthorizationDetail, ...]:
    """The details of one token: what was granted, or those objects of it that are asked for.

    Objects are the same when they state the same, in whatever order their members stand. What was
    granted together with a payment is issued together: it has no second token to be in.

    Raises:
        InvalidAuthorizationDetailsError: when ``requested`` is malformed, or an object of it was
            not granted to the letter (RFC 9396 6), or less is asked for of a grant with a payment.
    """
    if requested is None:
        return granted
    wanted = {_in_order(each.members) for each in parse_typed_objects(requested)}
    offered = [_in_order(msgspec.json.decode(detail.json)) for detail in granted]
    if not wanted.issubset(offered):
        raise InvalidAuthorizationDetailsError from Reason("more details than were granted")
    if not wanted.issuperset(offered) and PAYMENT_INITIATION in {each.type for each in granted}:
        raise InvalidAuthorizationDetailsError from Reason("a payment is issued whole")
    return tuple(detail for detail, text in zip(granted, offered, strict=True) if text in wanted)


def _in_order(members: Mapping[str, object]) -> bytes:
    # As text, since to Python 1, 1.0 and true are equal.
    return msgspec.json.encode(members, order="sorted")
