"""What answers are held against; whatever differs is raised as a ``Violation``."""

import re
from collections.abc import Collection, Mapping
from typing import Final, TypeGuard

from ciba_client.conformance.answer import Answer
from ciba_client.conformance.check import Suspicion, Violation
from ciba_client.sdk.foreign_text import readable

__all__ = [
    "PENDING",
    "expect",
    "expect_backchannel_client_refused",
    "expect_backchannel_error",
    "expect_error_texts",
    "expect_no_store",
    "expect_pending",
    "expect_refused",
    "expect_status",
    "expect_token_client_refused",
    "expect_token_error",
    "is_integer",
    "is_number",
    "is_text",
]

PENDING: Final = ("authorization_pending", "slow_down")
_ERROR_MEMBERS: Final = frozenset({"error", "error_description", "error_uri"})
# RFC 6749 5.2, CIBA 13
_TEXT: Final = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
_URI: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_OK: Final = 200
_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_SERVER_ERROR: Final = 500
# What the certification tests take where a client is not authenticated at the backchannel endpoint.
_TOLERATED: Final[Mapping[str, tuple[int, ...]]] = {
    "invalid_client": (_UNAUTHORIZED, _BAD_REQUEST),
    "invalid_request": (_BAD_REQUEST,),
    "access_denied": (_FORBIDDEN,),
}


def expect(condition: object, expected: str, seen: object) -> None:
    """Raise a ``Violation`` unless the condition holds."""
    if not condition:
        raise Violation(expected, readable(str(seen)))


def expect_status(answer: Answer, *statuses: int) -> None:
    """One of these."""
    expect(
        answer.status in statuses,
        f"status {' or '.join(map(str, statuses))}",
        f"the answer was {answer.summary()}",
    )


def expect_refused(answer: Answer) -> None:
    """Any 4xx: the request did not go through, and the server did not break."""
    expect(
        _BAD_REQUEST <= answer.status < _SERVER_ERROR,
        "a refusal with a status of 400 to 499",
        f"the answer was {answer.summary()}",
    )


def expect_backchannel_error(answer: Answer, *codes: str, status: int = _BAD_REQUEST) -> None:
    """An error of the backchannel endpoint, with nothing beside it (CIBA 13)."""
    _expect_code(answer, codes, (status,))
    expect_error_texts(answer)
    more = answer.members().keys() - _ERROR_MEMBERS
    expect(not more, "no other members than those of an error", f"there is {sorted(more)}")


def expect_backchannel_client_refused(answer: Answer) -> None:
    """401 ``invalid_client``; what certification takes beside that is a ``Suspicion``."""
    code = answer.error_code() or ""
    wanted = "401 invalid_client"
    if answer.status not in _TOLERATED.get(code, ()):
        raise Violation(wanted, f"the answer was {answer.summary()}")
    expect_error_texts(answer)
    if (answer.status, code) != (_UNAUTHORIZED, "invalid_client"):
        raise Suspicion(wanted, f"the answer was {answer.summary()}")


def expect_token_error(answer: Answer, *codes: str) -> None:
    """400 and one of these codes at the token endpoint (RFC 6749 5.2)."""
    _expect_code(answer, codes, (_BAD_REQUEST,))
    expect_error_texts(answer)


def expect_pending(answer: Answer) -> None:
    """The user has not decided (CIBA 11)."""
    expect_token_error(answer, *PENDING)


def expect_token_client_refused(answer: Answer, *also: str) -> None:
    """``invalid_client`` with 400 or 401, or 400 with one of the other codes."""
    if answer.error_code() in also:
        expect_token_error(answer, *also)
        return
    _expect_code(answer, ("invalid_client",), (_BAD_REQUEST, _UNAUTHORIZED))
    expect_error_texts(answer)


def expect_error_texts(answer: Answer) -> None:
    """Code, description and URI are made of the characters that they may be made of."""
    members = answer.members()
    for name, allowed in (("error", _TEXT), ("error_description", _TEXT), ("error_uri", _URI)):
        value = members.get(name, "-")
        expect(
            isinstance(value, str) and allowed.fullmatch(value),
            f"{name} in the characters of RFC 6749 5.2",
            f"it is {value!r}",
        )


def expect_no_store(answer: Answer) -> None:
    """What must not be kept says so (RFC 6749 5.1)."""
    said = answer.header("cache-control") or "absent"
    directives = [part.strip().lower() for part in said.split(",")]
    expect("no-store" in directives, "Cache-Control: no-store", f"it is {said}")


def is_text(value: object) -> TypeGuard[str]:
    """Whether a JSON value is a string that is not empty."""
    return isinstance(value, str) and value != ""


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: object) -> TypeGuard[int]:
    """Whether a JSON value is a number without fraction."""
    return isinstance(value, int) and not isinstance(value, bool)


def _expect_code(answer: Answer, codes: Collection[str], statuses: Collection[int]) -> None:
    expected = f"{' or '.join(map(str, statuses))} {' or '.join(codes)}"
    expect(
        answer.status in statuses and answer.error_code() in codes,
        expected,
        "the request was accepted"
        if answer.status == _OK
        else f"the answer was {answer.summary()}",
    )
