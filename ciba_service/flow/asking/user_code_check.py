"""A user's code, where a client asks for codes: it must verify before any phone is told (CIBA 7.2).

Attempts are counted for each client and user before they are evaluated. Who guesses too often
through a client locks the code for this client alone, and for a while; no phone is locked by it.
"""

import msgspec

from ciba_service.flow.asking.user_resolution import ResolvedHint
from ciba_service.ports import SecurityEvents, UserCodeAttemptStore
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import InvalidUserCodeError, Reason
from ciba_service.protocol.request.user_code import (
    StoredUserCode,
    UserCode,
    demanded_user_code,
    verify_user_code,
)
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import UserCodeRefused
from ciba_service.sca.phones.devices import user_tag

__all__ = ["CodeQuestion", "UserCodeCheck"]


class CodeQuestion(msgspec.Struct, frozen=True):
    """One request, as far as user codes go; ``now`` is in milliseconds."""

    client: Client
    resolved: ResolvedHint
    presented: UserCode | None
    operation: str
    now: int

    @property
    def subject(self) -> str:
        """Whose code it would be."""
        return "" if self.resolved.user is None else self.resolved.user.subject

    @property
    def stored(self) -> StoredUserCode | None:
        """The code that counts, if this user has one and may be asked."""
        user = self.resolved.user
        return None if user is None or not user.enabled else user.user_code

    @property
    def is_evaluated(self) -> bool:
        """Whether there is something to compare, which makes it an attempt."""
        is_asked = self.client.asks_for_user_codes and self.presented is not None
        return is_asked and self.stored is not None


class UserCodeCheck:
    """``reserve`` shares a round trip with what is used once, ``succeeded`` with what is stored."""

    def __init__(
        self, *, attempts: UserCodeAttemptStore, pepper: bytes, events: SecurityEvents
    ) -> None:
        self._events = events
        self._attempts = attempts
        self._pepper = pepper

    async def reserve(self, question: CodeQuestion) -> bool:
        """Count the attempt, if it is one; False when there were too many."""
        if not question.is_evaluated:
            return True
        return await self._attempts.reserve(
            user_tag(question.subject),
            question.client.client_id,
            operation=question.operation,
            now=question.now,
        )

    async def take_back(self, question: CodeQuestion) -> None:
        """Count it no longer: the request was refused for something else."""
        if question.is_evaluated:
            await self._attempts.take_back(
                user_tag(question.subject),
                question.client.client_id,
                operation=question.operation,
            )

    def verify(self, question: CodeQuestion, *, is_reserved: bool) -> None:
        """Compare the code with the user's.

        Raises:
            MissingUserCodeError, InvalidUserCodeError: as named; a locked code is not valid.
        """
        demanded = demanded_user_code(
            question.presented,
            client_asks_for_codes=question.client.asks_for_user_codes,
            user_has_code=question.stored is not None,
            hint_is_static=question.resolved.is_static,
        )
        if demanded is None:
            return
        if question.stored is None:
            raise AssertionError("a code is demanded of users who have one")
        if not is_reserved:
            self._tell(question, Cause.LOCKED)
            raise InvalidUserCodeError from Reason("too many codes were wrong")
        try:
            verify_user_code(
                demanded, subject=question.subject, stored=question.stored, pepper=self._pepper
            )
        except InvalidUserCodeError:
            self._tell(question, Cause.WRONG)
            raise

    def _tell(self, question: CodeQuestion, cause: Cause) -> None:
        self._events.security_event(
            UserCodeRefused(
                cause=cause,
                client_id=question.client.client_id,
                user=user_tag(question.subject),
            )
        )

    async def succeeded(self, question: CodeQuestion) -> None:
        """Forget the attempts before a right code."""
        if question.is_evaluated:
            await self._attempts.succeeded(
                user_tag(question.subject), question.client.client_id, now=question.now
            )
