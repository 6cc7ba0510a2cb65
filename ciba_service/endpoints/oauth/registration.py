"""Client registration endpoint (RFC 7591 3) and client configuration endpoint (RFC 7592 2)."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import ClassVar, Final

from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond, respond_error, respond_nothing
from ciba_service.endpoints.body import BodyPolicy, UnreadableBody, header_lines, read_body
from ciba_service.endpoints.post import PostEndpoint
from ciba_service.flow.clients.registration import KnownRegistration, Registrations
from ciba_service.listening.admission.place import place_of
from ciba_service.ports import StoreUnavailable, Telemetry
from ciba_service.protocol.errors import (
    InvalidRequestError,
    MissingInitialAccessTokenError,
    OAuth2Error,
    Reason,
    TemporarilyUnavailableError,
)
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json_object
from ciba_service.protocol.tokens.bearer_challenge import bearer_challenge

__all__ = ["ClientConfigurationEndpoint", "RegistrationEndpoint"]

Headers = tuple[tuple[bytes, bytes], ...]

_BODY: Final = BodyPolicy("application/json", limit=65_536, seconds=10.0)
_ALLOW: Final = ((b"allow", b"GET, PUT, DELETE"),)


class RegistrationEndpoint(PostEndpoint):
    """``POST /register``; ``locate`` gives the configuration endpoint of a client."""

    body: ClassVar = _BODY

    def __init__(
        self, registrations: Registrations, telemetry: Telemetry, locate: Callable[[str], str]
    ) -> None:
        super().__init__(telemetry)
        self._registrations = registrations
        self._locate = locate

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Register, and answer 201 with everything that is registered (RFC 7591 3.2.1)."""
        authorization = header_lines(scope, b"authorization")
        known = await self._registrations.register(authorization, _members(body))
        await respond(send, HTTPStatus.CREATED, _information(known, self._locate))

    def challenge(self, scope: Scope, error: OAuth2Error) -> Headers:  # noqa: ARG002 - as inherited
        """RFC 6750 3."""
        return _challenge(error)


class ClientConfigurationEndpoint:
    """``GET``, ``PUT`` and ``DELETE /register/{client_id}``."""

    def __init__(
        self, registrations: Registrations, telemetry: Telemetry, locate: Callable[[str], str]
    ) -> None:
        self._registrations = registrations
        self._telemetry = telemetry
        self._locate = locate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        try:
            await self._answer(scope, receive, send)
        except UnreadableBody as unreadable:
            close = ((b"connection", b"close"),)
            error, status = unreadable.error, unreadable.status
            await respond_error(send, error, self._telemetry, status=status, headers=close)
        except OAuth2Error as error:
            await respond_error(send, error, self._telemetry, headers=_challenge(error))
        except StoreUnavailable as fault:
            self._telemetry.failure("store_unavailable", fault)
            await respond_error(send, TemporarilyUnavailableError(), self._telemetry)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        client_id = scope["path_params"]["client_id"]
        authorization = header_lines(scope, b"authorization")
        match scope["method"]:
            case "GET":
                await _begin(scope)
                known = await self._registrations.read(authorization, client_id)
                await respond(send, HTTPStatus.OK, _information(known, self._locate))
            case "PUT":
                members = _members(await read_body(scope, receive, _BODY))
                await _begin(scope)
                known = await self._registrations.replace(authorization, client_id, members)
                await respond(send, HTTPStatus.OK, _information(known, self._locate))
            case "DELETE":
                await _begin(scope)
                await self._registrations.remove(authorization, client_id)
                await respond_nothing(send)  # RFC 7592 2.3
            case _:
                status = HTTPStatus.METHOD_NOT_ALLOWED
                await self._refuse(send, "the method is not GET, PUT or DELETE", status, _ALLOW)

    async def _refuse(self, send: Send, reason: str, status: int, headers: Headers) -> None:
        error = InvalidRequestError()
        error.__cause__ = Reason(reason)
        await respond_error(send, error, self._telemetry, status=status, headers=headers)


async def _begin(scope: Scope) -> None:
    """Take the place that a page, or whoever says that it is one, has not got yet."""
    if not await place_of(scope).begin():
        raise TemporarilyUnavailableError from Reason("there is no place")


def _members(body: bytes) -> Mapping[str, object]:
    try:
        return parse_json_object(body)
    except MalformedEncodingError as error:
        raise InvalidRequestError from Reason(f"the metadata is {error}")


def _information(known: KnownRegistration, locate: Callable[[str], str]) -> dict[str, object]:
    """What a client is told of itself (RFC 7592 3); there is no secret to tell."""
    registration = known.registration
    client_id = registration.client.client_id
    return {
        "client_id": client_id,
        "client_id_issued_at": registration.issued_at,
        "registration_client_uri": locate(client_id),
        "registration_access_token": known.access_token,
        **registration.metadata.members(),
    }


def _challenge(error: OAuth2Error) -> Headers:
    if error.status_code != HTTPStatus.UNAUTHORIZED:
        return ()
    told = None if isinstance(error, MissingInitialAccessTokenError) else error
    return ((b"www-authenticate", bearer_challenge(told).encode()),)
