"""The CIBA grant for an Authlib token endpoint (CIBA 10.1, 11)."""

import asyncio
import secrets
from collections.abc import Collection
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any, ClassVar, Final, Self

import msgspec
from authlib.oauth2.rfc6749 import BaseGrant, TokenEndpointMixin

from ciba_service.flow.granting.grant_redemption import GrantRequest
from ciba_service.flow.granting.held_polls import Patience
from ciba_service.integrations.authlib.entrance import (
    EnteredService,
    authenticated,
    called,
    posted_form,
    verified,
)
from ciba_service.integrations.portal import Portal
from ciba_service.protocol.errors import AccessDeniedError, InvalidRequestError, Reason
from ciba_service.protocol.names import CIBA_GRANT_TYPE, REFRESH_TOKEN_GRANT_TYPE
from ciba_service.protocol.tokens.grant import Grant

__all__ = ["CibaGrant"]

_OPERATION_BYTES: Final = 16


class CibaGrant(BaseGrant, TokenEndpointMixin):
    """Subclass it with ``find_user``, and ``server.register_grant(Subclass.through(portal))``.

    The tokens are the host's: made by its generator and saved by its ``save_token`` before the
    grant is taken, so that whatever fails leaves a request that can be redeemed. While they are
    saved ``request.credential`` is the grant: what was approved, by whom, and how.
    """

    GRANT_TYPE = CIBA_GRANT_TYPE
    TOKEN_ENDPOINT_AUTH_METHODS: Collection[str] = ("client_secret_basic",)
    portal: ClassVar[Portal[EnteredService]]

    _grant: Grant
    _operation: str

    @classmethod
    def through(cls, portal: Portal[EnteredService]) -> type[Self]:
        """This grant, calling the service behind a portal."""
        return type(cls.__name__, (cls,), {"portal": portal})

    def find_user(self, grant: Grant) -> object | None:
        """The host's user of ``grant.subject``, or None; whoever is None gets no tokens."""
        raise NotImplementedError

    def token_members(self, grant: Grant, token: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - for subclasses
        """What the answer has beside the host's tokens: an ``id_token``, say.

        ``token`` is what the host's generator made. An ID token of CIBA states ``auth_time``,
        ``acr`` and ``amr`` of the grant (CIBA 10.1.1, OpenID Connect Core 2).
        """
        return {}

    def discard_token(self, token: dict[str, Any]) -> None:
        """The tokens were saved, but another request was first: nobody has seen them, or will."""

    def validate_token_request(self) -> None:
        """Who asks, and for what; changes nothing but how often was asked.

        Raises:
            OAuth2Error: what the client is answered while there is nothing to collect.
        """
        form = posted_form(self.request)
        client = authenticated(self.server, self.request, self.TOKEN_ENDPOINT_AUTH_METHODS)
        if form.get("grant_type") != self.GRANT_TYPE:
            raise InvalidRequestError from Reason("grant_type is not in the body")
        self._operation = secrets.token_urlsafe(_OPERATION_BYTES)
        asked = GrantRequest(
            form, verified(client).client, self._operation, Patience(None, _for_ever)
        )
        self._grant = called(self.portal, lambda ciba: ciba.steps.redemption.approved(asked))
        user = self.find_user(self._grant)
        if user is None:
            raise AccessDeniedError from Reason("the host does not know the user")
        self.request.user = user
        self.request.scope = " ".join(self._grant.scope)
        self.request.credential = self._grant

    def create_token_response(self) -> Any:  # noqa: ANN401 - as Authlib has it
        """Make and save the host's tokens, then take the grant for them.

        Raises:
            OAuth2Error: when another request was first, or the grant cannot be taken now.
        """
        grant, operation = self._grant, self._operation
        token = self.mint(grant)
        with ExitStack() as unless_taken:
            self.server.save_token(token, self.request)
            unless_taken.callback(self.discard_token, token)
            called(self.portal, lambda ciba: ciba.steps.redemption.take(grant, operation=operation))
            unless_taken.pop_all()
        return HTTPStatus.OK, token, self.TOKEN_RESPONSE_HEADER

    def mint(self, grant: Grant) -> dict[str, Any]:
        """The host's tokens for a grant, with what else is answered.

        A payment is made once, and gets no refresh token (PSD2 RTS art. 5); nor does a client of
        whose lasting access the user was not told. RFC 9396 7: what was approved is told.
        """
        may_refresh = self.client.check_grant_type(REFRESH_TOKEN_GRANT_TYPE)
        may_last = may_refresh and grant.lasts and not grant.has_payment
        token: dict[str, Any] = self.generate_token(
            user=self.request.user,
            scope=self.request.scope,
            include_refresh_token=may_last,
        )
        if grant.details:
            stated = tuple(detail.stated for detail in grant.details)
            token["authorization_details"] = msgspec.json.decode(msgspec.json.encode(stated))
        return {**token, **self.token_members(grant, token)}


async def _for_ever() -> None:
    """Whoever waits for an answer here is taken to be there."""
    await asyncio.Event().wait()
