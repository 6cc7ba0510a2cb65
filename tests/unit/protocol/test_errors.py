"""Wire errors: codes, statuses, and descriptions that nobody can misread (CIBA 11-13)."""

import re

import pytest
from authlib.oauth2.base import OAuth2Error

from ciba_service.protocol import errors
from ciba_service.protocol.errors import Reason

CLASSES = {
    name: value
    for name in errors.__all__
    if isinstance(value := getattr(errors, name), type)
    and issubclass(value, OAuth2Error)
    and value is not OAuth2Error
}
EXPECTED = {
    "AccessDeniedError": (400, "access_denied"),
    "AuthorizationPendingError": (400, "authorization_pending"),
    "ContentTypeError": (400, "invalid_request"),
    "ExpiredLoginHintTokenError": (400, "expired_login_hint_token"),
    "ExpiredTokenError": (400, "expired_token"),
    "HintCountError": (400, "invalid_request"),
    "InsufficientScopeError": (403, "insufficient_scope"),
    "InsufficientUserAuthenticationError": (401, "insufficient_user_authentication"),
    "InvalidAuthorizationDetailsError": (400, "invalid_authorization_details"),
    "InvalidBindingMessageError": (400, "invalid_binding_message"),
    "InvalidClientError": (401, "invalid_client"),
    "InvalidClientMetadataError": (400, "invalid_client_metadata"),
    "InvalidDeviceProofError": (401, "invalid_device_proof"),
    "InvalidDpopProofError": (400, "invalid_dpop_proof"),
    "InvalidEnrolmentError": (400, "invalid_enrolment"),
    "InvalidGrantError": (400, "invalid_grant"),
    "InvalidParameterError": (400, "invalid_request"),
    "InvalidRefreshTokenError": (400, "invalid_grant"),
    "InvalidRegistrationTokenError": (401, "invalid_token"),
    "InvalidRequestError": (400, "invalid_request"),
    "InvalidScopeError": (400, "invalid_scope"),
    "InvalidSoftwareStatementError": (400, "invalid_software_statement"),
    "InvalidTargetError": (400, "invalid_target"),
    "InvalidTokenError": (401, "invalid_token"),
    "InvalidUserCodeError": (400, "invalid_user_code"),
    "MissingBindingError": (400, "invalid_request"),
    "MissingCertificateError": (400, "invalid_request"),
    "MissingInitialAccessTokenError": (401, "invalid_token"),
    "MissingParameterError": (400, "invalid_request"),
    "MissingTokenError": (401, "invalid_token"),
    "MissingUserCodeError": (400, "missing_user_code"),
    "NotApprovedError": (409, "not_approved"),
    "NotFoundError": (404, "not_found"),
    "PaymentExecutedError": (409, "payment_executed"),
    "PolicyRefusedError": (403, "access_denied"),
    "RepeatedParameterError": (400, "invalid_request"),
    "RequestSettledError": (409, "request_settled"),
    "RevokedDeviceError": (403, "device_revoked"),
    "ServerError": (500, "server_error"),
    "SlowDownError": (400, "slow_down"),
    "StrayParameterError": (400, "invalid_request"),
    "TemporarilyUnavailableError": (503, "temporarily_unavailable"),
    "TransactionFailedError": (400, "transaction_failed"),
    "ForeignOriginError": (403, "origin_not_allowed"),
    "UnapprovedDeviceError": (403, "device_not_approved"),
    "UnapprovedSoftwareStatementError": (400, "unapproved_software_statement"),
    "UnauthorizedClientError": (400, "unauthorized_client"),
    "UnknownUserIdError": (400, "unknown_user_id"),
    "UnmetAuthenticationRequirementsError": (400, "unmet_authentication_requirements"),
    "UnsupportedGrantTypeError": (400, "unsupported_grant_type"),
    "UnsupportedResponseTypeError": (400, "unsupported_response_type"),
    "UseDpopNonceError": (400, "use_dpop_nonce"),
}


NAMING = ("InvalidParameterError", "MissingParameterError")
"""Those that name a parameter, one of few that the standards know."""


def made(name: str) -> OAuth2Error:
    """An error of this class."""
    return CLASSES[name](*(["scope"] if name in NAMING else []))


def test_every_error_has_its_row():
    """The table below is complete."""
    assert set(CLASSES) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_error_has_its_code_and_status(name: str):
    """access_denied is 403 at the backchannel endpoint and 400 at the token endpoint."""
    error = made(name)
    assert (int(error.status_code), error.error) == EXPECTED[name]


@pytest.mark.clause("ciba-13-2")
@pytest.mark.parametrize("name", EXPECTED)
def test_a_description_is_plain_and_constant(name: str):
    """It has the characters that RFC 6749 allows, and nothing of the request."""
    error = made(name)
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", error.description)
    assert error.description == made(name).description
    assert error.get_error_description() == error.description


@pytest.mark.clause("ciba-13-1")
@pytest.mark.parametrize("name", EXPECTED)
def test_an_authlib_server_renders_it_unchanged(name: str):
    """Called as Authlib calls it, an error is status, body and headers of its own."""
    error = made(name)
    error.__cause__ = Reason("a secret")
    status, body, headers = error()
    assert (int(status), body["error"]) == EXPECTED[name]
    assert set(body) == {"error", "error_description"}
    assert ("Content-Type", "application/json") in headers
    assert ("Cache-Control", "no-store") in headers
    assert "WWW-Authenticate" not in dict(headers)


def test_of_a_long_reason_the_beginning_is_kept():
    """Parsers quote what was sent to them, and the log takes no more of it than of any other."""
    assert str(Reason("not one of these: " + "n" * 16_000)) == "not one of these: " + "n" * 282
    assert str(Reason("scope is missing")) == "scope is missing"
