"""What a host gives a service that it embeds, and how it is asked: in time, and without harm.

Code of a host runs in a task of its own, since it may use timeouts of its own. Whatever it raises,
whatever takes too long, and an answer that is none, is told as unavailable: the request is answered
503, and nothing is lost.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from ciba_service.ports import (
    ClientRegistry,
    FailureReason,
    Outbound,
    OutboundFailure,
    OutboundRequest,
    OutboundResponse,
    RiskPolicy,
    SignerUnavailable,
    Situation,
    StoreUnavailable,
    Telemetry,
    TokenIssuer,
    User,
    UserDirectory,
)
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.locale import Locale
from ciba_service.protocol.request.hints import UserIdentifier
from ciba_service.protocol.request.user_code import StoredUserCode
from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.claims import IdTokenClaims
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.tokens.token_text import transaction_of
from ciba_service.protocol.tokens.userinfo import UserClaims

__all__ = ["HostClients", "HostNotifier", "HostPorts", "HostRisk", "HostTokens", "HostUsers"]

_T = TypeVar("_T")

_LONGEST_SUBJECT: Final = 255
# Of a deadline, since its place may be waited for half as long.
_WAITED: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPorts:
    """What takes the place of the service's own parts; None leaves them as they are.

    ``users`` and ``clients`` are those of the host, in place of ``[[users]]`` and ``[[clients]]``.
    ``client_kinds`` has one client of each kind that the registry knows: metadata is published for
    these. ``tokens`` writes tokens, ``notifier`` carries ping and push callbacks.
    """

    users: UserDirectory | None = None
    clients: ClientRegistry | None = None
    client_kinds: tuple[Client, ...] = ()
    tokens: TokenIssuer | None = None
    notifier: Outbound | None = None


class HostUsers:
    """``ports.UserDirectory`` of a host; ``seconds`` is how long it has for an answer."""

    def __init__(self, users: UserDirectory, seconds: float) -> None:
        self._users = users
        self._seconds = seconds

    async def find(self, identifier: UserIdentifier) -> User | None:
        """The user whom an identifier names; raises ``StoreUnavailable``."""
        user = await self._asked(partial(self._users.find, identifier))
        if user is not None and not _is_subject(user.subject):
            raise StoreUnavailable("the host's user has no subject that tokens can name")
        return user

    async def find_subject(self, subject: str) -> User | None:
        """The user of a subject identifier; raises ``StoreUnavailable``."""
        user = await self._asked(partial(self._users.find_subject, subject))
        if user is not None and user.subject != subject:
            # The account gate would let somebody through for somebody else.
            raise StoreUnavailable("the host answers with another user")
        return user

    async def _asked(self, ask: Callable[[], Awaitable[User | None]]) -> User | None:
        user = await _asked(ask, self._seconds, StoreUnavailable)
        if not (user is None or _is_user(user)):
            raise StoreUnavailable("the host's answer is no user")
        return user


class HostClients:
    """``ports.ClientRegistry`` of a host, likewise."""

    def __init__(self, clients: ClientRegistry, seconds: float) -> None:
        self._clients = clients
        self._seconds = seconds

    async def find(self, client_id: str) -> Client | None:
        """The client, or None; raises ``StoreUnavailable``."""
        ask = partial(self._clients.find, client_id)
        client = await _asked(ask, self._seconds, StoreUnavailable)
        if not isinstance(client, Client | None):
            raise StoreUnavailable("the host's answer is no client")
        # A database that compares without case finds one that nobody has asked for.
        return client if client is not None and client.client_id == client_id else None


class HostTokens:
    """``ports.TokenIssuer`` of a host, likewise; its access tokens must name their grant."""

    def __init__(self, tokens: TokenIssuer, seconds: float) -> None:
        self._tokens = tokens
        self._seconds = seconds

    async def access_token(self, grant: Grant, token: AccessToken, client: Client) -> str:
        """The access token; raises ``SignerUnavailable``."""
        text = await self._text(partial(self._tokens.access_token, grant, token, client))
        if transaction_of(text) != grant.txn:
            # Nobody could look it up, revoke it, or use it here.
            raise SignerUnavailable("the host's access token does not name its grant")
        return text

    async def id_token(self, claims: IdTokenClaims, client: Client) -> str:
        """The ID token; raises ``SignerUnavailable``."""
        return await self._text(partial(self._tokens.id_token, claims, client))

    async def _text(self, write: Callable[[], Awaitable[str]]) -> str:
        text = await _asked(write, self._seconds, SignerUnavailable)
        if not isinstance(text, str):
            raise SignerUnavailable("the host's token is no text")
        return text


class _Silence(Exception):
    """There is no answer; the text says why, and repeats nothing of the host's."""


class HostNotifier:
    """``ports.Outbound`` of a host: whatever it raises, or never answers, is a failed attempt."""

    def __init__(self, notifier: Outbound) -> None:
        self._notifier = notifier

    async def send(self, request: OutboundRequest) -> OutboundResponse | OutboundFailure:
        """Have it sent; its place is free again after half as much as the deadline more."""
        try:
            answer = await _asked(
                partial(self._notifier.send, request), _WAITED * request.deadline, _Silence
            )
        except _Silence as silence:
            return OutboundFailure(FailureReason.TIMEOUT, str(silence))
        if not _is_outcome(answer):
            return OutboundFailure(FailureReason.PROTOCOL_ERROR, "the host's answer is none")
        return answer


class HostRisk:
    """``ports.RiskPolicy`` of a host: a rule that fails, or says neither, asks for the code."""

    def __init__(self, policy: RiskPolicy, telemetry: Telemetry) -> None:
        self._policy = policy
        self._telemetry = telemetry

    def needs_one_time_code(self, situation: Situation) -> bool:
        """Whether a one-time code is asked for, too."""
        try:
            return self._policy.needs_one_time_code(situation) is not False
        except Exception as fault:  # noqa: BLE001 - the host's code, and no reason to ask for less
            self._telemetry.event("risk_rule_failed", error=type(fault).__name__)
            return True


async def _asked(
    ask: Callable[[], Awaitable[_T]], seconds: float, unavailable: type[Exception]
) -> _T:
    task = asyncio.ensure_future(_answered(ask))
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise unavailable("the host did not answer in time")
        if task.cancelled():
            raise unavailable("the host gave up")
        if (fault := task.exception()) is not None:
            # Its type alone: whatever it says of itself may name users.
            raise unavailable(f"the host failed: {type(fault).__name__}") from fault
        return task.result()
    finally:
        task.cancel()


async def _answered(ask: Callable[[], Awaitable[_T]]) -> _T:
    # Called here, since what is no coroutine function may raise at once, or answer without one.
    return await ask()


def _is_outcome(answer: object) -> bool:
    """Whether what follows from it can be judged: a number of a status, say, and not its text."""
    match answer:
        case OutboundResponse(status=int(), retry_after=str() | None):
            return True
        case OutboundFailure(reason=FailureReason(), detail=str()):
            return True
        case _:
            return False


def _is_user(answer: object) -> bool:
    """Whether every member is what it must be: a text "false" would enable whoever is not."""
    return (
        isinstance(answer, User)
        and answer.enabled in (True, False)
        and isinstance(answer.claims, UserClaims)
        and isinstance(answer.user_code, StoredUserCode | None)
        and answer.locale in tuple(Locale)
    )


def _is_subject(subject: str) -> bool:
    return (
        isinstance(subject, str) and subject.isprintable() and 0 < len(subject) <= _LONGEST_SUBJECT
    )
