"""Every error that goes over the wire, from its class."""

import re
from http import HTTPStatus
from typing import Final

from ciba_service.protocol import errors
from tools.site.reference.tables import cell, code, table

__all__ = ["errors_page"]

_INTRODUCTION: Final = """\
# Errors

Every error that the service answers clients with. The body is JSON with `error` and a constant
`error_description`; nothing in it depends on what was sent, so it says nothing to somebody who
probes. The true reason is for the operator alone: it goes to the log.

One code can stand for different things at different endpoints: then it has a row for each.
Refusals of the operator API are told in [Operator API](../operator-api.md#refusals), those of
phones in [Device protocol](../device-protocol.md).
"""
_HEAD: Final = ("error", "status", "description that is sent", "when")


def errors_page() -> str:
    """The page."""
    classes = sorted(
        (each for each in vars(errors).values() if _is_sent(each)),
        key=lambda each: (each.error or "", int(each.status_code)),
    )
    return f"{_INTRODUCTION}\n{table(_HEAD, map(_row, classes))}"


def _is_sent(each: object) -> bool:
    return (
        isinstance(each, type)
        and issubclass(each, errors.OAuth2Error)
        and each is not errors.OAuth2Error
        and each.__module__ == errors.__name__
    )


def _row(each: type[errors.OAuth2Error]) -> tuple[str, ...]:
    status = HTTPStatus(each.status_code)
    return code(each.error or ""), str(status.value), cell(each.description), _when(each)


def _when(each: type[errors.OAuth2Error]) -> str:
    """The docstring without the status and the code that it begins with."""
    text = (each.__doc__ or "").split("\n\n")[0]
    text = re.sub(r"^(?:\d{3} ?)?(?:``\w+``)?[:,]? ?", "", text)
    text = re.sub(r"``([^`]+)``", r"`\1`", text).strip()
    text = re.sub(r"^\(([^()]+)\)\.$", r"\1", text)
    text = text.replace("docs/device-protocol.md", "[Device protocol](../device-protocol.md)")
    return cell(text[:1].upper() + text[1:])
