"""The outermost layer: what finds no place is answered 503 before anything is made of it."""

from collections.abc import Collection, Mapping
from http import HTTPStatus
from itertools import cycle
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ciba_service.listening.admission.gate import Gate
from ciba_service.listening.admission.place import Place, put_place
from ciba_service.listening.peer import peer_address
from ciba_service.listening.refusals import MEDIA_TYPE, refusal, refusal_body

__all__ = ["Admission", "refuse"]

_BODY: Final = refusal_body(HTTPStatus.SERVICE_UNAVAILABLE)
_END: Final = {"type": "http.response.body", "body": _BODY}
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
# Not all in the same second.
_RETRY_SECONDS: Final = (1, 2, 3)


def _start(seconds: int) -> Message:
    return {
        "type": "http.response.start",
        "status": HTTPStatus.SERVICE_UNAVAILABLE.value,
        "headers": [
            (b"content-type", MEDIA_TYPE.encode("ascii")),
            (b"cache-control", b"no-store"),
            (b"retry-after", b"%d" % seconds),
            (b"content-length", b"%d" % len(_BODY)),
        ],
    }


_starts: Final = cycle([_start(seconds) for seconds in _RETRY_SECONDS])
_wholes: Final = cycle(
    [
        refusal(HTTPStatus.SERVICE_UNAVAILABLE, retry=seconds, last=False)
        for seconds in _RETRY_SECONDS
    ]
)
_CLOSE: Final = (b"connection", b"close")


class Admission:
    """ASGI middleware around the whole application.

    Sockets, the lifespan and ``open_paths``, which are asked by what watches the service, pass. A
    request that may have a body takes its place where that was read: whoever sends slowly holds up
    nobody.
    """

    def __init__(self, app: ASGIApp, gate: Gate, *, open_paths: Collection[str]) -> None:
        self.app = app
        self._gate = gate
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse."""
        if scope["type"] != "http" or scope["path"] in self._open_paths:
            await self.app(scope, receive, send)
            return
        gate, address = self._gate, _address(scope)
        key = gate.shares.key(address)
        place = Place(gate, address, key, send)
        if gate.turns_away(key):
            await refuse(send, last=any(name == b"expect" for name, _ in scope["headers"]))
            return
        if scope["method"] in _WITHOUT_BODY and not await place.begin():
            await refuse(send)
            return
        put_place(scope, place)
        try:
            await self.app(scope, receive, place.send)
        finally:
            place.leave()

    @property
    def is_crowded(self) -> bool:
        """Whether whoever comes next might be turned away."""
        return self._gate.may_be_full

    def lets_pass(self) -> None:
        """A request goes on to the application."""
        self._gate.comes()

    def turn_away(self, address: str) -> bytes | None:
        """The whole answer to a request from there, if it finds neither place nor queue.

        It costs half of what the same answer by the application does, which is what decides how
        much a crowded process still gets done.
        """
        key = self._gate.shares.key(address)
        return next(_wholes) if self._gate.turns_away(key) else None


async def refuse(send: Send, *, last: bool = False) -> None:
    """Answer 503 and when to come again; it is not logged: the gate tells how many there were.

    It is the ``last`` answer of a connection whose peer waits to be told to send the body: nobody
    could say what comes next (RFC 9110 10.1.1).
    """
    start = next(_starts)
    await send({**start, "headers": [*start["headers"], _CLOSE]} if last else start)
    await send(_END)


def _address(scope: Mapping[str, Any]) -> str:
    return peer_address(scope) or "unix"
