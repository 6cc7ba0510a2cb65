"""Whom does a hint name? What it proves is verified here, and whoever may not be meant is nobody.

A hint that counts once is spent with the other one-time things of its request.
"""

from dataclasses import dataclass
from typing import assert_never

import msgspec

from ciba_service.ports import (
    KeyRing,
    LoginHandleStore,
    PresentedHandle,
    ReplayKind,
    ReplayStore,
    User,
    UserDirectory,
)
from ciba_service.protocol.client.metadata import Client
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
from ciba_service.protocol.subject_identifiers import SubjectIdentifiers

__all__ = ["HintPolicy", "ResolvedHint", "UserResolution"]


@dataclass(frozen=True, slots=True)
class HintPolicy:
    """What the operator decides about hints.

    ``id_tokens_accepted_after_expiry`` is in seconds; ``issuer`` is this service.
    """

    issuer: str
    login_hint_issuers: tuple[LoginHintIssuer, ...]
    id_tokens_accepted_after_expiry: int


class ResolvedHint(msgspec.Struct, frozen=True):
    """What became of a hint whose proofs hold: ``user`` is None when it leads to nobody.

    ``replay`` and ``handle`` must still be found unused. A static hint is one that a client may
    keep and send whenever it likes.
    """

    user: User | None
    is_static: bool
    replay: HintReplay | None = None
    handle: PresentedHandle | None = None


class UserResolution:
    """Two halves: ``resolve`` finds the user, ``consume`` spends the hint.

    Nothing but keys and directory is needed for the first, unless the hint is a handle.
    """

    def __init__(
        self,
        *,
        users: UserDirectory,
        handles: LoginHandleStore,
        keys: KeyRing,
        replays: ReplayStore,
        subjects: SubjectIdentifiers,
        policy: HintPolicy,
    ) -> None:
        self._users = users
        self._handles = handles
        self._keys = keys
        self._replays = replays
        self._subjects = subjects
        self._policy = policy

    async def resolve(
        self, request: AuthenticationRequest, *, client: Client, now: float
    ) -> ResolvedHint:
        """Verify the hint of ``client`` and find its user; ``now`` is in seconds.

        Raises:
            ExpiredLoginHintTokenError, UnknownUserIdError: when the hint proves nothing.
            StoreUnavailable: when the user or a handle cannot be looked up.
        """
        match request.hint:
            case LoginHint(value):
                named = parse_login_hint(self._subjects.subject(client, value))
                return await self._resolved(request, client, named)
            case LoginHintToken() as hint:
                return await self._login_hint_token(request, client, hint, now)
            case IdTokenHint() as hint:
                identifier = verify_id_token_hint(
                    hint,
                    issuer=self._policy.issuer,
                    keys=self._keys.token_verification_keys,
                    client_id=client.client_id,
                    accepted_after_expiry=self._policy.id_tokens_accepted_after_expiry,
                    now=now,
                )
                subject = self._subjects.subject(client, identifier.value)
                user = await self._users.find(UserIdentifier(identifier.kind, subject))
                return ResolvedHint(self._wanted(request, client, user), is_static=False)
            case _:
                assert_never(request.hint)

    async def consume(self, resolved: ResolvedHint, *, operation: str, now: int) -> None:
        """Spend the hint, if it counts once; ``now`` is in milliseconds.

        Raises:
            UnknownUserIdError: when it was spent before, or its time is over.
            StoreUnavailable: when the store cannot be reached.
        """
        # Hardly ever both; and tasks of their own would miss the round trip of the rest.
        await self._consume_token(resolved.replay, operation)
        await self._consume_handle(resolved.handle, operation, now)

    async def _consume_token(self, replay: HintReplay | None, operation: str) -> None:
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

    async def _consume_handle(
        self, handle: PresentedHandle | None, operation: str, now: int
    ) -> None:
        if handle is None:
            return
        if not await self._handles.use(handle, operation=operation, now=now):
            raise UnknownUserIdError from Reason("the handle does not count any more")

    async def _login_hint_token(
        self, request: AuthenticationRequest, client: Client, hint: LoginHintToken, now: float
    ) -> ResolvedHint:
        verified = verify_login_hint_token(
            hint,
            issuers=self._policy.login_hint_issuers,
            issuer=self._policy.issuer,
            now=now,
        )
        return await self._resolved(request, client, verified.identifier, verified.replay)

    async def _resolved(
        self,
        request: AuthenticationRequest,
        client: Client,
        identifier: UserIdentifier,
        replay: HintReplay | None = None,
    ) -> ResolvedHint:
        if identifier.kind is not IdentifierKind.HANDLE:
            user = self._wanted(request, client, await self._users.find(identifier))
            return ResolvedHint(user, is_static=True, replay=replay)
        handle = await self._handles.find(identifier.value)
        user = None if handle is None else await self._users.find_subject(handle.subject)
        user = self._wanted(request, client, user)
        return ResolvedHint(user, is_static=False, replay=replay, handle=handle)

    def _wanted(
        self, request: AuthenticationRequest, client: Client, user: User | None
    ) -> User | None:
        wanted = request.claims.subjects
        # OpenID Connect Core 5.5.1: nobody but the subjects that were asked for.
        if user is None or (wanted and self._subjects.told(client, user.subject) not in wanted):
            return None
        return user
