"""How the provider refuses."""

from dataclasses import dataclass

from starlette.responses import HTMLResponse, JSONResponse, Response

from tests.wrong_provider.faults import Fault

__all__ = ["NONCE", "Refusal", "invalid_client", "invalid_request", "refusal_response"]


NONCE = "a-nonce-for-everybody"


@dataclass(frozen=True)
class Refusal(Exception):
    """An error of RFC 6749 section 5.2 or CIBA section 13."""

    status: int
    code: str
    description: str


def invalid_request(description: str) -> Refusal:
    """What is asked is malformed."""
    return Refusal(400, "invalid_request", description)


def invalid_client() -> Refusal:
    """Whoever asks is nobody we know."""
    return Refusal(401, "invalid_client", "The client is not authenticated.")


def refusal_response(refusal: Refusal, faults: frozenset[Fault]) -> Response:
    """The refusal as HTTP."""
    status, body = refusal.status, _members(refusal, faults)
    if Fault.ERRORS_AS_HTML in faults:
        return HTMLResponse("<h1>Refused</h1>", status)
    if refusal.code == "invalid_client":
        if Fault.INVALID_CLIENT_WITH_STATUS_403 in faults:
            status = 403
        if Fault.INVALID_CLIENT_WITH_WRONG_CODE in faults:
            status, body["error"] = 400, "unauthorized_client"
    if refusal.code == "slow_down" and Fault.SLOW_DOWN_WITH_STATUS_429 in faults:
        status = 429
    return JSONResponse(body, status, _headers(refusal, faults))


def _headers(refusal: Refusal, faults: frozenset[Fault]) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if Fault.ERRORS_MAY_BE_STORED in faults:
        del headers["Cache-Control"]
    if refusal.code == "use_dpop_nonce":
        headers |= {"DPoP-Nonce": NONCE, "WWW-Authenticate": 'DPoP error="use_dpop_nonce"'}
    if refusal.code == "invalid_token" and Fault.RESOURCE_WITHOUT_CHALLENGE not in faults:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token", DPoP algs="ES256 PS256"'
    return headers


def _members(refusal: Refusal, faults: frozenset[Fault]) -> dict[str, str]:
    body = {"error": refusal.code, "error_description": refusal.description}
    if Fault.ERRORS_WITH_MORE_MEMBERS in faults:
        body["timestamp"] = "2026-01-01T00:00:00Z"
    if Fault.ERRORS_WITH_QUOTES_IN_DESCRIPTION in faults:
        body["error_description"] = 'It says "no" \\ never.'
    if Fault.ERRORS_WITHOUT_CODE in faults:
        del body["error"]
    return body
