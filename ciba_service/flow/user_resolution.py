"""Whom does a hint name? What it proves is verified here, and whoever may not be meant is nobody.

A hint that counts once is spent with the other one-time things of its request.
"""

from dataclasses import dataclass
from typing import assert_never

from ciba_service.ports import KeyRing, ReplayKind, ReplayStore, User, UserDirectory
from ciba_service.protocol.errors import Reason, UnknownUserIdError
from ciba_service.protocol.request.authentication_request import AuthenticationRequest
from ciba_service.protocol.request.hints import (
    IdentifierKind,
    IdTokenHint,
    LoginHint,
    LoginHintToken,
    UserIdentifier,
    parse_login_hint,
)
from ciba_service.protocol.request.id_token_hint import verify_id_token_hint
from ciba_service.protocol.request.login_hint_token import (
    HintReplay,
    LoginHintIssuer,
    verify_login_hint_token,
)

__all__ = ["HintPolicy", "ResolvedHint", "UserResolution"]


@dataclass(frozen=True, slots=True)
class HintPolicy:
    """What the operator decides about hints.

    ``id_tokens_accepted_after_expiry`` is in seconds; ``issuer`` is this service.
    """

    issuer: str
    login_hint_issuers: tuple[LoginHintIssuer, ...]
    id_tokens_accepted_after_expiry: int


@dataclass(frozen=True, slots=True)
class ResolvedHint:
    """What became of a hint whose proofs hold: ``user`` is None when it leads to nobody.

    ``replay`` must still be found unused. A static hint is one that a client may keep and send
    whenever it likes.
    """

    user: User | None
    is_static: bool
    replay: HintReplay | None = None


class UserResolution:
    """Two halves: ``resolve`` needs nothing but keys and directory, ``consume`` spends the hint."""

    def __init__(
        self, *, users: UserDirectory, keys: KeyRing, replays: ReplayStore, policy: HintPolicy
    ) -> None:
        self._users = users
        self._keys = keys
        self._replays = replays
        self._policy = policy

    def resolve(
        self, request: AuthenticationRequest, *, client_id: str, now: float
    ) -> ResolvedHint:
        """Verify the hint of ``client_id`` and find its user; ``now`` is in seconds.

        Raises:
            ExpiredLoginHintTokenError, UnknownUserIdError: when the hint proves nothing.
        """
        match request.hint:
            case LoginHint(value):
                return self._resolved(request, parse_login_hint(value))
            case LoginHintToken() as hint:
                return self._login_hint_token(request, hint, now)
            case IdTokenHint() as hint:
                identifier = verify_id_token_hint(
                    hint,
                    issuer=self._policy.issuer,
                    keys=self._keys.token_verification_keys,
                    client_id=client_id,
                    accepted_after_expiry=self._policy.id_tokens_accepted_after_expiry,
                    now=now,
                )
                return ResolvedHint(self._named(request, identifier), is_static=False)
            case _:
                assert_never(request.hint)

    async def consume(self, resolved: ResolvedHint, *, operation: str) -> None:
        """Spend the hint, if it counts once; raises ``UnknownUserIdError`` when it was spent."""
        replay = resolved.replay
        if replay is None:
            return
        fresh = await self._replays.reserve(
            ReplayKind.LOGIN_HINT_TOKEN,
            replay.iss,
            replay.jti,
            operation=operation,
            until=int(replay.expires_at * 1000),
        )
        if not fresh:
            raise UnknownUserIdError from Reason("the login_hint_token was used before")

    def _login_hint_token(
        self, request: AuthenticationRequest, hint: LoginHintToken, now: float
    ) -> ResolvedHint:
        verified = verify_login_hint_token(
            hint,
            issuers=self._policy.login_hint_issuers,
            issuer=self._policy.issuer,
            now=now,
        )
        return self._resolved(request, verified.identifier, verified.replay)

    def _resolved(
        self,
        request: AuthenticationRequest,
        identifier: UserIdentifier,
        replay: HintReplay | None = None,
    ) -> ResolvedHint:
        return ResolvedHint(
            user=self._named(request, identifier),
            is_static=identifier.kind is not IdentifierKind.HANDLE,
            replay=replay,
        )

    def _named(self, request: AuthenticationRequest, identifier: UserIdentifier) -> User | None:
        user = self._users.find(identifier)
        wanted = request.claims.subjects
        # OpenID Connect Core 5.5.1: nobody but the subjects that were asked for.
        if user is None or (wanted and user.subject not in wanted):
            return None
        return user
