"""Which notifications may come: by token, from before the request until after its end."""

import asyncio
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.errors import (
    CibaClientError,
    InvalidIdToken,
    InvalidProviderResponse,
    ProviderUnavailable,
)
from ciba_client.sdk.notifications.message import Notification, NotificationRefused, Push, Refusal
from ciba_client.sdk.notifications.token import new_notification_token
from ciba_client.sdk.provider.answers import AuthReqId

__all__ = ["ExpectedNotification", "ExpectedNotifications", "NotificationTaker"]

_REMEMBERED: Final = 1024


class NotificationTaker(Protocol):
    """Who waits for the notifications of one request."""

    def pinged(self) -> None:
        """The decision is there; again is no matter (CIBA 10.2)."""
        ...

    async def pushed(self, body: bytes) -> None:
        """The outcome itself is there (CIBA 10.3.1, 12).

        Raises:
            InvalidIdToken, InvalidProviderResponse: it is not usable, and the request has ended.
            ProviderUnavailable: it cannot be verified at the moment, and may come again.
            CibaClientError: nobody waits for it any more.
        """
        ...


@dataclass(slots=True, eq=False)
class _Record:
    """What is kept of a request for longer than anybody waits for it."""

    mode: TokenDeliveryMode
    auth_req_id_digest: bytes | None = None
    push_identity: bytes | None = None
    push_refusal: Refusal | None = None

    def is_of(self, auth_req_id: str) -> bool:
        """Whether this was the request; one that was never acknowledged is none."""
        digest = self.auth_req_id_digest
        return digest is not None and hmac.compare_digest(digest, _digest(auth_req_id))

    def verify_mode(self, notification: Notification) -> None:
        """CIBA 10: a client takes what it is registered for, and nothing else."""
        awaits_push = self.mode is TokenDeliveryMode.PUSH
        if awaits_push and notification.push is None:
            raise NotificationRefused(Refusal.PING)
        if notification.push is not None and not awaits_push:
            raise NotificationRefused(Refusal.PUSH)

    def answer_again(self, push: Push) -> None:
        """The same push gets the same answer; another one changes nothing of what is settled."""
        if self.push_identity is None:
            raise NotificationRefused(Refusal.LEFT)
        if not hmac.compare_digest(self.push_identity, push.identity):
            raise NotificationRefused(Refusal.SETTLED)
        if self.push_refusal is not None:
            raise NotificationRefused(self.push_refusal)


@dataclass(slots=True, eq=False)
class ExpectedNotification:
    """A notification that may come, even before the request it belongs to is acknowledged."""

    token: str = field(repr=False)
    record: _Record = field(repr=False)
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _taker: NotificationTaker | None = field(default=None, repr=False)

    def belongs_to(self, auth_req_id: AuthReqId, taker: NotificationTaker) -> None:
        """The request was acknowledged; ``taker`` is given each notification of it."""
        self.record.auth_req_id_digest = _digest(auth_req_id.value)
        self._taker = taker
        self.acknowledged.set()

    async def take(self, notification: Notification) -> None:
        """Give it to whoever waits; raises ``NotificationRefused``."""
        if self._taker is None:
            raise AssertionError("nobody waits before the acknowledgement")
        if notification.push is None:
            self._taker.pinged()
            return
        async with self._turn:  # a push that is sent twice at once is verified once
            if self.record.push_identity is None:
                await self._settle(self._taker, notification.push)
            self.record.answer_again(notification.push)

    async def _settle(self, taker: NotificationTaker, push: Push) -> None:
        refusal = None
        try:
            await taker.pushed(push.body)
        except ProviderUnavailable as error:
            raise NotificationRefused(Refusal.UNVERIFIABLE) from error
        except (InvalidIdToken, InvalidProviderResponse):
            refusal = Refusal.UNUSABLE
        except CibaClientError:
            refusal = Refusal.LEFT
        self.record.push_identity, self.record.push_refusal = push.identity, refusal


class ExpectedNotifications:
    """All notifications that one receiver takes.

    Found by the digest of their token, so that how long it takes to find one says nothing of any
    token. What is over is remembered for a while: a repeated notification is none of a stranger.
    """

    def __init__(self) -> None:
        self._open: dict[bytes, ExpectedNotification] = {}
        self._over: OrderedDict[bytes, _Record] = OrderedDict()

    @contextmanager
    def expecting(self, mode: TokenDeliveryMode) -> Iterator[ExpectedNotification]:
        """Expect the notifications of one request under a new token."""
        expected = ExpectedNotification(new_notification_token(), _Record(mode))
        name = _digest(expected.token)
        self._open[name] = expected
        try:
            yield expected
        finally:
            del self._open[name]
            expected.acknowledged.set()
            if expected.record.auth_req_id_digest is not None:
                self._remember(name, expected.record)

    async def arrive(self, notification: Notification, *, timeout_seconds: float) -> None:
        """Tell whom it belongs to; again is no matter (CIBA 10.2).

        A notification may overtake the acknowledgement that brings its ``auth_req_id``: it waits
        for that.

        Raises:
            NotificationRefused: token and ``auth_req_id`` do not belong together, or are unknown;
                it is of another mode than the client's; it is a push that cannot be used; or there
                was no acknowledgement within ``timeout_seconds``.
        """
        name = _digest(notification.token)
        record = await self._record(name, timeout_seconds)
        # CIBA 10.2, 10.3.1: the token is valid, and belongs to this auth_req_id.
        if record is None or not record.is_of(notification.auth_req_id):
            raise NotificationRefused(Refusal.TOKEN)
        record.verify_mode(notification)
        if (expected := self._open.get(name)) is not None:
            await expected.take(notification)
        elif notification.push is not None:
            record.answer_again(notification.push)

    async def _record(self, name: bytes, timeout_seconds: float) -> _Record | None:
        expected = self._open.get(name)
        if expected is None:
            return self._over.get(name)
        try:
            async with asyncio.timeout(timeout_seconds):
                await expected.acknowledged.wait()
        except TimeoutError as error:
            raise NotificationRefused(Refusal.TOO_EARLY) from error
        return expected.record

    def _remember(self, name: bytes, record: _Record) -> None:
        self._over[name] = record
        if len(self._over) > _REMEMBERED:
            self._over.popitem(last=False)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
