"""Bodies of operators' requests: a small JSON object, or none."""

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from starlette.types import Receive, Scope

from ciba_service.endpoints.body import BodyPolicy, UnreadableBody, has_body, header, read_body
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json_object
from ciba_service.protocol.operators.problems import OperatorRefused, Problem

__all__ = ["Nothing", "read_object"]

_POLICY: Final = BodyPolicy("application/json", limit=4_096, seconds=10.0)
_PROBLEMS: Final[Mapping[int, Problem]] = {
    400: Problem.INVALID_BODY,
    408: Problem.TOO_SLOW,
    413: Problem.TOO_LARGE,
    415: Problem.UNSUPPORTED,
}

T = TypeVar("T", bound=msgspec.Struct)


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body with nothing to say: ``{}``, or none at all."""


async def read_object(scope: Scope, receive: Receive, kind: type[T]) -> T:
    """Read the body; where there is none, an object without members.

    Raises:
        OperatorRefused: it is of another type, too large, too slow, or not such an object.
    """
    if not has_body(scope):
        return _converted({}, kind)
    media_type = (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower()
    if media_type != _POLICY.media_type.encode():
        raise OperatorRefused(Problem.UNSUPPORTED)
    try:
        body = await read_body(scope, receive, _POLICY)
    except UnreadableBody as unreadable:
        raise OperatorRefused(_PROBLEMS[unreadable.status]) from None
    try:
        return _converted(parse_json_object(body), kind)
    except MalformedEncodingError:
        raise OperatorRefused(Problem.INVALID_BODY) from None


def _converted(members: Mapping[str, object], kind: type[T]) -> T:
    try:
        return msgspec.convert(members, kind)
    except msgspec.ValidationError:
        raise OperatorRefused(Problem.INVALID_BODY) from None
