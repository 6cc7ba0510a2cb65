"""``/operator/session``: a token swapped once for a cookie, so that a page need not keep it."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from starlette.types import Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.operator.bodies import Nothing, read_object
from ciba_service.endpoints.operator.router import Operation, OperatorRequest
from ciba_service.endpoints.operator.session_cookie import CookieForm
from ciba_service.flow.operators.authentication import (
    ActingOperator,
    OperatorAuthentication,
    OperatorSession,
)
from ciba_service.ports import Clock
from ciba_service.protocol.instants import instant
from ciba_service.protocol.operators.tokens import Role

__all__ = ["SessionDocument", "SessionEndpoint"]


class SessionDocument(msgspec.Struct, frozen=True):
    """Who operates; of a session also its end, and what must stand in ``X-CSRF-Token`` to write.

    ``time`` is that of the service, by which a page tells how long there is until the end.
    """

    operator: str
    roles: tuple[Role, ...]
    time: str
    expires_at: str | None
    csrf_token: str | None


class SessionEndpoint:
    """Opens, shows and ends."""

    def __init__(
        self, authentication: OperatorAuthentication, cookie: CookieForm, clock: Clock
    ) -> None:
        self._authentication = authentication
        self._cookie = cookie
        self._clock = clock

    @property
    def operations(self) -> Sequence[Operation]:
        """All of it needs no more than to be an operator."""
        path = "/operator/session"
        return (
            Operation("GET", path, self.show),
            Operation("POST", path, self.open),
            Operation("DELETE", path, self.close),
        )

    async def show(self, request: OperatorRequest, send: Send) -> None:
        """Who operates, and by which session: for a page that was loaded anew."""
        acting = request.acting
        await respond(send, HTTPStatus.OK, self._document(acting, acting.session))

    async def open(self, request: OperatorRequest, send: Send) -> None:
        """Swap the token for a cookie."""
        await read_object(request.scope, request.receive, Nothing)
        session = await self._authentication.open_session(request.acting)
        seconds = max(1, (session.until - self._clock.now_ms()) // 1000)
        cookie = self._cookie.setting(session.cookie.text, seconds=seconds)
        await respond(send, HTTPStatus.CREATED, self._document(request.acting, session), [cookie])

    async def close(self, request: OperatorRequest, send: Send) -> None:
        """End the session, if it is one, and let the browser forget the cookie."""
        await self._authentication.close_session(request.acting)
        headers = [(b"cache-control", b"no-store"), self._cookie.setting("", seconds=0)]
        status = int(HTTPStatus.NO_CONTENT)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _document(self, acting: ActingOperator, session: OperatorSession | None) -> SessionDocument:
        return SessionDocument(
            operator=acting.name,
            roles=tuple(sorted(acting.operator.roles)),
            time=instant(self._clock.now_ms()),
            expires_at=None if session is None else instant(session.until),
            csrf_token=None if session is None else session.cookie.csrf_token,
        )
