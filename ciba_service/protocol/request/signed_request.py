"""The signed authentication request: claims, times and signature (CIBA 7.1.1, FAPI-CIBA 5.2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import InvalidParameterError, Reason, StrayParameterError
from ciba_service.protocol.jose.claims import Claims, InvalidClaimsError
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json_object
from ciba_service.protocol.jose.verification import (
    CompactJws,
    InvalidJwsError,
    parse_jws,
    verify_jws,
)
from ciba_service.protocol.names import REQUEST_OBJECT_TYP
from ciba_service.protocol.request.parameters import AUTHENTICATION_PARAMETERS, Parameters
from ciba_service.protocol.security_events.causes import Cause

__all__ = ["RequestReplay", "SignedRequest", "verify_signed_request"]

MAXIMUM_SPAN: Final = 3600
_ALLOWED_TYPES: Final = frozenset({None, "jwt", REQUEST_OBJECT_TYP})


class RequestReplay(msgspec.Struct, frozen=True):
    """The ``jti`` that must be found unused until ``expires_at`` (seconds)."""

    jti: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request object that the client provably signed for this server."""

    parameters: Parameters
    replay: RequestReplay


def verify_signed_request(
    form: Mapping[str, str], *, client: Client, issuer: str, now: float
) -> SignedRequest:
    """Verify the ``request`` parameter of ``form``; ``now`` is in seconds.

    Raises:
        InvalidRequestError: for whatever is wrong with it (CIBA 13 has no other code).
    """
    if AUTHENTICATION_PARAMETERS & form.keys():
        raise StrayParameterError from Reason("parameters stand outside the signed request")
    if client.request_signing_alg is None:
        raise InvalidParameterError("request") from Reason(
            "the client registered no request signing algorithm"
        )
    try:
        jws = parse_jws(form["request"])
        verify_jws(jws, keys=client.keys, algorithms=frozenset({client.request_signing_alg}))
        members = parse_json_object(jws.payload)
        _verify_typ(jws)
        replay = _verify_claims(Claims(members), client=client, issuer=issuer, now=now)
    except MalformedEncodingError as error:
        raise InvalidParameterError("request") from Reason(f"request: {error}", Cause.MALFORMED)
    except (InvalidJwsError, InvalidClaimsError) as error:
        raise InvalidParameterError("request") from Reason(f"request: {error}", error.cause)
    return SignedRequest(parameters=Parameters(members), replay=replay)


def _verify_typ(jws: CompactJws) -> None:
    # RFC 8725 3.12: an object typed for another use is no request.
    if jws.header.typ not in _ALLOWED_TYPES:
        raise InvalidClaimsError("typ is that of another object")


def _verify_claims(claims: Claims, *, client: Client, issuer: str, now: float) -> RequestReplay:
    _verify_client(claims, client.client_id)
    # RFC 9101 4: a request object holds no request of its own.
    if claims.has("request") or claims.has("request_uri"):
        raise InvalidClaimsError("a request object stands in another")
    audience = claims.audience()
    if audience != issuer and not (isinstance(audience, tuple) and issuer in audience):
        raise InvalidClaimsError("aud does not contain the issuer", Cause.AUDIENCE)
    expires_at = claims.unexpired(now)
    if claims.not_future("iat", now) is None:
        raise InvalidClaimsError("iat is missing")
    not_before = claims.not_future("nbf", now)
    if not_before is None:
        raise InvalidClaimsError("nbf is missing")
    # FAPI 1.0 Part 2 5.2.2 (13); with exp still to come, nbf is then no older than that (17).
    if expires_at - not_before > MAXIMUM_SPAN:
        raise InvalidClaimsError("exp is more than 60 minutes after nbf", Cause.TIME)
    return RequestReplay(jti=claims.jti(), expires_at=expires_at)


def _verify_client(claims: Claims, client_id: str) -> None:
    if claims.text("iss") != client_id:
        raise InvalidClaimsError("iss is not the client_id")
    # RFC 9101 5: a client that is named beside iss is the same one.
    if claims.get("client_id") not in (None, client_id):
        raise InvalidClaimsError("client_id is another client's")
    # RFC 9101 10.8: a request object must not serve as a client assertion.
    if claims.get("sub") == client_id:
        raise InvalidClaimsError("sub is the client_id")
