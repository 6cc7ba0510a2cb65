"""A form that a client signs for: what the backchannel and the token endpoint have in common."""

from http import HTTPStatus
from typing import ClassVar, Final

from starlette.types import Scope

from ciba_service.endpoints.body import BodyPolicy, header, header_lines
from ciba_service.endpoints.post import PostEndpoint
from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.listening.admission.place import place_of
from ciba_service.listening.peer import peer_address, peer_certificates
from ciba_service.protocol.errors import InvalidClientError, OAuth2Error, Reason
from ciba_service.protocol.request.form import parse_form

__all__ = ["ClientFormEndpoint"]

_CHALLENGE: Final = ((b"www-authenticate", b'Basic realm="client"'),)


class ClientFormEndpoint(PostEndpoint):
    """Parses the form and refuses clients that authenticate by header."""

    body: ClassVar = BodyPolicy("application/x-www-form-urlencoded", limit=65_536, seconds=10.0)

    @staticmethod
    def read(scope: Scope, body: bytes) -> ClientRequest:
        """What the client sent; a repeated parameter is told before anything else.

        Raises:
            InvalidRequestError: when the form is malformed.
            InvalidClientError: when the client authenticates by header.
        """
        form = parse_form(body)
        if header(scope, b"authorization") is not None:
            # RFC 6749 2.3: no method but the registered one, and not more than one.
            raise InvalidClientError from Reason("the Authorization header is no client method")
        return ClientRequest(
            form,
            peer_certificates(scope),
            header_lines(scope, b"dpop"),
            peer_address(scope),
            place_of(scope),
        )

    def challenge(self, scope: Scope, error: OAuth2Error) -> tuple[tuple[bytes, bytes], ...]:
        """RFC 6749 5.2: who came by header is answered by header."""
        if error.status_code != HTTPStatus.UNAUTHORIZED:
            return ()
        return () if header(scope, b"authorization") is None else _CHALLENGE
