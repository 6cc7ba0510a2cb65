"""What grant and endpoints have in common: who calls, what was posted, and how a step is called."""

from collections.abc import Callable, Collection, Coroutine
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeVar, cast

from authlib.oauth2 import OAuth2Request, rfc6749
from authlib.oauth2.rfc6749 import AuthorizationServer

from ciba_service.flow.clients.client_authentication import VerifiedClient
from ciba_service.flow.host_steps import HostSteps
from ciba_service.integrations.authlib.clients import HostClient, registered_client
from ciba_service.integrations.portal import Portal, PortalUnavailable
from ciba_service.ports import SignerUnavailable, StoreUnavailable
from ciba_service.ports.request_notes import RequestNotes, begin_notes
from ciba_service.protocol.client.metadata import InvalidMetadataError
from ciba_service.protocol.errors import (
    ContentTypeError,
    InvalidClientError,
    InvalidRequestError,
    OAuth2Error,
    Reason,
    RepeatedParameterError,
    TemporarilyUnavailableError,
    UnauthorizedClientError,
)
from ciba_service.protocol.names import CIBA_GRANT_TYPE
from ciba_service.protocol.request.form import MAXIMUM_PARAMETERS
from ciba_service.telemetry import LogTelemetry

__all__ = ["EnteredService", "authenticated", "called", "posted_form", "verified"]

_T = TypeVar("_T")

_FORM: Final = "application/x-www-form-urlencoded"
_CREDENTIALS: Final = ("client_assertion", "client_secret")
_LONGEST_FORM: Final = 65_536
_RETRY_AFTER: Final = ("Retry-After", "1")
_CHALLENGE: Final = ("WWW-Authenticate", 'Basic realm="client"')


class EnteredService(Protocol):
    """A service that runs behind a portal."""

    @property
    def steps(self) -> HostSteps:
        """What is called."""
        ...


class _UnavailableError(TemporarilyUnavailableError):
    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), _RETRY_AFTER]


class _ChallengedError(InvalidClientError):
    """Who came by header is answered by header (RFC 6749 5.2)."""

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), _CHALLENGE]


class _MultiDict(Protocol):
    """A form as Flask and Django have it."""

    def getlist(self, key: str, /) -> list[str]:
        """Every value of a parameter."""
        ...


def posted_form(request: OAuth2Request) -> dict[str, str]:
    """The parameters of the body; those without a value count as absent.

    Raises:
        InvalidRequestError: when it is no form, or they are repeated, too many or too long.
    """
    content_type = (request.headers or {}).get("Content-Type", "")
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise ContentTypeError from Reason(f"the content type is not {_FORM}")
    names = list(request.form)
    if len(names) > MAXIMUM_PARAMETERS:
        raise InvalidRequestError from Reason("too many parameters")
    form: dict[str, str] = {}
    for name in names:
        values = cast("_MultiDict", request.form).getlist(name)
        if len(values) != 1:
            raise RepeatedParameterError from Reason("a parameter is repeated")
        form[name] = values[0]
    if sum(len(name) + len(value) for name, value in form.items()) > _LONGEST_FORM:
        raise InvalidRequestError from Reason("the form is too long")
    return {name: value for name, value in form.items() if value}


def authenticated(
    server: AuthorizationServer, request: OAuth2Request, methods: Collection[str]
) -> HostClient:
    """The client, which the host authenticates as at its token endpoint (CIBA 7.1).

    Raises:
        InvalidClientError: when it did not prove who it is, however Authlib puts that.
    """
    by_header = "Authorization" in (request.headers or {})
    refusal = _ChallengedError if by_header else InvalidClientError
    if by_header + sum(name in request.form for name in _CREDENTIALS) > 1:
        # RFC 6749 2.3: not more than one method a request.
        raise refusal from Reason("two methods of client authentication")
    try:
        client = server.authenticate_client(request, methods, "token")
    # Authlib reads credentials that are not UTF-8 with a ValueError, and its client table compares
    # secrets that are not ASCII with a TypeError.
    except (rfc6749.InvalidClientError, TypeError, ValueError) as refused:
        raise refusal from refused
    request.client = client
    return cast("HostClient", client)


def verified(client: HostClient) -> VerifiedClient:
    """The same client as the steps know it; nothing of it is left to spend.

    Raises:
        UnauthorizedClientError: when it may not use CIBA, or its metadata breaks a rule, which is
            for the log.
    """
    if not client.check_grant_type(CIBA_GRANT_TYPE):
        raise UnauthorizedClientError from Reason("the client may not use the CIBA grant")
    try:
        return VerifiedClient(registered_client(client))
    except InvalidMetadataError as error:
        name = client.get_client_id()
        LogTelemetry().failure("client_metadata_refused", error, client_id=name)
        raise UnauthorizedClientError from error


def called(
    portal: Portal[EnteredService], step: Callable[[EnteredService], Coroutine[Any, Any, _T]]
) -> _T:
    """What a step returns.

    Raises:
        OAuth2Error: the step's refusal; 503 when it cannot be taken now.
    """
    try:
        return portal.call(lambda ciba: _told(ciba, step))
    except PortalUnavailable as fault:
        # The service, which has a log of its own, may not even be there.
        LogTelemetry().failure("portal_unavailable", fault.__cause__ or fault)
        raise _UnavailableError from fault
    except (StoreUnavailable, SignerUnavailable) as fault:
        raise _UnavailableError from fault


async def _told(
    ciba: EnteredService, step: Callable[[EnteredService], Coroutine[Any, Any, _T]]
) -> _T:
    """Take a step; the log is told what the client is not."""
    notes = RequestNotes()
    begin_notes(notes)  # Of this task, which ends with the step.
    try:
        return await step(ciba)
    except OAuth2Error as refused:
        reason = None if refused.__cause__ is None else str(refused.__cause__)
        ciba.steps.telemetry.event(
            "request_refused",
            error=refused.error,
            status=int(refused.status_code or HTTPStatus.BAD_REQUEST),
            reason=reason,
            client_id=notes.client_id,
            transaction_id=notes.transaction_id,
        )
        raise
    except (StoreUnavailable, SignerUnavailable) as fault:
        name = "store" if isinstance(fault, StoreUnavailable) else "signer"
        ciba.steps.telemetry.failure(f"{name}_unavailable", fault)
        raise
