"""Which notifications may come: by token, from before the request until after its end."""

import asyncio
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ciba_client.sdk.notifications.message import Notification, NotificationRefused, Refusal
from ciba_client.sdk.notifications.token import new_notification_token
from ciba_client.sdk.provider.answers import AuthReqId

__all__ = ["ExpectedNotification", "ExpectedNotifications"]

_REMEMBERED: Final = 1024


@dataclass(slots=True, eq=False)
class ExpectedNotification:
    """A notification that may come, even before the request it belongs to is acknowledged."""

    token: str = field(repr=False)
    settled: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    auth_req_id_digest: bytes | None = field(default=None, repr=False)
    arrived: Callable[[], None] = field(default=lambda: None, repr=False)

    def belongs_to(self, auth_req_id: AuthReqId, arrived: Callable[[], None]) -> None:
        """The request was acknowledged; ``arrived`` is called at each notification of it."""
        self.auth_req_id_digest = _digest(auth_req_id.value)
        self.arrived = arrived
        self.settled.set()


class ExpectedNotifications:
    """All notifications that one receiver takes.

    Found by the digest of their token, so that how long it takes to find one says nothing of any
    token. What is over is remembered for a while: a repeated notification is none of a stranger.
    """

    def __init__(self) -> None:
        self._open: dict[bytes, ExpectedNotification] = {}
        self._over: OrderedDict[bytes, bytes] = OrderedDict()

    @contextmanager
    def expecting(self) -> Iterator[ExpectedNotification]:
        """Expect the notifications of one request under a new token."""
        expected = ExpectedNotification(new_notification_token())
        name = _digest(expected.token)
        self._open[name] = expected
        try:
            yield expected
        finally:
            del self._open[name]
            expected.settled.set()
            if expected.auth_req_id_digest is not None:
                self._remember(name, expected.auth_req_id_digest)

    async def arrive(self, notification: Notification, *, timeout_seconds: float) -> None:
        """Tell whom it belongs to; again is no matter (CIBA 10.2).

        A notification may overtake the acknowledgement that brings its ``auth_req_id``: it waits
        for that.

        Raises:
            NotificationRefused: token and ``auth_req_id`` do not belong together, or are unknown;
                it is a push; or there was no acknowledgement within ``timeout_seconds``.
        """
        name = _digest(notification.token)
        subject = await self._subject(name, timeout_seconds)
        # CIBA 10.2: the token is valid, and belongs to this auth_req_id.
        if subject is None or not hmac.compare_digest(subject, _digest(notification.auth_req_id)):
            raise NotificationRefused(Refusal.TOKEN)
        if notification.is_push:
            raise NotificationRefused(Refusal.PUSH)
        if (expected := self._open.get(name)) is not None:
            expected.arrived()

    async def _subject(self, name: bytes, timeout_seconds: float) -> bytes | None:
        expected = self._open.get(name)
        if expected is None:
            return self._over.get(name)
        try:
            async with asyncio.timeout(timeout_seconds):
                await expected.settled.wait()
        except TimeoutError as error:
            raise NotificationRefused(Refusal.TOO_EARLY) from error
        return expected.auth_req_id_digest

    def _remember(self, name: bytes, subject: bytes) -> None:
        self._over[name] = subject
        if len(self._over) > _REMEMBERED:
            self._over.popitem(last=False)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
