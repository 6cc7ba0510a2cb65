"""Userinfo endpoint (OpenID Connect Core 5.3)."""

from http import HTTPStatus
from typing import ClassVar, Final

from starlette.types import Receive, Scope

from ciba_service.endpoints.body import BodyPolicy, has_body, header, read_body
from ciba_service.endpoints.protected import (
    Answer,
    ProtectedEndpoint,
    ProtectedSurroundings,
    refuse_token_in,
)
from ciba_service.flow.tokens.resource_access import ResourceRequest
from ciba_service.flow.tokens.userinfo import Userinfo

__all__ = ["UserinfoEndpoint"]

_FORM: Final = BodyPolicy("application/x-www-form-urlencoded", limit=65_536, seconds=10.0)


class UserinfoEndpoint(ProtectedEndpoint):
    """``GET`` and ``POST /userinfo``."""

    methods: ClassVar = ("GET", "POST")

    def __init__(self, userinfo: Userinfo, surroundings: ProtectedSurroundings) -> None:
        super().__init__(surroundings)
        self._userinfo = userinfo

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """A form, which may say nothing that matters here.

        Clients name a type also where there is nothing of it (RFC 9110 8.3).
        """
        if header(scope, b"content-type") is None or not has_body(scope):
            return b""
        form = await read_body(scope, receive, _FORM)
        refuse_token_in(form)
        return form

    async def answer(self, request: ResourceRequest, body: bytes) -> Answer:  # noqa: ARG002
        """Tell about the user."""
        return Answer(HTTPStatus.OK, await self._userinfo.tell(request))
