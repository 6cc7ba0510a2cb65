"""The authentication request as a whole: every rule of its syntax, in the one order (CIBA 7.2)."""

from collections.abc import Mapping

import msgspec

from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import (
    MissingParameterError,
    Reason,
    UnauthorizedClientError,
)
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.request.authorization_details import (
    BUILT_IN_TYPES,
    AuthorizationDetails,
    DetailTypes,
    parse_authorization_details,
)
from ciba_service.protocol.request.binding_message import parse_binding_message
from ciba_service.protocol.request.claims_parameter import ClaimsRequest, parse_claims
from ciba_service.protocol.request.hints import Hint
from ciba_service.protocol.request.parameters import (
    ClientNotificationToken,
    Parameters,
    parse_acr_values,
    parse_hint,
    parse_notification_token,
    parse_requested_expiry,
    parse_scope,
)
from ciba_service.protocol.request.request_context import RequestContext, parse_request_context
from ciba_service.protocol.request.resource import parse_resources
from ciba_service.protocol.request.signed_request import RequestReplay, verify_signed_request
from ciba_service.protocol.request.user_code import UserCode, parse_user_code

__all__ = ["AuthenticationRequest", "parse_authentication_request"]


class AuthenticationRequest(msgspec.Struct, frozen=True):
    """A request whose syntax is right; whether its user exists is not yet known."""

    scope: tuple[str, ...]
    hint: Hint
    user_code: UserCode | None
    binding_message: str | None
    acr_values: tuple[str, ...]
    claims: ClaimsRequest
    requested_expiry: int | None
    client_notification_token: ClientNotificationToken | None
    details: AuthorizationDetails
    resources: tuple[str, ...]
    request_context: RequestContext | None
    replay: RequestReplay | None

    @property
    def wished_acr(self) -> tuple[str, ...]:
        """What may raise the authentication: a required acr counts before all mere wishes."""
        return self.claims.required_acr or (*self.acr_values, *self.claims.preferred_acr)


def parse_authentication_request(
    form: Mapping[str, str],
    *,
    client: Client,
    issuer: str,
    now: float,
    resources: frozenset[str] = frozenset(),
    detail_types: DetailTypes = BUILT_IN_TYPES,
    require_request_context: bool = False,
) -> AuthenticationRequest:
    """Read an authenticated client's form, signed or not; ``now`` is in seconds.

    ``resources`` are those that tokens of this client may be for (RFC 8707), ``detail_types`` the
    types of ``authorization_details`` that are known here (RFC 9396). ``require_request_context``
    is demanded of every client, registered so or not.

    Raises:
        UnauthorizedClientError: when the client may not use CIBA.
        InvalidRequestError: when syntax, signature or hint count is wrong.
        InvalidScopeError, InvalidAuthorizationDetailsError, InvalidTargetError,
            InvalidBindingMessageError: as named.
    """
    if not client.may_use_ciba:
        raise UnauthorizedClientError from Reason("the client did not register the CIBA grant")
    parameters, replay = _parameters(form, client=client, issuer=issuer, now=now)
    hint = parse_hint(parameters)
    token = _notification_token(parameters, client)
    requested_expiry = parse_requested_expiry(parameters)
    acr_values = parse_acr_values(parameters)
    user_code = parameters.text("user_code")
    presented_code = None if user_code is None else parse_user_code(user_code)
    claims = parse_claims(parameters.get("claims"))
    request_context = parse_request_context(parameters.get("request_context"))
    if request_context is None and (require_request_context or client.require_request_context):
        # FAPI-CIBA 5.2.2 (10)
        raise MissingParameterError("request_context") from Reason("request_context is missing")
    binding_message = parameters.text("binding_message")
    _demand_context(parameters, client)
    scope = parse_scope(parameters, client.scope)
    details = parse_authorization_details(
        parameters.get("authorization_details"),
        types=detail_types,
        allowed=client.authorization_details_types,
    )
    targets = parse_resources(parameters.get("resource"), resources)
    return AuthenticationRequest(
        scope=scope,
        hint=hint,
        user_code=presented_code,
        binding_message=None if binding_message is None else parse_binding_message(binding_message),
        acr_values=acr_values,
        claims=claims,
        requested_expiry=requested_expiry,
        client_notification_token=token,
        details=details,
        resources=targets,
        request_context=request_context,
        replay=replay,
    )


def _parameters(
    form: Mapping[str, str], *, client: Client, issuer: str, now: float
) -> tuple[Parameters, RequestReplay | None]:
    if "request" in form:
        signed = verify_signed_request(form, client=client, issuer=issuer, now=now)
        return signed.parameters, signed.replay
    if client.must_sign_requests:
        raise MissingParameterError("request") from Reason("the request is not signed")
    return Parameters(form), None


def _notification_token(parameters: Parameters, client: Client) -> ClientNotificationToken | None:
    token = parse_notification_token(parameters)
    if token is None and client.delivery_mode is not DeliveryMode.POLL:
        raise MissingParameterError("client_notification_token") from Reason(
            "client_notification_token is missing"
        )
    return token


def _demand_context(parameters: Parameters, client: Client) -> None:
    # FAPI-CIBA 5.2.2 (2): a unique authorization context, or else a binding message.
    has_context = "binding_message" in parameters or "authorization_details" in parameters
    if client.profile.demands_context and not has_context:
        raise MissingParameterError("binding_message") from Reason("binding_message is missing")
