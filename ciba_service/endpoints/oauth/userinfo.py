"""Userinfo endpoint (OpenID Connect Core 5.3)."""

from http import HTTPStatus
from typing import Final

from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond, respond_error
from ciba_service.endpoints.body import BodyPolicy, UnreadableBody, header_lines, read_body
from ciba_service.flow.resource_access import ResourceRequest
from ciba_service.flow.userinfo import Userinfo
from ciba_service.listening.peer import peer_certificates
from ciba_service.ports import Clock, StoreUnavailable, Telemetry
from ciba_service.protocol.client.certificates.certificate import thumbprint_of
from ciba_service.protocol.errors import (
    InsufficientScopeError,
    InvalidDpopProofError,
    InvalidRequestError,
    MissingTokenError,
    OAuth2Error,
    Reason,
    TemporarilyUnavailableError,
    UseDpopNonceError,
)
from ciba_service.protocol.names import OPENID_SCOPE
from ciba_service.protocol.request.form import parse_form
from ciba_service.protocol.tokens.bearer_challenge import bearer_challenge
from ciba_service.protocol.tokens.dpop.challenge import dpop_challenge
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces
from ciba_service.protocol.tokens.dpop.proof import PROOF_ALGORITHMS

__all__ = ["UserinfoEndpoint"]

Headers = tuple[tuple[bytes, bytes], ...]

_METHODS: Final = frozenset({"GET", "POST"})
_ALLOW: Final = ((b"allow", b"GET, POST"),)
_FORM: Final = BodyPolicy("application/x-www-form-urlencoded", limit=65_536, seconds=10.0)
_PROOF_ERRORS: Final = (InvalidDpopProofError, UseDpopNonceError)


class UserinfoEndpoint:
    """``GET`` and ``POST /userinfo``."""

    def __init__(
        self,
        userinfo: Userinfo,
        *,
        nonces: DpopNonces | None,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._userinfo = userinfo
        self._nonces = nonces
        self._clock = clock
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        if scope["method"] not in _METHODS:
            await self._refuse(send, InvalidRequestError(), HTTPStatus.METHOD_NOT_ALLOWED, _ALLOW)
            return
        try:
            await _refuse_second_token(scope, receive)
            claims = await self._userinfo.tell(self._request(scope))
        except UnreadableBody as unreadable:
            error = InvalidRequestError()
            error.__cause__ = Reason(str(unreadable))
            await self._refuse(send, error, unreadable.status, ((b"connection", b"close"),))
        except OAuth2Error as error:
            await self._refuse(send, error, _status(error), self._challenge(scope, error))
        except StoreUnavailable as fault:
            self._telemetry.failure("store_unavailable", fault)
            await respond_error(send, TemporarilyUnavailableError(), self._telemetry)
        else:
            await respond(send, HTTPStatus.OK, claims, self._nonce(scope))

    def _request(self, scope: Scope) -> ResourceRequest:
        return ResourceRequest(
            method=scope["method"],
            authorization=header_lines(scope, b"authorization"),
            dpop=header_lines(scope, b"dpop"),
            certificate_thumbprint=_thumbprint(scope),
        )

    def _challenge(self, scope: Scope, error: OAuth2Error) -> Headers:
        """RFC 6750 3, RFC 9449 7.1: both schemes, with an error for the one that was used."""
        told = None if isinstance(error, MissingTokenError) else error
        wants = OPENID_SCOPE if isinstance(error, InsufficientScopeError) else None
        by_dpop = _uses_dpop(scope) or isinstance(error, _PROOF_ERRORS)
        challenges = (
            bearer_challenge(None if by_dpop else told, scope=None if by_dpop else wants),
            dpop_challenge(PROOF_ALGORITHMS, told if by_dpop else None),
        )
        headers = tuple((b"www-authenticate", text.encode()) for text in challenges)
        return (*headers, *self._nonce(scope))

    def _nonce(self, scope: Scope) -> Headers:
        if self._nonces is None or not _uses_dpop(scope):
            return ()
        return ((b"dpop-nonce", self._nonces.current(self._clock.now_ms() / 1000).encode()),)

    async def _refuse(self, send: Send, error: OAuth2Error, status: int, headers: Headers) -> None:
        await respond_error(send, error, self._telemetry, status=status, headers=headers)


async def _refuse_second_token(scope: Scope, receive: Receive) -> None:
    """RFC 6750 2: one method a request; of the three only the header is taken.

    A token elsewhere without a header counts as none.
    """
    places = [scope["query_string"]]
    if header_lines(scope, b"content-type"):
        places.append(await read_body(scope, receive, _FORM))
    elsewhere = any("access_token" in parse_form(place) for place in places)
    if elsewhere and header_lines(scope, b"authorization"):
        raise InvalidRequestError from Reason("the access token is presented twice")


def _uses_dpop(scope: Scope) -> bool:
    lines = header_lines(scope, b"authorization")
    return bool(header_lines(scope, b"dpop")) or any(
        line.lower().startswith("dpop ") for line in lines
    )


def _status(error: OAuth2Error) -> int:
    # RFC 9449 7.1: at a resource a proof that does not hold is 401.
    if isinstance(error, _PROOF_ERRORS):
        return HTTPStatus.UNAUTHORIZED
    return int(error.status_code)


def _thumbprint(scope: Scope) -> str | None:
    certificates = peer_certificates(scope)
    return thumbprint_of(certificates[0]) if certificates else None
