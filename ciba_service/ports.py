"""Everything that can be replaced, as protocols: the store, the clock, directories, the channel.

Each docstring says what must be atomic. Instants and durations are milliseconds unless named
otherwise; ``operation`` is an identifier that is the same across retries of one operation.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import msgspec

from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encryption import DecryptionKey
from ciba_service.protocol.jose.signing import SigningKey
from ciba_service.protocol.request.authorization_details import PaymentInitiation
from ciba_service.protocol.request.parameters import LoginHint
from ciba_service.protocol.transaction.state import Event, FailureReason, State
from ciba_service.sca.attempts import Attempt
from ciba_service.sca.devices import Device, UserTag
from ciba_service.sca.messages import Factor

__all__ = [
    "Activation",
    "ActivationStore",
    "Announcement",
    "AnnouncementKind",
    "AttemptStore",
    "Broadcast",
    "ClientRegistry",
    "Clock",
    "Decided",
    "DeviceHub",
    "DeviceRecord",
    "DeviceStore",
    "DueKind",
    "DueStore",
    "DueWork",
    "KeyRing",
    "NewTransaction",
    "PollReply",
    "PollStatus",
    "PromptReservation",
    "PromptStore",
    "Randomness",
    "ReplayStore",
    "StoreHealth",
    "StoreUnavailable",
    "StoredRequest",
    "Swap",
    "SwapResult",
    "Telemetry",
    "TokenRecord",
    "Transaction",
    "TransactionStore",
    "UnknownRecordFormat",
    "User",
    "UserDirectory",
]


class StoreUnavailable(Exception):
    """The store could not be reached in time; whether the operation ran is settled by a retry."""


class UnknownRecordFormat(StoreUnavailable):
    """A record was written in a format this version does not know; it is left untouched."""


class Clock(Protocol):
    """Time, as everything here takes it."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Randomness(Protocol):
    """A cryptographic random source."""

    def __call__(self, count: int, /) -> bytes:
        """``count`` random bytes."""
        ...


class Telemetry(Protocol):
    """Where events go: one name, flat fields, never a secret."""

    def event(self, name: str, **fields: object) -> None:
        """Something happened as it should, or was refused as it should."""
        ...

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """Something of ours went wrong."""
        ...


# --- Directories ---


@dataclass(frozen=True, slots=True)
class User:
    """A person who may be asked."""

    subject: str
    enabled: bool = True


class UserDirectory(Protocol):
    """Who exists."""

    def find(self, hint: LoginHint) -> User | None:
        """The user a hint denotes, or None."""
        ...

    def find_subject(self, subject: str) -> User | None:
        """The user of a subject identifier, or None."""
        ...


class ClientRegistry(Protocol):
    """Which clients are registered."""

    def find(self, client_id: str) -> Client | None:
        """The client, or None."""
        ...


class KeyRing(Protocol):
    """The service's keys; those for tokens, challenges and factors are different."""

    def token_key(self, alg: SignatureAlgorithm) -> SigningKey:
        """The active key for tokens of ``alg``."""
        ...

    @property
    def challenge_key(self) -> SigningKey:
        """The active key for challenges."""
        ...

    @property
    def factors_key(self) -> DecryptionKey:
        """The key that phones encrypt factors to."""
        ...

    def challenge_jwks(self) -> tuple[dict[str, str], ...]:
        """Public challenge keys, for phones to pin."""
        ...

    def public_jwks(self) -> list[dict[str, str]]:
        """Public token keys, as published."""
        ...


# --- Transactions ---


class StoredRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked, kept encrypted; ``challenge`` is the exact JWS."""

    subject: str
    scope: tuple[str, ...]
    acr: str
    factors: tuple[Factor, ...]
    challenge: str
    payments: tuple[PaymentInitiation, ...] = ()


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What an approval proved, kept encrypted; ``auth_time`` is in seconds."""

    device_id: str
    operation: str
    challenge_hash: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int


@dataclass(frozen=True, slots=True)
class NewTransaction:
    """A transaction to be stored as PENDING."""

    transaction_id: str
    client_id: str
    user_tag: UserTag
    request: StoredRequest
    created_at: int
    expires_at: int
    interval_ms: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """A stored transaction as it stands at the time it was read.

    Once redeemed it has no ``request`` any more. ``decision`` is the operation that decided it.
    """

    transaction_id: str
    client_id: str
    user_tag: UserTag
    state: State
    request: StoredRequest | None
    expires_at: int
    decided: Decided | None = None
    decision: str = ""


class PollStatus(StrEnum):
    """What a poll found."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    SLOW_DOWN = "slow_down"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class PollReply:
    """``transaction`` is there when SETTLED: in any state but pending."""

    status: PollStatus
    transaction: Transaction | None = None


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What is kept of issued tokens: hashes, and until when."""

    grant: bytes
    access_token_hash: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Swap:
    """One event that is to happen to one transaction.

    ``decided`` goes with APPROVE, ``reason`` with FAIL, ``tokens`` with REDEEM. Due work is
    written with it: ``settle`` when the prompt is no longer open.
    """

    transaction_id: str
    event: Event
    operation: str
    now: int
    decided: Decided | None = None
    reason: FailureReason | None = None
    tokens: TokenRecord | None = None


@dataclass(frozen=True, slots=True)
class SwapResult:
    """Whether this operation won, now or before, and the state found."""

    won: bool
    state: State | None


class TransactionStore(Protocol):
    """Transactions. Each method is one atomic step."""

    async def create(self, new: NewTransaction, *, operation: str) -> None:
        """Store with its lifetime and make ``announce`` and ``expire`` due, all or nothing."""
        ...

    async def read(self, transaction_id: str, *, now: int) -> Transaction | None:
        """As it stands, or None when there is no such transaction."""
        ...

    async def poll(
        self, transaction_id: str, *, client_id: str, operation: str, now: int
    ) -> PollReply:
        """Look for its owner and count the poll when it is pending (protocol.transaction)."""
        ...

    async def forget_poll(self, transaction_id: str, *, operation: str) -> None:
        """Undo a poll that turned out to be none."""
        ...

    async def swap(self, swap: Swap) -> SwapResult:
        """Let the event happen if the table allows it, with all that goes with it, or nothing."""
        ...


class ReplayStore(Protocol):
    """Identifiers that may be used once."""

    async def reserve(
        self, kind: str, owner: str, identifier: str, *, operation: str, until: int
    ) -> bool:
        """Claim for this operation; False when another operation did before."""
        ...


# --- Due work ---


class DueKind(StrEnum):
    """Work that a transaction leaves behind."""

    ANNOUNCE = "announce"
    EXPIRE = "expire"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class DueWork:
    """One piece of due work under a lease; ``lease_until`` names this claim."""

    kind: DueKind
    transaction_id: str
    lease_until: int


class DueStore(Protocol):
    """Due work by partition."""

    async def claim(self, partition: int, *, now: int, limit: int) -> list[DueWork]:
        """Lease what is due so that nobody else gets it before the lease ends."""
        ...

    async def finish(self, work: DueWork) -> None:
        """Forget it, unless another process holds the lease by now."""
        ...

    async def partitions_with_work(self, *, now: int) -> list[int]:
        """Where something is due."""
        ...


# --- Users and phones ---


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """A phone as operators see it."""

    device_id: str
    name: str
    enrolled_at: int


class PromptReservation(StrEnum):
    """Whether a user can be asked."""

    RESERVED = "reserved"
    LOCKED = "locked"
    NO_DEVICE = "no_device"
    FULL = "full"


class PromptStore(Protocol):
    """Which prompts of a user are open."""

    async def reserve(
        self, tag: UserTag, transaction_id: str, *, now: int, until: int
    ) -> PromptReservation:
        """Take a slot if the user is not locked, has a phone and has a slot left, in one step."""
        ...

    async def release(self, tag: UserTag, transaction_id: str) -> None:
        """Give the slot back."""
        ...

    async def open(self, tag: UserTag, *, now: int) -> list[str]:
        """Transactions whose prompt is open."""
        ...


class DeviceStore(Protocol):
    """Enrolled phones of users."""

    async def add(
        self, tag: UserTag, device: Device, jwk: dict[str, str], *, operation: str
    ) -> Device | None:
        """Enrol; the same operation gets the phone it added before. None: too many phones."""
        ...

    async def find(self, device_id: str) -> Device | None:
        """An active phone with its secrets, or None."""
        ...

    async def is_active(self, device_id: str) -> bool:
        """Whether it may act."""
        ...

    async def list(self, tag: UserTag) -> Sequence[DeviceRecord]:
        """The user's active phones."""
        ...

    async def revoke(self, device_id: str) -> bool:
        """Destroy its keys and secrets; False when there was no such phone."""
        ...


class AttemptStore(Protocol):
    """Failed attempts of a user, and one-time codes that were spent."""

    async def reserve(self, tag: UserTag, *, operation: str) -> Attempt:
        """Count before evaluating; raises ``sca.attempts.LockedError``."""
        ...

    async def reset(self, tag: UserTag, *, operation: str) -> None:
        """Start anew after a success, once an operation."""
        ...

    async def spend_step(self, device_id: str, step: int, *, operation: str) -> bool:
        """Spend a time step of a phone's OTP; False when it or a later one was spent before."""
        ...

    async def used(self, tag: UserTag) -> int:
        """Attempts used since the last success."""
        ...


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation code as stored: whose it is, and the second secret's salted hash if any."""

    subject: str
    second_secret_hash: str | None = field(default=None, repr=False)
    salt: str = field(default="", repr=False)


class ActivationStore(Protocol):
    """Activation codes: found by keyed hash, used once."""

    async def put(
        self, code: str, subject: str, second_secret: str | None, *, until: int | None
    ) -> bool:
        """Store a code; False when it is there already. ``until`` None: a preset, kept for good."""
        ...

    async def attempt(self, code: str, second_secret: str | None, *, operation: str) -> str | None:
        """The subject if code and second secret hold; each try is counted before it is looked at.

        A code another operation has used, and one with five failed tries, is as good as none.
        """
        ...


# --- The channel to phones ---


class AnnouncementKind(StrEnum):
    """What phones are to be told."""

    OFFER = "offer"
    WITHDRAW = "withdraw"
    ENROLLED = "enrolled"
    REVOKED = "revoked"
    REPLACED = "replaced"
    RESYNC = "resync"


class Announcement(msgspec.Struct, frozen=True, array_like=True):
    """A word to all phones of one user, wherever they are connected.

    ``about`` is a transaction id or a device id; ``detail`` a withdrawal's reason, a new phone's
    name, or the connection that replaces another.
    """

    kind: AnnouncementKind
    tag: UserTag
    about: str = ""
    detail: str = ""


class Broadcast(Protocol):
    """Carries announcements to all processes."""

    async def publish(self, tag: UserTag, data: bytes) -> None:
        """Tell all processes."""
        ...

    def listen(self) -> AsyncIterator[bytes | None]:
        """What was published; None where something may have been missed."""
        ...


class DeviceHub(Protocol):
    """Reaches the sockets of a user's phones in every process."""

    async def announce(self, announcement: Announcement) -> None:
        """Tell all processes; whoever is not reached catches up when it connects."""
        ...

    def attach(
        self, tag: UserTag, device_id: str, connection: str
    ) -> AbstractAsyncContextManager[AsyncIterator[Announcement]]:
        """Listen for a connected phone; begins with a resync."""
        ...


class StoreHealth(Protocol):
    """Whether the store can be used."""

    async def server_time_ms(self) -> int:
        """The store's own clock; raises ``StoreUnavailable``."""
        ...
