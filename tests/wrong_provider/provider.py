"""What the provider knows: its clients, its users, its keys, and what is pending."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Protocol

from joserfc.jwk import ECKey

from tests.wrong_provider.faults import Fault

__all__ = ["Client", "Pending", "Provider", "State", "TimeSource", "Tokens", "User"]


class TimeSource(Protocol):
    """Where the time comes from, so that nobody need wait for it."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


@dataclass(frozen=True)
class Client:
    """A client as it is registered; ``keys`` are public JWKs.

    With ``strict_audience`` its assertions are for the issuer, and nothing else (FAPI 2.0 5.3.2.1).
    """

    client_id: str
    keys: tuple[Mapping[str, Any], ...]
    alg: str
    mode: str = "poll"
    notification_endpoint: str | None = None
    certificate: bytes | None = None
    certificate_authenticates: bool = False
    signs_requests: bool = True
    dpop_bound: bool = False
    user_code: bool = False
    strict_audience: bool = False


@dataclass(frozen=True)
class User:
    """Somebody who can be asked, by any of these login hints."""

    sub: str
    hints: tuple[str, ...]
    user_code: str | None = None


class State(StrEnum):
    """What became of a request."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    REDEEMED = "redeemed"


@dataclass
class Pending:
    """A request that was acknowledged; times are seconds since the epoch."""

    auth_req_id: str
    client: Client
    sub: str
    scope: str
    expires_at: float
    interval: int
    notification_token: str | None
    bound_to: str | None
    acr: str | None = None
    state: State = State.PENDING
    not_before: float = 0


@dataclass(frozen=True)
class Tokens:
    """What was granted, kept by access token and by refresh token."""

    client: Client
    sub: str
    scope: str
    expires_at: float
    bound_to: str | None
    auth_time: int


@cache
def _signing_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "op-1", "alg": "ES256", "use": "sig"}, private=True)


@dataclass
class Provider:
    """One provider with its faults; ``issuer`` is where it answers.

    At the paths ``nonces_at`` it wants a nonce in DPoP proofs (RFC 9449 8 and 9). One that does
    things ``differently`` keeps the rules all the same: it leaves out what may be left out, and
    chooses the other way where there is a choice.
    """

    issuer: str
    clients: Mapping[str, Client]
    users: Collection[User]
    time: TimeSource
    faults: frozenset[Fault] = frozenset()
    nonces_at: tuple[str, ...] = ()
    differently: bool = False
    key: ECKey = field(default_factory=_signing_key)
    pending: dict[str, Pending] = field(default_factory=dict)
    access_tokens: dict[str, Tokens] = field(default_factory=dict)
    refresh_tokens: dict[str, Tokens] = field(default_factory=dict)
    alarms: list[tuple[float, Callable[[], Awaitable[None]]]] = field(default_factory=list)
    waking: asyncio.Lock = field(default_factory=asyncio.Lock)
    used: set[tuple[str, str, str]] = field(default_factory=set)

    def has(self, fault: Fault) -> bool:
        """Whether this rule is broken."""
        return fault in self.faults

    def url(self, path: str) -> str:
        """One of its own addresses."""
        return self.issuer + path

    async def wake(self) -> None:
        """Do what has become due; whoever moves the clock waits until that is done."""
        async with self.waking:
            now = self.time.now()
            due = [alarm for alarm in self.alarms if alarm[0] <= now]
            self.alarms = [alarm for alarm in self.alarms if alarm[0] > now]
            for _, act in due:
                await act()

    def spend(self, kind: str, owner: str, identifier: str) -> bool:
        """Use a one-time identifier; False when it was used before."""
        entry = (kind, owner, identifier)
        if entry in self.used:
            return False
        self.used.add(entry)
        return True

    def new_auth_req_id(self) -> str:
        """A fresh identifier of a request."""
        if self.has(Fault.SHORT_AUTH_REQ_ID):
            return secrets.token_urlsafe(4)
        if self.has(Fault.GUESSABLE_AUTH_REQ_ID):
            return f"{len(self.pending):040d}"
        if self.has(Fault.AUTH_REQ_ID_WITH_STRANGE_CHARACTERS):
            return secrets.token_urlsafe(32) + " +/"
        if self.has(Fault.SAME_AUTH_REQ_ID_AGAIN):
            return "q3Zk9vB1xL7mT0sWc5NfYhRgJ2dPaUe8KiOoVtXyEzA"
        identifier = secrets.token_urlsafe(32)
        return f"{identifier}.{secrets.token_urlsafe(64)}" if self.differently else identifier
