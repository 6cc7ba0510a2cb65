"""The grant API: another's token endpoint asks for grants (docs/grant-api.md).

Whatever became of the request is answered 200 with a ``status``; a status of HTTP other than 200
tells the token endpoint that its own question was wrong, or could not be answered.
"""

import re
from http import HTTPStatus
from typing import Annotated, ClassVar, Final

import msgspec
from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.body import BodyPolicy, header_lines
from ciba_service.endpoints.held import applied_wait_header, note_patience, patience_of
from ciba_service.endpoints.post import PostEndpoint
from ciba_service.flow.clients.token_endpoint_parties import TokenEndpointParties
from ciba_service.flow.granting.grant_answers import (
    GrantAnswers,
    GrantQuestion,
    GrantStatus,
    NoGrant,
)
from ciba_service.listening.peer import peer_address
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import (
    InvalidRequestError,
    MissingTokenError,
    OAuth2Error,
    Reason,
)
from ciba_service.protocol.tokens.bearer_challenge import bearer_challenge
from ciba_service.protocol.tokens.grant import Grant

__all__ = ["CancelGrantEndpoint", "RedeemEndpoint"]

Headers = tuple[tuple[bytes, bytes], ...]

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class _Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked: the id as the client has sent it, and the client as it has proven to be."""

    client_id: _Text
    auth_req_id: _Text


class _Granted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the user approved; ``auth_time`` is in seconds."""

    sub: str
    client_id: str
    scope: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    txn: str
    challenge_hash: str
    authorization_details: tuple[msgspec.Raw, ...] = ()
    resource: tuple[str, ...] = ()
    pairwise_sub: str | None = None


class _Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """``error`` and ``error_description`` are for the client, as they are (CIBA 11)."""

    status: GrantStatus
    grant: _Granted | None = None
    error: str | None = None
    error_description: str | None = None
    interval: int | None = None


class _GrantEndpoint(PostEndpoint):
    """Who asks, then what."""

    body: ClassVar = BodyPolicy("application/json", limit=8_192, seconds=10.0)

    def __init__(
        self, answers: GrantAnswers, parties: TokenEndpointParties, telemetry: Telemetry
    ) -> None:
        super().__init__(telemetry)
        self._answers = answers
        self._parties = parties

    def question(self, scope: Scope, body: bytes, *, has_key: bool) -> GrantQuestion:
        """What is asked; raises ``OAuth2Error`` when it is nobody who may, or malformed."""
        party = self._parties.authenticated(
            header_lines(scope, b"authorization"), peer=peer_address(scope)
        )
        try:
            asked = msgspec.json.decode(body, type=_Question)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidRequestError from Reason(f"the body does not fit: {_plain(error)}")
        key = _idempotency_key(header_lines(scope, b"idempotency-key")) if has_key else ""
        return GrantQuestion(party, asked.client_id, asked.auth_req_id, key)

    async def respond(self, scope: Scope, send: Send, answer: _Answer) -> None:
        """Answer 200."""
        await respond(send, HTTPStatus.OK, answer, applied_wait_header(scope))

    def refused(self, told: NoGrant) -> _Answer:
        """There is none; why stands in the log."""
        error, cause = told.error, told.error.__cause__
        self._telemetry.event(
            "request_refused",
            error=error.error,
            reason=None if cause is None else str(cause),
        )
        return _Answer(
            told.status,
            error=str(error.error),
            error_description=str(error.description),
            interval=told.interval,
        )

    def challenge(self, scope: Scope, error: OAuth2Error) -> Headers:  # noqa: ARG002 - as inherited
        """RFC 6750 3."""
        if error.status_code != HTTPStatus.UNAUTHORIZED:
            return ()
        told = None if isinstance(error, MissingTokenError) else error
        return ((b"www-authenticate", bearer_challenge(told).encode()),)


class RedeemEndpoint(_GrantEndpoint):
    """``POST /grants/ciba/redeem``; it may wait for the decision (RFC 7240)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, and notice when its sender goes away meanwhile."""
        note_patience(scope, receive)
        await super().__call__(scope, receive, send)

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer with the grant, or with the reason why there is none."""
        question = self.question(scope, body, has_key=True)
        told = await self._answers.redeem(question, patience_of(scope))
        if isinstance(told, NoGrant):
            await self.respond(scope, send, self.refused(told))
        else:
            await self.respond(scope, send, _Answer(GrantStatus.GRANTED, _granted(told)))


class CancelGrantEndpoint(_GrantEndpoint):
    """``POST /grants/ciba/cancel``: the client, or its user there, wants it no longer."""

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer whether it is cancelled now."""
        told = await self._answers.cancel(self.question(scope, body, has_key=False))
        answer = self.refused(told) if isinstance(told, NoGrant) else _Answer(told)
        await self.respond(scope, send, answer)


def _granted(grant: Grant) -> _Granted:
    return _Granted(
        sub=grant.subject,
        client_id=grant.client_id,
        scope=" ".join(grant.scope),
        acr=grant.acr,
        amr=grant.amr,
        auth_time=grant.auth_time,
        txn=grant.txn,
        challenge_hash=grant.challenge_hash,
        authorization_details=tuple(detail.stated for detail in grant.details),
        resource=grant.resources,
        pairwise_sub=grant.pairwise_sub,
    )


def _idempotency_key(lines: tuple[str, ...]) -> str:
    if len(lines) != 1 or not _KEY.fullmatch(lines[0]):
        raise InvalidRequestError from Reason("there is not one Idempotency-Key that is visible")
    return lines[0]


def _plain(error: Exception) -> str:
    """Which member and what it should be; msgspec repeats no value."""
    return str(error) if isinstance(error, msgspec.ValidationError) else "not JSON"
