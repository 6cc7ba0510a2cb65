"""A protected resource as a plain ASGI callable: everything around the one step it calls.

Whatever is wrong is told as JSON and in a challenge (RFC 6750 3, RFC 9449 7.1), and every answer
has the ``x-fapi-interaction-id`` under which it stands in the log (FAPI 1.0 Part 1 6.2.1).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar, Final

from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond, respond_error
from ciba_service.endpoints.body import UnreadableBody, header_lines
from ciba_service.flow.tokens.resource_access import ResourceRequest
from ciba_service.listening.admission.place import place_of
from ciba_service.listening.peer import peer_address, peer_certificates
from ciba_service.ports import Clock, Randomness, StoreUnavailable, Telemetry
from ciba_service.ports.request_notes import note_interaction
from ciba_service.protocol.client.certificates.certificate import thumbprint_of
from ciba_service.protocol.errors import (
    InvalidDpopProofError,
    InvalidRequestError,
    MissingTokenError,
    OAuth2Error,
    Reason,
    TemporarilyUnavailableError,
    UseDpopNonceError,
)
from ciba_service.protocol.request.form import parse_form
from ciba_service.protocol.resource.interaction import INTERACTION_HEADER, interaction_id
from ciba_service.protocol.tokens.bearer_challenge import bearer_challenge
from ciba_service.protocol.tokens.dpop.challenge import dpop_challenge
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces

__all__ = ["Answer", "ProtectedEndpoint", "ProtectedSurroundings", "refuse_token_in"]

Headers = tuple[tuple[bytes, bytes], ...]

# RFC 9110 15.5.9: whatever of the body is still to come is not waited for.
_CLOSE: Final = ((b"connection", b"close"),)
_CHALLENGED: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
)
_PROOF_ERRORS: Final = (InvalidDpopProofError, UseDpopNonceError)


@dataclass(frozen=True, slots=True)
class ProtectedSurroundings:
    """What every protected resource needs beside its step."""

    nonces: DpopNonces | None
    clock: Clock
    random: Randomness
    telemetry: Telemetry


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    status: HTTPStatus
    content: object


class ProtectedEndpoint(ABC):
    """Method, then the body, then ``answer``; errors become answers with a challenge."""

    methods: ClassVar[tuple[str, ...]]

    def __init__(self, surroundings: ProtectedSurroundings) -> None:
        self._nonces = surroundings.nonces
        self._clock = surroundings.clock
        self._random = surroundings.random
        self._telemetry = surroundings.telemetry

    async def read(self, scope: Scope, receive: Receive) -> bytes:  # noqa: ARG002 - for subclasses
        """The body, where there is one to be read; raises ``UnreadableBody``, ``OAuth2Error``."""
        return b""

    @abstractmethod
    async def answer(self, request: ResourceRequest, body: bytes) -> Answer:
        """Call the step; raises ``OAuth2Error`` or ``StoreUnavailable``."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        interaction = interaction_id(header_lines(scope, INTERACTION_HEADER), self._random)
        sending = _Sending(send, interaction, self._telemetry)
        if scope["method"] not in self.methods:
            allow = ((b"allow", ", ".join(self.methods).encode()),)
            await sending.refuse(InvalidRequestError(), HTTPStatus.METHOD_NOT_ALLOWED, allow)
            return
        try:
            refuse_token_in(scope["query_string"])
            body = await self.read(scope, receive)
            if not await place_of(scope).begin():
                raise TemporarilyUnavailableError from Reason("there is no place")
            answer = await self.answer(_request(scope), body)
        except UnreadableBody as unreadable:
            await sending.refuse(unreadable.error, unreadable.status, _CLOSE)
        except OAuth2Error as error:
            headers = (*_challenges(scope, error), *self._nonce(scope))
            await sending.refuse(error, _status(error), headers)
        except StoreUnavailable as fault:
            self._telemetry.failure("store_unavailable", fault)
            unavailable = TemporarilyUnavailableError()
            await sending.refuse(unavailable, unavailable.status_code, ())
        else:
            await sending.answer(answer, self._nonce(scope))

    def _nonce(self, scope: Scope) -> Headers:
        """Whoever uses DPoP is told the nonce for its next proof (RFC 9449 8.2, 9)."""
        if self._nonces is None or not _uses_dpop(scope):
            return ()
        return ((b"dpop-nonce", self._nonces.current(self._clock.now_ms() / 1000).encode()),)


@dataclass(frozen=True, slots=True)
class _Sending:
    """Every answer under its interaction id."""

    send: Send
    interaction: str
    telemetry: Telemetry

    async def answer(self, answer: Answer, headers: Headers) -> None:
        note_interaction(self.interaction)
        await respond(self.send, answer.status, answer.content, (*headers, self._name))

    async def refuse(self, error: OAuth2Error, status: int, headers: Headers) -> None:
        await respond_error(
            self.send,
            error,
            self.telemetry,
            status=int(status),
            headers=(*headers, self._name),
            logged={"interaction_id": self.interaction},
        )

    @property
    def _name(self) -> tuple[bytes, bytes]:
        return (INTERACTION_HEADER, self.interaction.encode())


def refuse_token_in(form: bytes) -> None:
    """FAPI 2.0 5.3.4 (2): a token in a query or a form is refused, whatever else is there.

    Raises:
        InvalidRequestError: when there is one, or the form is malformed.
    """
    if "access_token" in parse_form(form):
        raise InvalidRequestError from Reason("an access token is in the query or in the form")


def _request(scope: Scope) -> ResourceRequest:
    certificates = peer_certificates(scope)
    return ResourceRequest(
        method=scope["method"],
        authorization=header_lines(scope, b"authorization"),
        dpop=header_lines(scope, b"dpop"),
        certificate_thumbprint=thumbprint_of(certificates[0]) if certificates else None,
        peer=peer_address(scope),
    )


def _challenges(scope: Scope, error: OAuth2Error) -> Headers:
    """Both schemes, with the error for the one that was used; none where no token would help.

    That one is the first: there are clients that look no further.
    """
    if _status(error) not in _CHALLENGED:
        return ()
    told = None if isinstance(error, MissingTokenError) else error
    if _uses_dpop(scope):
        challenges = (dpop_challenge(told), bearer_challenge())
    else:
        challenges = (bearer_challenge(told), dpop_challenge())
    return tuple((b"www-authenticate", text.encode()) for text in challenges)


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
