"""Refusals as problem documents (RFC 9457)."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.types import Send

from ciba_service.protocol.operators.problems import Problem

__all__ = ["ProblemDocument", "respond_defect", "respond_problem"]

_HEADERS: Final = (
    (b"content-type", b"application/problem+json"),
    (b"cache-control", b"no-store"),
)
_CLOSING: Final = frozenset(
    {Problem.TOO_LARGE, Problem.TOO_SLOW, Problem.UNSUPPORTED, Problem.INVALID_BODY}
)
_RETRY_SECONDS: Final = {
    HTTPStatus.TOO_MANY_REQUESTS: b"60",
    HTTPStatus.SERVICE_UNAVAILABLE: b"1",
}


class ProblemDocument(msgspec.Struct, frozen=True):
    """``code`` names the problem for programs; the rest is as RFC 9457 3.1 has it."""

    type: str
    title: str
    status: int
    code: str
    detail: str


async def respond_problem(
    send: Send, problem: Problem, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Answer with a problem: constant texts."""
    document = ProblemDocument(
        type="about:blank",
        title=problem.status.phrase,
        status=problem.status,
        code=problem.code,
        detail=problem.detail,
    )
    body = msgspec.json.encode(document)
    length = (b"content-length", b"%d" % len(body))
    await send(
        {
            "type": "http.response.start",
            "status": int(problem.status),
            "headers": [*_HEADERS, *_usual(problem), *headers, length],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def respond_defect(send: Send) -> None:
    """Answer for a defect, which the outermost handler has logged."""
    await respond_problem(send, Problem.DEFECT)


def _usual(problem: Problem) -> Iterable[tuple[bytes, bytes]]:
    if problem is Problem.UNAUTHENTICATED:
        yield b"www-authenticate", b'Bearer realm="operator"'
    if problem in _CLOSING:
        # RFC 9110 15.5.9: whatever of the body is still to come is not waited for.
        yield b"connection", b"close"
    if (seconds := _RETRY_SECONDS.get(problem.status)) is not None:
        yield b"retry-after", seconds
