"""The outermost layer: what finds no place is answered 503 before anything is made of it."""

from collections.abc import Collection, Mapping
from functools import partial
from http import HTTPStatus
from itertools import cycle
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ciba_service.listening.admission.addresses import Addresses
from ciba_service.listening.admission.failures import FailureGuard
from ciba_service.listening.admission.gate import Gate, Shed
from ciba_service.listening.admission.place import Place, put_place
from ciba_service.listening.admission.strangers import Strangers, put_stranger
from ciba_service.listening.refusals import MEDIA_TYPE, refusal, refusal_body

__all__ = ["Admission", "refuse"]

_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
# Not all in the same second.
_RETRY_SECONDS: Final = (1, 2, 3)
_CLOSE: Final = (b"connection", b"close")


def _answer(status: HTTPStatus, seconds: int) -> tuple[Message, Message]:
    body = refusal_body(status)
    start = {
        "type": "http.response.start",
        "status": status.value,
        "headers": [
            (b"content-type", MEDIA_TYPE.encode("ascii")),
            (b"cache-control", b"no-store"),
            (b"retry-after", b"%d" % seconds),
            (b"content-length", b"%d" % len(body)),
        ],
    }
    return start, {"type": "http.response.body", "body": body}


_answers: Final = cycle(
    [_answer(HTTPStatus.SERVICE_UNAVAILABLE, seconds) for seconds in _RETRY_SECONDS]
)
_wholes: Final = cycle(
    [
        refusal(HTTPStatus.SERVICE_UNAVAILABLE, retry=seconds, last=False)
        for seconds in _RETRY_SECONDS
    ]
)
_CONNECTIONS: Final = Addresses()
_NO_GUARDS: Final[Mapping[str, FailureGuard]] = {}


class Admission:
    """ASGI middleware around the whole application.

    The lifespan and ``open_paths``, which are asked by what watches the service, pass, and so do
    sockets, unless too many ``strangers`` have some from the same address. A request that may have
    a body takes its place where that was read: whoever sends slowly holds up nobody. One of a web
    page is refused there, too, where the answer gets what lets the page read it; what a page asks
    without a body is cheap.
    """

    def __init__(
        self,
        app: ASGIApp,
        gate: Gate,
        *,
        open_paths: Collection[str],
        addresses: Addresses = _CONNECTIONS,
        guards: Mapping[str, FailureGuard] = _NO_GUARDS,
        strangers: Strangers | None = None,
    ) -> None:
        """``guards`` are by path: whoever fails there too often is answered 429."""
        self.app = app
        self._gate = gate
        self._open_paths = frozenset(open_paths)
        self._addresses = addresses
        self._guards = dict(guards)
        self._strangers = strangers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse."""
        if scope["type"] == "http" and scope["path"] not in self._open_paths:
            await self._serve(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._open(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a socket, or answer its handshake as a request that is refused.

        It is not accepted only to be closed: that would keep a connection for somebody unknown.
        """
        origin = self._addresses.origin(scope)
        if self._strangers is None or not origin.is_one:
            await self.app(scope, receive, send)
            return
        stranger = self._strangers.enter(origin.key)
        if stranger is None:
            self._gate.refused(Shed.SHARE)
            await _deny(scope, send)
            return
        put_stranger(scope, stranger)
        try:
            await self.app(scope, receive, send)
        finally:
            stranger.ended()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        gate, origin = self._gate, self._addresses.origin(scope)
        key, guard = gate.shares.key(origin.key), self._guards.get(scope["path"])
        is_of_page = gate.may_be_full and _has(scope, b"origin")
        if not is_of_page and gate.turns_away(key):
            await refuse(send, last=_has(scope, b"expect"))
            return
        seconds = 0 if guard is None else guard.wait(origin)
        if seconds:
            await _send(send, _answer(HTTPStatus.TOO_MANY_REQUESTS, seconds), last=True)
            return
        told = None if guard is None else partial(guard.answered, origin)
        place = Place(gate, origin.key, key, send, told)
        takes_place = scope["method"] in _WITHOUT_BODY and not is_of_page
        if takes_place and not await place.begin():
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

    def lets_pass(self, address: str | None) -> None:
        """A request goes on to the application."""
        if self._gate.is_half_full and address is not None:
            counted = self._addresses.key(address)
            self._gate.comes("" if counted is None else self._gate.shares.key(counted))

    def turn_away(self, address: str) -> bytes | None:
        """The whole answer to a request from there, if it finds neither place nor queue.

        It costs half of what the same answer by the application does, which is what decides how
        much a crowded process still gets done.
        """
        counted = self._addresses.key(address)
        if counted is None:
            return None
        key = self._gate.shares.key(counted)
        return next(_wholes) if self._gate.turns_away(key) else None


async def refuse(send: Send, *, last: bool = False) -> None:
    """Answer 503 and when to come again; it is not logged: the gate tells how many there were.

    It is the ``last`` answer of a connection whose peer waits to be told to send the body: nobody
    could say what comes next (RFC 9110 10.1.1).
    """
    await _send(send, next(_answers), last=last)


async def _send(send: Send, answer: tuple[Message, Message], *, last: bool) -> None:
    start, end = answer
    await send({**start, "headers": [*start["headers"], _CLOSE]} if last else start)
    await send(end)


async def _deny(scope: Scope, send: Send) -> None:
    """Where the server cannot answer a handshake, it answers 403 (ASGI, WebSocket close)."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    for message in next(_answers):
        await send({**message, "type": f"websocket.{message['type']}"})


def _has(scope: Mapping[str, Any], header: bytes) -> bool:
    return any(name == header for name, _ in scope["headers"])
