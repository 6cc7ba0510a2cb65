"""Who operates: by a token, or by the session in a browser that a token was swapped for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ciba_service.ports import Clock, Randomness, Telemetry
from ciba_service.ports.records.operator_sessions import OperatorSessionStore
from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.operators.guessing import MOST_WRONG, WrongTokens
from ciba_service.protocol.operators.problems import OperatorRefused, Problem
from ciba_service.protocol.operators.sessions import SessionCookie, token_of
from ciba_service.protocol.operators.tokens import (
    Operator,
    OperatorToken,
    Role,
    fingerprint,
    verify_token,
)
from ciba_service.protocol.security_events.kinds import OperatorAuthenticationFailed

__all__ = ["ActingOperator", "OperatorAuthentication", "OperatorSession"]


@dataclass(frozen=True, slots=True)
class OperatorSession:
    """A session in a browser, and its end in milliseconds."""

    cookie: SessionCookie = field(repr=False)
    until: int


@dataclass(frozen=True, slots=True)
class ActingOperator:
    """An operator who has just proved to be one; with ``session`` by a cookie."""

    operator: Operator
    token: OperatorToken
    session: OperatorSession | None = None

    @property
    def name(self) -> str:
        """As the configuration and the log have it."""
        return self.operator.name

    def demand(self, role: Role) -> None:
        """Raise ``OperatorRefused`` when the role is lacking."""
        if not self.operator.may(role):
            raise OperatorRefused(Problem.FORBIDDEN)

    def demand_csrf_token(self, presented: str) -> None:
        """Raise ``OperatorRefused`` when it is not that of the session, where there is one."""
        if self.session and not equal_secrets(presented, self.session.cookie.csrf_token):
            raise OperatorRefused(Problem.CSRF)


class OperatorAuthentication:
    """Tokens are compared in memory; a session takes one round trip."""

    def __init__(
        self,
        *,
        operators: Sequence[Operator],
        sessions: OperatorSessionStore,
        session_ms: int,
        random: Randomness,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._operators = tuple(operators)
        self._sessions = sessions
        self._session_ms = session_ms
        self._random = random
        self._clock = clock
        self._telemetry = telemetry
        self._wrong = WrongTokens()

    def by_token(self, text: str, *, peer: str) -> ActingOperator:
        """Whose token it is.

        Raises:
            OperatorRefused: unknown, over, or one of too many wrong ones from this address.
        """
        proven = verify_token(text, self._operators, now=self._clock.now_ms())
        if proven is None:
            raise self._wrong_from(peer)
        return ActingOperator(proven.operator, proven.token)

    async def by_cookie(self, text: str, *, peer: str) -> ActingOperator:
        """Whose session it is.

        Raises:
            OperatorRefused: likewise; a session that is over is no wrong token.
            StoreUnavailable: when the store cannot be reached.
        """
        now, cookie = self._clock.now_ms(), SessionCookie.parse(text)
        proven = None if cookie is None else token_of(cookie, self._operators, now=now)
        if cookie is None or proven is None:
            raise self._wrong_from(peer)
        until = await self._sessions.until(cookie.fingerprint, cookie.hash, now=now)
        if until is None:
            raise OperatorRefused(Problem.UNAUTHENTICATED)
        return ActingOperator(proven.operator, proven.token, OperatorSession(cookie, until))

    async def open_session(self, acting: ActingOperator) -> OperatorSession:
        """Swap a token for a session, which ends with the token at the latest.

        Raises:
            OperatorRefused: when the operator came with a session.
            StoreUnavailable: when the store cannot be reached.
        """
        if acting.session is not None:
            # Else a session could be prolonged for ever without the token.
            raise OperatorRefused(Problem.UNAUTHENTICATED)
        now, of_token = self._clock.now_ms(), fingerprint(acting.token)
        until = min(now + self._session_ms, acting.token.expires_at or now + self._session_ms)
        cookie = SessionCookie.new(of_token, self._random)
        await self._sessions.open(of_token, cookie.hash, now=now, until=until)
        self._telemetry.event("operator_session_opened", operator=acting.name, until=until)
        return OperatorSession(cookie, until)

    async def close_session(self, acting: ActingOperator) -> None:
        """End the session, if the operator has one; raises ``StoreUnavailable``."""
        if acting.session is not None:
            cookie = acting.session.cookie
            await self._sessions.close(cookie.fingerprint, cookie.hash)
            self._telemetry.event("operator_session_closed", operator=acting.name)

    def _wrong_from(self, peer: str) -> OperatorRefused:
        number = self._wrong.count(peer, now=self._clock.now_ms())
        self._telemetry.security_event(OperatorAuthenticationFailed(peer=peer))
        if number <= MOST_WRONG:
            return OperatorRefused(Problem.UNAUTHENTICATED)
        if number == MOST_WRONG + 1:
            self._telemetry.event("operator_tokens_guessed", peer=peer)
        return OperatorRefused(Problem.TOO_MANY_ATTEMPTS)
