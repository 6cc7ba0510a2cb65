"""Every error that goes over the wire, one class a code (RFC 6749 5.2, RFC 8628 3.5, CIBA 11-13).

All of them are Authlib's ``OAuth2Error``, so that an Authlib server renders them unchanged.
A description is a constant sentence of printable ASCII without quotes and backslashes, which may
name a parameter or a member of the standards, and repeats nothing that was sent; what the operator
needs to know beyond it travels as the ``__cause__``, a ``Reason``, and goes to the log.
"""

from http import HTTPStatus
from typing import Final

from authlib.oauth2 import rfc6749, rfc8628
from authlib.oauth2.base import OAuth2Error

from ciba_service.protocol.security_events.causes import Cause

__all__ = [
    "AccessDeniedError",
    "AuthorizationPendingError",
    "ContentTypeError",
    "ExpiredLoginHintTokenError",
    "ExpiredTokenError",
    "ForeignOriginError",
    "HintCountError",
    "InsufficientScopeError",
    "InsufficientUserAuthenticationError",
    "InvalidAuthorizationDetailsError",
    "InvalidBindingMessageError",
    "InvalidClientError",
    "InvalidClientMetadataError",
    "InvalidDeviceProofError",
    "InvalidDpopProofError",
    "InvalidEnrolmentError",
    "InvalidGrantError",
    "InvalidParameterError",
    "InvalidRefreshTokenError",
    "InvalidRegistrationTokenError",
    "InvalidRequestError",
    "InvalidScopeError",
    "InvalidSoftwareStatementError",
    "InvalidTargetError",
    "InvalidTokenError",
    "InvalidUserCodeError",
    "MissingBindingError",
    "MissingCertificateError",
    "MissingInitialAccessTokenError",
    "MissingParameterError",
    "MissingTokenError",
    "MissingUserCodeError",
    "NotApprovedError",
    "NotFoundError",
    "OAuth2Error",
    "PaymentExecutedError",
    "PolicyRefusedError",
    "Reason",
    "RepeatedParameterError",
    "RequestSettledError",
    "RevokedDeviceError",
    "ServerError",
    "SlowDownError",
    "StrayParameterError",
    "TemporarilyUnavailableError",
    "TransactionFailedError",
    "UnapprovedDeviceError",
    "UnapprovedSoftwareStatementError",
    "UnauthorizedClientError",
    "UnknownUserIdError",
    "UnmetAuthenticationRequirementsError",
    "UnsupportedGrantTypeError",
    "UnsupportedResponseTypeError",
    "UseDpopNonceError",
    "cause_of",
]


_LONGEST_REASON: Final = 300
"""Characters: no stranger fills the log."""


class Reason(Exception):
    """Why a request was refused, for the operator's log and never for the wire.

    With a ``cause`` it is a security event as well, if whoever refuses tells of it. Parsers quote
    what was sent to them: of a long ``text`` the beginning is kept.
    """

    def __init__(self, text: str, cause: Cause | None = None) -> None:
        super().__init__(text[:_LONGEST_REASON])
        self.cause = cause


def cause_of(error: BaseException) -> Cause | None:
    """Why a wire error was raised, where a security event should say so."""
    reason = error.__cause__
    return reason.cause if isinstance(reason, Reason) else None


class InvalidRequestError(rfc6749.InvalidRequestError):
    """400 ``invalid_request``: malformed, repeated, missing or contradictory parameters."""

    description = "The request is malformed or lacks a required parameter."


class MissingParameterError(InvalidRequestError):
    """400 ``invalid_request``: a parameter that this request needs is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(description=f"The parameter {name} is required.")


class InvalidParameterError(InvalidRequestError):
    """400 ``invalid_request``: a parameter is not what it has to be."""

    def __init__(self, name: str) -> None:
        super().__init__(description=f"The parameter {name} is not valid.")


class RepeatedParameterError(InvalidRequestError):
    """400 ``invalid_request``: a parameter is there more than once (RFC 6749 3.2)."""

    description = "A parameter is repeated."


class HintCountError(InvalidRequestError):
    """400 ``invalid_request``: no hint, or several (CIBA 7.1)."""

    description = "One of login_hint, login_hint_token and id_token_hint is required, and only one."


class StrayParameterError(InvalidRequestError):
    """400 ``invalid_request``: beside a signed request (CIBA 7.1.1)."""

    description = "Parameters of the authentication request stand outside the signed request."


class ContentTypeError(InvalidRequestError):
    """400 ``invalid_request``: the body is of another type."""

    description = "The content type is not the one that is taken here."


class MissingCertificateError(InvalidRequestError):
    """400 ``invalid_request``: tokens of this client are bound to a certificate (RFC 8705 3.4)."""

    description = "A client certificate that can be used is required."


class MissingBindingError(InvalidRequestError):
    """400 ``invalid_request``: tokens of this client are bound to something, whichever it is."""

    description = "A DPoP proof, or a client certificate that can be used, is required."


class InvalidClientError(rfc6749.InvalidClientError):
    """401 ``invalid_client``: the client did not prove who it is."""

    description = "Client authentication failed."
    status_code = HTTPStatus.UNAUTHORIZED

    def get_headers(self) -> list[tuple[str, str]]:
        """Leave the challenge to the endpoint, which knows whether one is due (RFC 6749 5.2)."""
        return OAuth2Error.get_headers(self)


class InvalidGrantError(rfc6749.InvalidGrantError):
    """400 ``invalid_grant``: unknown, another client's, redeemed or cancelled (CIBA 11)."""

    description = "The auth_req_id is not valid for this client."


class InvalidRefreshTokenError(InvalidGrantError):
    """400 ``invalid_grant``: unknown, another client's, over or ended (RFC 6749 5.2)."""

    description = "The refresh token is not valid for this client."


class UnauthorizedClientError(rfc6749.UnauthorizedClientError):
    """400 ``unauthorized_client``: this client may not use CIBA, or not this way."""

    description = "The client is not authorized to use this grant."


class UnsupportedGrantTypeError(OAuth2Error):
    """400 ``unsupported_grant_type``: a grant this server does not offer."""

    error = "unsupported_grant_type"
    description = "The grant type is not supported."


class InvalidScopeError(rfc6749.InvalidScopeError):
    """400 ``invalid_scope``: unknown, malformed or not allowed for this client."""

    description = "The requested scope is invalid or not allowed."


class AccessDeniedError(rfc6749.AccessDeniedError):
    """400 ``access_denied`` at the token endpoint (CIBA 11)."""

    description = "The request was denied."


class PolicyRefusedError(rfc6749.AccessDeniedError):
    """403 ``access_denied`` at the backchannel authentication endpoint (CIBA 13)."""

    description = "The request was refused by policy."
    status_code = HTTPStatus.FORBIDDEN


class AuthorizationPendingError(rfc8628.AuthorizationPendingError):
    """400 ``authorization_pending``: the user has not finished (CIBA 11)."""

    description = "The user has not decided yet."


class SlowDownError(rfc8628.SlowDownError):
    """400 ``slow_down``: polled too early; the interval grew by five seconds (CIBA 11).

    ``interval`` is what it has grown to, in seconds, where that is known.
    """

    description = "Polled too early: wait five seconds longer between polls."

    def __init__(self, interval: int | None = None) -> None:
        super().__init__()
        self.interval = interval


class ExpiredTokenError(rfc8628.ExpiredTokenError):
    """400 ``expired_token``: the auth_req_id has expired (CIBA 11)."""

    description = "The auth_req_id has expired."


class TransactionFailedError(OAuth2Error):
    """``transaction_failed``, for push error callbacks only (CIBA 12)."""

    error = "transaction_failed"
    description = "The transaction failed."


class UnknownUserIdError(OAuth2Error):
    """400 ``unknown_user_id``: the hint leads to nobody who could be asked (CIBA 13)."""

    error = "unknown_user_id"
    description = "The hint does not identify a user who can be asked."


class ExpiredLoginHintTokenError(OAuth2Error):
    """400 ``expired_login_hint_token`` (CIBA 13)."""

    error = "expired_login_hint_token"
    description = "The login_hint_token has expired."


class MissingUserCodeError(OAuth2Error):
    """400 ``missing_user_code`` (CIBA 13)."""

    error = "missing_user_code"
    description = "A user_code is required."


class InvalidUserCodeError(OAuth2Error):
    """400 ``invalid_user_code`` (CIBA 13)."""

    error = "invalid_user_code"
    description = "The user_code is not valid."


class InvalidBindingMessageError(OAuth2Error):
    """400 ``invalid_binding_message`` (CIBA 13)."""

    error = "invalid_binding_message"
    description = "The binding_message cannot be shown as it is."


class InvalidAuthorizationDetailsError(OAuth2Error):
    """400 ``invalid_authorization_details`` (RFC 9396 5)."""

    error = "invalid_authorization_details"
    description = "The authorization_details are not valid."


class InvalidTargetError(OAuth2Error):
    """400 ``invalid_target``: malformed, unknown or not allowed for this client (RFC 8707 2)."""

    error = "invalid_target"
    description = "The requested resource is invalid or not allowed."


class UnmetAuthenticationRequirementsError(OAuth2Error):
    """400 ``unmet_authentication_requirements``: a required acr is out of reach (RFC 9470 5)."""

    error = "unmet_authentication_requirements"
    description = "The required authentication cannot be reached."


class InvalidClientMetadataError(OAuth2Error):
    """400 ``invalid_client_metadata`` (RFC 7591 3.2.2)."""

    error = "invalid_client_metadata"
    description = "The client metadata is not valid."

    def __init__(self, member: str | None = None) -> None:
        super().__init__(
            description=f"The client metadata is not valid: {member}." if member else None
        )


class InvalidSoftwareStatementError(OAuth2Error):
    """400 ``invalid_software_statement`` (RFC 7591 3.2.2)."""

    error = "invalid_software_statement"
    description = "The software statement is not valid."


class UnapprovedSoftwareStatementError(OAuth2Error):
    """400 ``unapproved_software_statement``: its issuer is not trusted here (RFC 7591 3.2.2)."""

    error = "unapproved_software_statement"
    description = "The software statement is not approved here."


class MissingInitialAccessTokenError(OAuth2Error):
    """401: registration needs an initial access token, and none was presented (RFC 7591 3)."""

    error = "invalid_token"
    description = "An initial access token is required."
    status_code = HTTPStatus.UNAUTHORIZED


class InvalidRegistrationTokenError(OAuth2Error):
    """401 ``invalid_token``: not the token of this registration, or of any (RFC 7592 2)."""

    error = "invalid_token"
    description = "The registration token is not valid here."
    status_code = HTTPStatus.UNAUTHORIZED


class InvalidEnrolmentError(OAuth2Error):
    """400 ``invalid_enrolment``: one answer, whatever was wrong (docs/device-protocol.md)."""

    error = "invalid_enrolment"
    description = "The enrolment is not valid."


class InvalidDeviceProofError(OAuth2Error):
    """401 ``invalid_device_proof`` (docs/device-protocol.md)."""

    error = "invalid_device_proof"
    description = "The device proof is not valid."
    status_code = HTTPStatus.UNAUTHORIZED


class RevokedDeviceError(OAuth2Error):
    """403 ``device_revoked`` (docs/device-protocol.md)."""

    error = "device_revoked"
    description = "This device is not enrolled."
    status_code = HTTPStatus.FORBIDDEN


class UnapprovedDeviceError(OAuth2Error):
    """403 ``device_not_approved`` (docs/device-protocol.md)."""

    error = "device_not_approved"
    description = "Another device of the user has to approve this one."
    status_code = HTTPStatus.FORBIDDEN


class ForeignOriginError(OAuth2Error):
    """403 ``origin_not_allowed`` (docs/device-protocol.md)."""

    error = "origin_not_allowed"
    description = "Web pages of this origin may not act as phones."
    status_code = HTTPStatus.FORBIDDEN


class InvalidDpopProofError(OAuth2Error):
    """400 ``invalid_dpop_proof`` at the token endpoint, 401 at a resource (RFC 9449 5, 7.1)."""

    error = "invalid_dpop_proof"
    description = "The DPoP proof is missing or not valid."


class UseDpopNonceError(OAuth2Error):
    """400 ``use_dpop_nonce`` at the token endpoint, 401 at a resource (RFC 9449 8, 9)."""

    error = "use_dpop_nonce"
    description = "The DPoP proof needs the nonce of the DPoP-Nonce header."

    def __init__(self, nonce: str = "") -> None:
        super().__init__()
        self.nonce = nonce

    def get_headers(self) -> list[tuple[str, str]]:
        """With the nonce to use, in one ``DPoP-Nonce``."""
        return [*super().get_headers(), ("DPoP-Nonce", self.nonce)]


class InvalidTokenError(OAuth2Error):
    """401 ``invalid_token``: unknown, over, ended, or another's (RFC 6750 3.1)."""

    error = "invalid_token"
    description = "The access token is not valid here."
    status_code = HTTPStatus.UNAUTHORIZED


class MissingTokenError(OAuth2Error):
    """401 without a code in the challenge: no access token was presented (RFC 6750 3.1)."""

    error = "invalid_token"
    description = "An access token is required."
    status_code = HTTPStatus.UNAUTHORIZED


class InsufficientScopeError(OAuth2Error):
    """403 ``insufficient_scope``: the token does not reach that far (RFC 6750 3.1).

    ``scope`` is what it would need, for the challenge; empty when no scope would do.
    """

    error = "insufficient_scope"
    description = "The access token does not have the required scope."
    status_code = HTTPStatus.FORBIDDEN

    def __init__(self, scope: str = "") -> None:
        super().__init__()
        self.scope = scope


class InsufficientUserAuthenticationError(OAuth2Error):
    """401 ``insufficient_user_authentication``: too weak or too long ago (RFC 9470 3).

    ``acr_values`` and ``max_age`` (seconds) are what is needed, for the challenge.
    """

    error = "insufficient_user_authentication"
    description = "The authentication of the user is too weak or too long ago."
    status_code = HTTPStatus.UNAUTHORIZED

    def __init__(self, acr_values: tuple[str, ...] = (), max_age: int | None = None) -> None:
        super().__init__()
        self.acr_values = acr_values
        self.max_age = max_age


class PaymentExecutedError(OAuth2Error):
    """409 ``payment_executed``: what the token was issued for was done before, once."""

    error = "payment_executed"
    description = "The payment of this access token was executed before."
    status_code = HTTPStatus.CONFLICT


class RequestSettledError(OAuth2Error):
    """409 ``request_settled``: there is nothing left to cancel: decided, redeemed, or too late."""

    error = "request_settled"
    description = "The authentication request was settled before and cannot be cancelled."
    status_code = HTTPStatus.CONFLICT


class NotApprovedError(OAuth2Error):
    """409 ``not_approved``: there is no approval that counts, and so no receipt of one."""

    error = "not_approved"
    description = "The authentication request is not approved."
    status_code = HTTPStatus.CONFLICT


class TemporarilyUnavailableError(OAuth2Error):
    """503 ``temporarily_unavailable``: the store cannot be reached; nothing was lost."""

    error = "temporarily_unavailable"
    description = "The service is temporarily unavailable."
    status_code = HTTPStatus.SERVICE_UNAVAILABLE


class TooManyFailuresError(OAuth2Error):
    """429 ``too_many_failures``: of this address; nothing was looked at. Never told a poll."""

    error = "too_many_failures"
    description = "Too many attempts from this address have failed."
    status_code = HTTPStatus.TOO_MANY_REQUESTS


class NotFoundError(OAuth2Error):
    """404 ``not_found``: nothing is at this address."""

    error = "not_found"
    description = "There is nothing at this address."
    status_code = HTTPStatus.NOT_FOUND


class UnsupportedResponseTypeError(OAuth2Error):
    """400 ``unsupported_response_type``: there is no front channel (RFC 6749 4.1.2.1)."""

    error = "unsupported_response_type"
    description = "This provider has no front channel."


class ServerError(OAuth2Error):
    """500 ``server_error``: a defect of ours."""

    error = "server_error"
    description = "The service failed to answer."
    status_code = HTTPStatus.INTERNAL_SERVER_ERROR
